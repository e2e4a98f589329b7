"""Checks Standard Webhooks signatures over the raw bytes (standardwebhooks.com, version 1)."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from hashlib import sha256

from spotloom.errors import SpotloomError

TOLERANCE_S = 300


class Forged(SpotloomError):
    """The webhook is not from who it says, or too old; nothing of it is used."""


def verified_id(headers: Mapping[str, str], body: bytes, *, secret: str, now: float) -> str:
    """The event's id, once a signature of the body is right and not older than five minutes.

    `secret` is `whsec_` and base64, or plain text; `now` is Unix time in seconds.
    """
    event_id = headers.get("webhook-id", "")
    stamp = headers.get("webhook-timestamp", "")
    if not event_id or len(event_id) > 256 or not stamp.isascii() or not stamp.isdigit():
        raise Forged("The webhook has no id or timestamp.")
    if abs(now - int(stamp)) > TOLERANCE_S:
        raise Forged("The webhook's timestamp is more than five minutes off.")
    signed = f"{event_id}.{stamp}.".encode() + body
    expected = base64.b64encode(hmac.digest(_key(secret), signed, sha256)).decode()
    for word in headers.get("webhook-signature", "").split():
        version, _, given = word.partition(",")
        if version == "v1" and hmac.compare_digest(given.encode(), expected.encode()):
            return event_id
    raise Forged("No signature of the webhook is right.")


def _key(secret: str) -> bytes:
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error as error:
            raise Forged("The webhook secret is not base64 after whsec_.") from error
    return secret.encode()

"""Checks Standard Webhooks signatures over the raw bytes (standardwebhooks.com, version 1)."""

import base64
import hmac
from collections.abc import Mapping
from hashlib import sha256

from spotloom.errors import SetupError, SpotloomError

TOLERANCE_S = 300
_LONGEST_ID, _LONGEST_STAMP = 256, 12  # characters


class Forged(SpotloomError):
    """The webhook is not from who it says, or too old; nothing of it is used."""


def signing_key(secret: str, *, setting: str = "SPOTLOOM_WEBHOOK_SECRET") -> bytes:
    """The key of a secret, which is `whsec_` and base64, or plain text.

    SetupError, naming the setting, when anybody could guess it, or when it was copied wrongly.
    """
    if not secret.startswith("whsec_"):
        key = secret.encode()
    else:
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError as error:  # letters that base64 does not have, or too few
            raise SetupError(
                f"{setting} begins with whsec_, but what follows is not base64; copy it from the "
                "provider again."
            ) from error
    if not key.strip():
        raise SetupError(f"{setting} holds no key; copy it from the provider again.")
    return key


def verified_id(headers: Mapping[str, str], body: bytes, *, key: bytes, now: float) -> str:
    """The event's id, once a signature of the body is right and at most five minutes off.

    `now` is Unix time in seconds.
    """
    event_id = headers.get("webhook-id", "")
    stamp = headers.get("webhook-timestamp", "")
    if not 0 < len(event_id) <= _LONGEST_ID:
        raise Forged("The webhook has no usable webhook-id.")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _LONGEST_STAMP):
        raise Forged("The webhook has no usable webhook-timestamp.")
    if abs(now - int(stamp)) > TOLERANCE_S:
        raise Forged("The webhook's timestamp is more than five minutes off.")
    signed = f"{event_id}.{stamp}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, sha256))
    for word in headers.get("webhook-signature", "").split():
        version, _, given = word.partition(",")
        if version == "v1" and hmac.compare_digest(given.encode(), expected):
            return event_id
    raise Forged("No signature of the webhook is right.")

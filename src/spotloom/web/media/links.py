"""Signed links to one file: whoever holds one may fetch it, until it ends."""

import base64
import hmac
import time
from hashlib import sha256
from uuid import UUID

from spotloom.web.errors import Refused


def signature(secret: bytes, asset_id: UUID, expires: int) -> str:
    """What proves that we gave this link out."""
    said = f"media|{asset_id}|{expires}".encode()
    digest = hmac.digest(secret, said, sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def check(secret: bytes, asset_id: UUID, *, expires: int, given: str) -> None:
    """Do nothing when the link is ours and still good; else Refused."""
    if not hmac.compare_digest(signature(secret, asset_id, expires).encode(), given.encode()):
        raise Refused(403, "Not our link", "The link was not made here, or was changed.")
    if expires < time.time():
        raise Refused(403, "The link has ended", "Ask whoever gave it to you for a new one.")

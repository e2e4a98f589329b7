"""Checks signed links: whoever holds one may fetch its file, until it ends."""

import hmac
import time
from uuid import UUID

from spotloom.media.links import signature
from spotloom.web.errors import Refused


def check(secret: bytes, asset_id: UUID, *, expires: int, given: str) -> None:
    """Do nothing when the link is ours and still good; else Refused."""
    if not hmac.compare_digest(signature(secret, asset_id, expires).encode(), given.encode()):
        raise Refused(403, "Not our link", "The link was not made here, or was changed.")
    if expires < time.time():
        raise Refused(403, "The link has ended", "Ask whoever gave it to you for a new one.")

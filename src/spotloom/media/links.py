"""Signs links to one file: whoever holds one may fetch it, until it ends."""

import base64
import datetime as dt
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

LIFE = dt.timedelta(days=7)  # the longest that a link is good for
RENEWED_EVERY = dt.timedelta(days=6)  # so that a link that is shown always has a day left
RENEWED_FOR = dt.timedelta(days=30)  # after that, whoever looks signs in


def signature(secret: bytes, asset_id: UUID, expires: int) -> str:
    """What proves that we gave this link out."""
    said = f"media|{asset_id}|{expires}".encode()
    digest = hmac.digest(secret, said, sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Links that stand somewhere else for a while, and are renewed there before they end."""

    address: str  # where this installation is reached
    # Asked at each link, for the one that serves may make it only now. None: nobody here can sign.
    secret: Callable[[], bytes | None] = field(repr=False)

    def link(
        self, asset_id: UUID, *, made_at: dt.datetime, now: dt.datetime
    ) -> tuple[str, dt.datetime | None]:
        """The file's link, the same at every call until it is to be renewed, and when that is.

        The link of an old file, and of one that nobody here can sign for, asks for a sign-in.
        """
        plain = f"{self.address}/api/media/{asset_id}"
        secret = self.secret()
        if secret is None or now >= made_at + RENEWED_FOR:
            return plain, None
        renewals = (now - made_at) // RENEWED_EVERY
        begins = made_at + renewals * RENEWED_EVERY
        expires = int((begins + LIFE).timestamp())
        renew_at = min(begins + RENEWED_EVERY, made_at + RENEWED_FOR)
        return f"{plain}?exp={expires}&sig={signature(secret, asset_id, expires)}", renew_at

"""Makes the secrets that let somebody in, and what is kept of each: its SHA-256.

A fast hash is right here: 256 random bits cannot be guessed, unlike a password.
"""

import hmac
import re
import secrets
from hashlib import sha256

SESSION, KEY, LINK, INVITATION, STATE = "sps_", "spk_", "spl_", "spi_", "spo_"
_FORM = re.compile(r"sp[sklio]_[A-Za-z0-9_-]{43}")
SHOWN = 10  # characters of a key that people may see, to tell it from others


def new(prefix: str) -> str:
    """A fresh secret of 256 bits; the prefix says what it opens, and lets scanners find it."""
    return prefix + secrets.token_urlsafe(32)


def well_formed(secret: str, prefix: str) -> bool:
    """Whether this could be a secret of that kind; nothing else is worth a look-up."""
    return secret.startswith(prefix) and _FORM.fullmatch(secret) is not None


def kept(secret: str) -> str:
    """What is stored in place of the secret, and looked up."""
    return sha256(secret.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether the two are equal, in a time that says nothing of where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())

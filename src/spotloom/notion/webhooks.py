"""Reads Notion's webhooks: a token to pair with, or a signed word that a page changed."""

import hmac
from hashlib import sha256
from typing import Annotated

from pydantic import BaseModel, StringConstraints

SIGNATURE = "x-notion-signature"
_PREFIX = "sha256="
Text = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[^\x00]+$")]
# What may mean that people did something to a page of ours.
PAGES = frozenset(
    f"page.{what}"
    for what in ("created", "properties_updated", "deleted", "undeleted", "moved", "unlocked")
)


class Pairing(BaseModel):
    """What Notion sends first: the token that signs all that follows."""

    verification_token: Text


class _Entity(BaseModel):
    id: Text


class _Author(BaseModel):
    id: str
    type: str = ""


class Event(BaseModel):
    """Something happened to the entity."""

    id: Text
    type: Text
    entity: _Entity
    authors: list[_Author] = []

    def by_others_than(self, bot_id: str) -> bool:
        """Whether anybody but ourselves did it."""
        return any(author.id != bot_id for author in self.authors) or not self.authors


def signed(body: bytes, token: str) -> str:
    """The signature that the body must carry."""
    return _PREFIX + hmac.digest(token.encode(), body, sha256).hex()


def is_signed(body: bytes, *, signature: str, token: str) -> bool:
    """Whether Notion sent exactly these bytes."""
    return hmac.compare_digest(signed(body, token).encode(), signature.lower().encode())

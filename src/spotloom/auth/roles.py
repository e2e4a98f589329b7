"""Who asks, and what each role and each scope of a key may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a member may do in a workspace; each role may do all that the one before it may."""

    VIEWER = "viewer"  # see
    EDITOR = "editor"  # brands, briefs, campaigns; submit, review, retry, cancel
    ADMIN = "admin"  # delete, integrations, members, budgets, keys

    def covers(self, other: "Role") -> bool:
        """Whether this role may do all that the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


EVERYTHING = "*"


class KeyScope(StrEnum):
    """One part of what there is to do, which a key may be limited to."""

    READ = "campaigns:read"
    WRITE = "campaigns:write"
    SPEND = "spend"
    MEMBERS = "members"
    KEYS = "keys"
    METRICS = "metrics"
    ADMIN = "admin"

    @property
    def role(self) -> Role:
        """The least role that may do it."""
        return _LEAST[self]


_LEAST = {
    KeyScope.READ: Role.VIEWER,
    KeyScope.WRITE: Role.EDITOR,
    KeyScope.SPEND: Role.EDITOR,
    KeyScope.MEMBERS: Role.ADMIN,
    KeyScope.KEYS: Role.ADMIN,
    KeyScope.METRICS: Role.VIEWER,
    KeyScope.ADMIN: Role.ADMIN,
}

SCOPES = frozenset({EVERYTHING, *KeyScope})  # what may be written into a key


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """The token of an identity provider that somebody came in by: on what it stands, and when."""

    names: tuple[str, ...]  # of the session and all else there that must go on
    issued_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody who was let in: a person in a workspace, or a key of it."""

    workspace_id: UUID
    role: Role
    person_id: UUID | None
    key_id: UUID | None
    session_id: UUID | None
    name: str
    scopes: frozenset[str]
    vouched: Vouched | None = None  # None: not by a token of an identity provider's

    @property
    def text(self) -> str:
        """Who it was, as the audit log says it."""
        return f"key:{self.key_id}" if self.key_id else f"person:{self.person_id}"

    def may(self, scope: KeyScope) -> bool:
        """Whether both the role and the scopes allow it."""
        return self.role.covers(scope.role) and self.grants([scope])

    def grants(self, scopes: Iterable[str]) -> bool:
        """Whether all of the scopes are among its own; nobody hands on more than they have."""
        return EVERYTHING in self.scopes or self.scopes.issuperset(scopes)

    def may_give(self, role: Role) -> bool:
        """Whether it may do all that the role may: a person of that role has every scope of it."""
        return self.role.covers(role) and self.grants(s for s in KeyScope if role.covers(s.role))

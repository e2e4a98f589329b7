"""The JSON of signing in: what is sent, and what is answered."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from spotloom.auth import keys as auth_keys
from spotloom.auth.roles import KeyScope, Role
from spotloom.contract.shapes import Asked, Told

# PostgreSQL keeps no NUL, and no name needs a line break.
_PLAIN = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=_PLAIN)
]
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        max_length=254,
        pattern=r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]+\.[^@\s\x00-\x1f\x7f.]+$",
    ),
]
Secret = Annotated[str, Field(min_length=1, max_length=100)]
Password = Annotated[str, Field(min_length=1, max_length=256)]
AnyScope = Literal[
    "campaigns:read", "campaigns:write", "spend", "members", "keys", "metrics", "admin", "*"
]
RoleWord = Annotated[Role, Field(strict=False)]


class LinkUse(Asked):
    """The secret of a one-time link: what stands behind the `#`."""

    secret: Secret


class PasswordSignIn(Asked):
    """A person of our own and their password; without an address it is the owner."""

    email: Email | None = None
    password: Password


class NewPassword(Asked):
    """The password from now on; the current one, where there is one."""

    password: Password
    current: Password | None = None


class InvitationUse(Asked):
    """The secret of an invitation; name and password are for who has no session yet."""

    secret: Secret
    name: Name | None = None
    password: Password | None = None


class ClerkToken(Asked):
    """A session token of Clerk's, as ClerkJS gives it."""

    token: Annotated[str, Field(min_length=1, max_length=8192)]


class WorkspaceChoice(Asked):
    """The workspace to go on in."""

    workspace_id: Annotated[UUID, Field(strict=False)]


class RoleChange(Asked):
    """The member's role from now on."""

    role: RoleWord


class NewInvitation(Asked):
    """Whom to invite, as what."""

    email: Email
    role: RoleWord


class NewKey(Asked):
    """What the key is for, and what it may do."""

    name: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True,
            min_length=1,
            max_length=auth_keys.LONGEST_NAME,
            pattern=_PLAIN,
        ),
    ]
    role: RoleWord
    scopes: Annotated[list[AnyScope], Field(min_length=1, max_length=len(KeyScope) + 1)] = Field(
        default=["*"], description="`*` stands for all that its role may do."
    )
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = Field(
        default=365, description="Null for a key without an end."
    )


class Whom(Told):
    """Who asks."""

    kind: Literal["person", "key"]
    id: UUID
    name: str
    role: Role
    scopes: list[str]


class WorkspacePart(Told):
    """A workspace, and the person's role in it."""

    id: UUID
    name: str
    role: Role
    current: bool


class SessionState(Told):
    """Who asks, where, and until when."""

    actor: Whom
    workspace_id: UUID
    session_id: UUID | None = Field(description="Null for a key or a token.")
    may_set_password: bool
    has_password: bool


class Begun(Told):
    """A session has begun; the cookie came with this answer."""

    workspace_id: UUID
    person_id: UUID


class Browser(Told):
    """One browser where the person is signed in."""

    id: UUID
    workspace_id: UUID
    user_agent: str | None
    created_at: dt.datetime
    seen_at: dt.datetime
    expires_at: dt.datetime
    current: bool


class MemberOf(Told):
    """A member of the workspace."""

    person_id: UUID
    name: str
    email: str | None
    role: Role


class Invited(Told):
    """An open invitation."""

    id: UUID
    email: str
    role: Role
    expires_at: dt.datetime
    invited_by: str | None


class InvitedNow(Invited):
    """A new invitation, with its link: it is shown this once."""

    link: str


class KeyOf(Told):
    """A key of the workspace, without what lets one in."""

    id: UUID
    name: str
    role: Role
    scopes: list[str]
    prefix: str = Field(description="The first characters, to tell it from others.")
    created_by: str | None
    created_at: dt.datetime
    expires_at: dt.datetime | None
    seen_at: dt.datetime | None


class KeyMade(KeyOf):
    """A new key, with the key itself: it is shown this once."""

    key: str

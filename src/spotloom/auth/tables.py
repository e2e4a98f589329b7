"""The tables of who may come in: people, memberships, sessions, keys, invitations.

A secret is never stored: only its hash is, under which it is looked up.
"""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from spotloom.campaigns.tables import Table

_ROLE = "role in ('viewer','editor','admin')"


class Person(Table):
    """Somebody who can sign in, in whatever workspaces."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("issuer", "subject"), Index("person_by_email", "email"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str | None]
    name: Mapped[str]
    issuer: Mapped[str]  # who vouches for them: ourselves, or an identity provider
    subject: Mapped[str]  # their name there
    password_hash: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))


class Member(Table):
    """A person's part in a workspace."""

    __tablename__ = "member"
    __table_args__ = (CheckConstraint(_ROLE, name="role"), Index("member_by_person", "person_id"))

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.workspace.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.person.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))


class Invitation(Table):
    """A place in a workspace that waits for somebody."""

    __tablename__ = "invitation"
    __table_args__ = (
        CheckConstraint(_ROLE, name="role"),
        Index("invitation_of_workspace", "workspace_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.workspace.id", ondelete="CASCADE")
    )
    email: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]
    invited_by: Mapped[str | None]  # "person:…" or "key:…"


class Session(Table):
    """One browser that is signed in."""

    __tablename__ = "session"
    __table_args__ = (
        Index("session_of_person", "workspace_id", "person_id"),
        Index("session_by_external_id", "external_id"),
        Index("session_by_previous_hash", "previous_hash"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.workspace.id", ondelete="CASCADE")
    )
    person_id: Mapped[UUID] = mapped_column(ForeignKey("spotloom.person.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    # Of the token before the last rotation: good a while, and until the new one was used.
    previous_hash: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    seen_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    rotated_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    external_id: Mapped[str | None]  # the identity provider's session, which can end this one
    user_agent: Mapped[str | None]
    label: Mapped[str | None]


class ApiKey(Table):
    """A program's way in."""

    __tablename__ = "api_key"
    __table_args__ = (
        CheckConstraint(_ROLE, name="role"),
        Index("api_key_of_workspace", "workspace_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.workspace.id", ondelete="CASCADE")
    )
    name: Mapped[str]
    role: Mapped[str]
    scopes: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    prefix: Mapped[str]  # what people may see of it
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_by: Mapped[str | None]  # "person:…" or "key:…"
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[dt.datetime | None]
    seen_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]


class LoginLink(Table):
    """A link that signs its holder in, once."""

    __tablename__ = "login_link"
    __table_args__ = (Index("login_link_of_person", "workspace_id", "person_id"),)

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.workspace.id", ondelete="CASCADE")
    )
    person_id: Mapped[UUID] = mapped_column(ForeignKey("spotloom.person.id", ondelete="CASCADE"))
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]


class SignIn(Table):
    """A round trip to an identity provider that is under way."""

    __tablename__ = "sign_in"

    state_hash: Mapped[str] = mapped_column(primary_key=True)
    verifier: Mapped[str]
    nonce: Mapped[str]
    after: Mapped[str]  # the page to go on to
    expires_at: Mapped[dt.datetime]


class Attempt(Table):
    """How often something secret was guessed at lately, by the hash of where it came from."""

    __tablename__ = "attempt"

    key: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    since: Mapped[dt.datetime]

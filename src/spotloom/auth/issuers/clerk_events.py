"""What Clerk tells us: sessions that are over, memberships that come, change and go.

Events may come late, twice and in any order. So the last word about each session, membership,
user and organisation is kept for a day, with its time: an older word changes nothing. A token made
before something ended lets nobody in, however long it says that it is good for; one made before a
role changed does not change it back.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import BigInteger, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import people, sessions
from spotloom.auth.issuers import admission, clerk
from spotloom.auth.issuers.clerk import ClerkSession, Organization
from spotloom.auth.issuers.tokens import Untrusted
from spotloom.auth.people import Identity
from spotloom.auth.roles import Role, Vouched
from spotloom.auth.sign_in import ClerkSettings
from spotloom.auth.tables import ApiKey, Invitation, Member, Person, Session
from spotloom.campaigns import audit
from spotloom.campaigns.tables import WebhookEvent, Workspace

_STATE = "clerk:state"  # as the provider of rows that keep "over" or "here", and since when
_TURN = 7_046_112_011  # an advisory lock
_Id = Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7b\x7d\x7e]+$")  # ASCII without "|"
_since = cast(func.split_part(WebhookEvent.job, ":", 2), BigInteger)
SESSION_OVER = {"session.ended", "session.revoked", "session.removed"}
MEMBERSHIP = {"organizationMembership.created", "organizationMembership.updated"}


class Event(BaseModel):
    """A webhook of Clerk's; `timestamp` is in milliseconds."""

    type: str
    timestamp: int = Field(ge=0, lt=1 << 53)
    data: dict[str, Any]


class _Named(BaseModel):
    id: str = _Id


class _Organization(BaseModel):
    id: str = _Id
    name: str = Field(max_length=300)
    slug: str | None = None


class _User(BaseModel):
    user_id: str = _Id
    first_name: str | None = None
    last_name: str | None = None


class _Membership(BaseModel):
    role: str
    organization: _Organization
    public_user_data: _User


async def take_turn(session: AsyncSession) -> None:
    """Let in, or put out, one at a time: or a session could begin while its end is being told."""
    await session.execute(select(func.pg_advisory_xact_lock(_TURN)))


async def take(session: AsyncSession, event: Event, settings: ClerkSettings) -> bool:
    """Do what the event asks for; false when it is old news, or of a kind that we do not need."""
    await take_turn(session)
    at, issuer = event.timestamp, settings.issuer
    if event.type in SESSION_OVER:
        return await _end_session(session, _Named.model_validate(event.data).id, at)
    if event.type in MEMBERSHIP:
        return await _give_place(session, _Membership.model_validate(event.data), at, settings)
    if event.type == "organizationMembership.deleted":
        return await _take_place(session, _Membership.model_validate(event.data), at, issuer)
    if event.type == "user.deleted":
        return await _forget_user(session, _Named.model_validate(event.data).id, at, issuer)
    if event.type == "organization.deleted":
        return await _close(session, _Named.model_validate(event.data).id, at)
    return False


def vouched(said: ClerkSession) -> Vouched:
    """What of Clerk's must go on for the token to be good."""
    names = [_name("session", said.session), _name("user", said.user)]
    if said.organization is not None:
        names.append(_name("organization", said.organization.id))
        names.append(_name("member", said.organization.id, said.user))
    return Vouched(names=tuple(names), issued_at=said.issued_at)


async def check_alive(session: AsyncSession, token: Vouched) -> None:
    """Refuse with Untrusted a token of something that Clerk has ended since it was made."""
    over = await _told(session, "over", token.names, since=int(token.issued_at * 1000))
    if over is not None:
        raise Untrusted(f"Clerk has ended this since the token was made: {over.split('|')[0]}.")


async def as_told(
    session: AsyncSession, said: ClerkSession, organization: Organization, *, issuer: str
) -> Organization:
    """The token's organisation, with today's role if Clerk has told of one since it was made."""
    member = _name("member", organization.id, said.user)
    if await _told(session, "here", [member], since=int(said.issued_at * 1000)) is None:
        return organization
    role = await session.scalar(
        select(Member.role)
        .join(Person, Person.id == Member.person_id)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .where(
            Workspace.external_id == organization.id,
            Person.issuer == issuer,
            Person.subject == said.user,
        )
    )
    return organization if role is None else replace(organization, role=Role(role))


async def _end_session(session: AsyncSession, external_id: str, at: int) -> bool:
    await _is_news(session, "over", at, "session", external_id)
    return await sessions.end(session, Session.external_id == external_id) > 0


async def _give_place(
    session: AsyncSession, told: _Membership, at: int, settings: ClerkSettings
) -> bool:
    user = told.public_user_data
    gone = [_name("organization", told.organization.id), _name("user", user.user_id)]
    if await _told(session, "over", gone, since=at) is not None:
        return False
    if not await _is_news(session, "here", at, "member", told.organization.id, user.user_id):
        return False
    name = " ".join(part for part in (user.first_name, user.last_name) if part) or user.user_id
    identity = Identity(
        issuer=settings.issuer,
        subject=user.user_id,
        name=name.replace("\x00", "")[:200],
        verified_email=None,  # the event's address may be one that nobody has verified
    )
    organization = Organization(
        id=told.organization.id,
        name=(told.organization.slug or told.organization.name).replace("\x00", "")[:200],
        role=clerk.role(told.role),
    )
    return await admission.admit_member(session, identity, organization, settings) is not None


async def _take_place(session: AsyncSession, told: _Membership, at: int, issuer: str) -> bool:
    user, organization = told.public_user_data.user_id, told.organization.id
    if not await _is_news(session, "over", at, "member", organization, user):
        return False
    workspace_id = await _workspace(session, organization)
    person_id = await _person(session, issuer, user)
    if workspace_id is None or person_id is None:
        return False
    await _remove(session, workspace_id, person_id)
    return True


async def _forget_user(session: AsyncSession, user: str, at: int, issuer: str) -> bool:
    await _is_news(session, "over", at, "user", user)
    person_id = await _person(session, issuer, user)
    if person_id is None:
        return False
    for part in await people.parts(session, person_id):
        await _remove(session, part.workspace_id, person_id)
    return True


async def _close(session: AsyncSession, organization: str, at: int) -> bool:
    """The workspace stays, with what was spent in it; nobody can get in any more."""
    await _is_news(session, "over", at, "organization", organization)
    workspace_id = await _workspace(session, organization)
    if workspace_id is None:
        return False
    await sessions.end(session, Session.workspace_id == workspace_id)
    await session.execute(delete(Member).where(Member.workspace_id == workspace_id))
    await session.execute(delete(Invitation).where(Invitation.workspace_id == workspace_id))
    await session.execute(
        update(ApiKey)
        .where(ApiKey.workspace_id == workspace_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )
    await audit.record(
        session, workspace_id, actor="clerk", action="workspace.closed", target=organization
    )
    return True


async def _remove(session: AsyncSession, workspace_id: UUID, person_id: UUID) -> None:
    await people.take_out(session, workspace_id, person_id)
    await audit.record(
        session,
        workspace_id,
        actor="clerk",
        action="member.removed",
        target=f"person:{person_id}",
    )


async def _told(
    session: AsyncSession, word: Literal["over", "here"], names: Collection[str], *, since: int
) -> str | None:
    """One of these of which that is the last word, and not from before; None if there is none."""
    found: str | None = await session.scalar(
        select(WebhookEvent.event_id)
        .where(
            WebhookEvent.provider == _STATE,
            WebhookEvent.event_id.in_(names),
            WebhookEvent.job.like(f"{word}:%"),
            _since >= since,
        )
        .limit(1)
    )
    return found


async def _is_news(session: AsyncSession, word: Literal["over", "here"], at: int, *of: str) -> bool:
    """Keep the word; false when a later one, or the same, was kept before."""
    statement = upsert(WebhookEvent).values(
        provider=_STATE, event_id=_name(*of), job=f"{word}:{at}", at=func.now()
    )
    kept = await session.scalar(
        statement.on_conflict_do_update(
            index_elements=["provider", "event_id"],
            set_={"job": statement.excluded.job, "at": func.now()},
            where=_since < at,
        ).returning(WebhookEvent.event_id)
    )
    return kept is not None


def _name(*of: str) -> str:
    return "|".join(of)


async def _workspace(session: AsyncSession, organization: str) -> UUID | None:
    found: UUID | None = await session.scalar(
        select(Workspace.id).where(Workspace.external_id == organization)
    )
    return found


async def _person(session: AsyncSession, issuer: str, user: str) -> UUID | None:
    found: UUID | None = await session.scalar(
        select(Person.id).where(Person.issuer == issuer, Person.subject == user)
    )
    return found

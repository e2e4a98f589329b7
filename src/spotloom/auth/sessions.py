"""Sessions: one row for each browser that is signed in, found by the hash of its token.

A token is replaced after a quarter of an hour. The old one is good for a minute more, for the
requests that were under way; and until the new one has been used, because the answer that brought
it may have been lost: the old one then gets another. Once the new one was used, the old one opens
nothing: of a browser and a thief who had the same token, one is signed out. All times are the
database's.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import secrets
from spotloom.auth.roles import EVERYTHING, Actor, Role
from spotloom.auth.tables import Member, Person, Session
from spotloom.campaigns import ids

ROTATED_EVERY = dt.timedelta(minutes=15)
GRACE = dt.timedelta(seconds=60)
IDLE = dt.timedelta(days=7)
LONGEST = dt.timedelta(days=30)
_NOTED_EVERY = dt.timedelta(minutes=1)  # seen_at is written no more often than that
_LONGEST_AGENT = 200


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody let in by a session; `token` is the new one, when it was time for it."""

    actor: Actor
    token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """What a person may recognise a session by."""

    user_agent: str | None = None
    external_id: str | None = None  # the identity provider's session


def alive() -> ColumnElement[bool]:
    """The sessions that still let somebody in."""
    return and_(
        Session.ended_at.is_(None),
        Session.expires_at > func.now(),
        Session.seen_at > func.now() - IDLE,
    )


async def create(
    session: AsyncSession, *, workspace_id: UUID, person_id: UUID, browser: Browser
) -> str:
    """A new session's token; the person must be a member of the workspace."""
    token = secrets.new(secrets.SESSION)
    session.add(
        Session(
            id=ids.new(),
            workspace_id=workspace_id,
            person_id=person_id,
            token_hash=secrets.kept(token),
            expires_at=func.now() + LONGEST,
            external_id=browser.external_id,
            user_agent=(browser.user_agent or "")[:_LONGEST_AGENT] or None,
        )
    )
    await session.flush()
    return token


async def enter(session: AsyncSession, token: str, *, renew: bool) -> Entered | None:
    """Whom the token lets in, or None; notes the visit, and replaces a token that is old."""
    if not secrets.well_formed(token, secrets.SESSION):
        return None
    given = secrets.kept(token)
    row = (await session.execute(_found(given))).one_or_none()
    if row is None:
        return None
    actor = Actor(
        workspace_id=row.workspace_id,
        role=Role(row.role),
        person_id=row.person_id,
        key_id=None,
        session_id=row.id,
        name=row.name,
        scopes=frozenset({EVERYTHING}),
    )
    return Entered(actor, await _note(session, row, given, renew=renew))


async def still(session: AsyncSession, actor: Actor) -> bool:
    """Whether the actor's session goes on, in the same workspace."""
    found = await session.scalar(
        select(Session.id).where(
            Session.id == actor.session_id, Session.workspace_id == actor.workspace_id, alive()
        )
    )
    return found is not None


async def end(session: AsyncSession, *which: ColumnElement[bool]) -> int:
    """End the sessions that fulfil all the conditions; how many there were."""
    ended = await session.execute(
        update(Session)
        .where(Session.ended_at.is_(None), *which)
        .values(ended_at=func.now())
        .returning(Session.id)
    )
    return len(ended.all())


async def mine(session: AsyncSession, person_id: UUID) -> list[Session]:
    """The person's living sessions, the latest seen first."""
    found = await session.scalars(
        select(Session)
        .where(Session.person_id == person_id, alive())
        .order_by(Session.seen_at.desc(), Session.id)
    )
    return list(found)


def of_token(token: str) -> ColumnElement[bool]:
    """The session that the token opens, or opened before it was last replaced."""
    given = secrets.kept(token)
    return or_(Session.token_hash == given, Session.previous_hash == given)


def _found(given: str) -> Select[*tuple[Any, ...]]:
    # A rotation sets both to one moment, and only a use of the new token moves `seen_at` on.
    unused = Session.seen_at <= Session.rotated_at
    in_grace = Session.rotated_at > func.now() - GRACE
    before = and_(Session.previous_hash == given, or_(in_grace, unused))
    return (
        select(
            Session.id,
            Session.workspace_id,
            Session.person_id,
            Session.token_hash,
            Person.name,
            Member.role,
            (Session.rotated_at < func.now() - ROTATED_EVERY).label("old"),
            or_(Session.seen_at < func.now() - _NOTED_EVERY, unused).label("unnoted"),
            in_grace.label("in_grace"),
        )
        .join(Person, Person.id == Session.person_id)
        .join(
            Member,
            and_(
                Member.workspace_id == Session.workspace_id,
                Member.person_id == Session.person_id,
            ),
        )
        .where(or_(Session.token_hash == given, before), alive())
    )


async def _note(session: AsyncSession, row: Row[Any], given: str, *, renew: bool) -> str | None:
    current = secrets.same(row.token_hash, given)
    # An old token that comes after its grace was let in because the new one got lost.
    if renew and (row.old if current else not row.in_grace):
        token = secrets.new(secrets.SESSION)
        rotated = await session.scalar(
            update(Session)
            # Of several requests at once, one gets the new token; the others are in its grace.
            .where(
                Session.id == row.id,
                Session.token_hash == row.token_hash,
                Session.ended_at.is_(None),
            )
            .values(
                token_hash=secrets.kept(token),
                previous_hash=given,
                rotated_at=func.now(),
                seen_at=func.now(),
            )
            .returning(Session.id)
        )
        return token if rotated else None
    if current and row.unnoted:
        await session.execute(
            update(Session).where(Session.id == row.id).values(seen_at=func.now())
        )
    return None

"""API keys: a program's way into one workspace, with a role, scopes and an end.

Keys are handed on, by people and by keys, and so are invitations. What somebody handed on goes
when they go, through however many hands it went.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Text, and_, cast, delete, func, literal, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import secrets
from spotloom.auth.roles import SCOPES, Actor, Role
from spotloom.auth.tables import ApiKey, Invitation, Member
from spotloom.campaigns import ids
from spotloom.errors import BriefError, Conflict, NotFound, Problem

MOST = 100  # living keys of a workspace
LONGEST_NAME = 80
_NOTED_EVERY = dt.timedelta(minutes=1)
_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7046113))")
_LIVING = and_(
    ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now())
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a new key is to be."""

    name: str
    role: Role
    scopes: frozenset[str]
    expires_at: dt.datetime | None = None


async def create(
    session: AsyncSession, workspace_id: UUID, wanted: Wanted, *, by: str
) -> tuple[ApiKey, str]:
    """The key's row, and the key itself, which is never to be seen again.

    A key that is made by a key ends no later than its maker.
    """
    _check(wanted.name, wanted.scopes)
    ends = await hand_on(session, workspace_id, wanted.role, by=by)
    living = await session.scalar(
        select(func.count()).where(ApiKey.workspace_id == workspace_id, _LIVING)
    )
    if (living or 0) >= MOST:
        raise Conflict(f"The workspace has {living} keys, of at most {MOST}; revoke one first.")
    secret = secrets.new(secrets.KEY)
    row = ApiKey(
        id=ids.new(),
        workspace_id=workspace_id,
        name=wanted.name,
        role=wanted.role.value,
        scopes=sorted(wanted.scopes),
        prefix=secret[: secrets.SHOWN],
        token_hash=secrets.kept(secret),
        created_by=by,
        expires_at=min((end for end in (wanted.expires_at, ends) if end), default=None),
    )
    session.add(row)
    await session.flush()
    await session.refresh(row, ["created_at"])
    return row, secret


async def enter(session: AsyncSession, key: str) -> Actor | None:
    """Whom the key lets in, or None; notes that it was used."""
    if not secrets.well_formed(key, secrets.KEY):
        return None
    row = (
        await session.execute(
            select(
                ApiKey, or_(ApiKey.seen_at.is_(None), ApiKey.seen_at < func.now() - _NOTED_EVERY)
            ).where(ApiKey.token_hash == secrets.kept(key), _LIVING)
        )
    ).one_or_none()
    if row is None:
        return None
    found, unnoted = row
    if unnoted:
        await session.execute(
            update(ApiKey).where(ApiKey.id == found.id).values(seen_at=func.now())
        )
    return Actor(
        workspace_id=found.workspace_id,
        role=Role(found.role),
        person_id=None,
        key_id=found.id,
        session_id=None,
        name=found.name,
        scopes=frozenset(found.scopes),
    )


async def still(session: AsyncSession, key_id: UUID) -> bool:
    """Whether the key still works."""
    found = await session.scalar(select(ApiKey.id).where(ApiKey.id == key_id, _LIVING))
    return found is not None


async def living(session: AsyncSession, workspace_id: UUID) -> list[ApiKey]:
    """The workspace's keys that still work, the newest first."""
    found = await session.scalars(
        select(ApiKey)
        .where(ApiKey.workspace_id == workspace_id, _LIVING)
        .order_by(ApiKey.id.desc())
    )
    return list(found)


async def revoke(session: AsyncSession, workspace_id: UUID, key_id: UUID) -> str:
    """End the key for good, and what was made with it; its name."""
    name = await session.scalar(
        update(ApiKey)
        .where(
            ApiKey.workspace_id == workspace_id, ApiKey.id == key_id, ApiKey.revoked_at.is_(None)
        )
        .values(revoked_at=func.now())
        .returning(ApiKey.name)
    )
    if name is None:
        raise NotFound(f"There is no living key {key_id}.")
    await take_back(session, workspace_id, by=f"key:{key_id}")
    return str(name)


async def hand_on(
    session: AsyncSession, workspace_id: UUID, role: Role, *, by: str
) -> dt.datetime | None:
    """When the way in ends, if it does, of who hands on this role; Conflict when it has ended.

    Their end, should it come at this moment, waits for what they hand on, and takes it back.
    """
    await _take_turn(session, workspace_id)
    kind, _, name = by.partition(":")
    if kind == "key":
        which = and_(ApiKey.workspace_id == workspace_id, ApiKey.id == UUID(name), _LIVING)
        maker = (await session.execute(select(ApiKey.expires_at).where(which))).one_or_none()
        if maker is None:
            raise Conflict("The key that asked for this has ended.")
        ends: dt.datetime | None = maker.expires_at
        return ends
    if kind == "person":
        present = await session.scalar(
            select(Member.role).where(
                Member.workspace_id == workspace_id, Member.person_id == UUID(name)
            )
        )
        if present is None or not Role(present).covers(role):
            raise Conflict("Who asked for this may not do it any more.")
    return None


async def take_back(
    session: AsyncSession, workspace_id: UUID, *, by: str, above: Role | None = None
) -> None:
    """End the keys and the open invitations that somebody made, by themselves or by their keys.

    All of them, or those with a role that `above` does not cover.
    """
    await _take_turn(session, workspace_id)
    roles = [r.value for r in Role if above is None or not above.covers(r)]
    hands = select(cast(literal(by), Text).label("name")).cte("hands", recursive=True)
    hands = hands.union(
        select(func.concat("key:", ApiKey.id)).where(
            ApiKey.workspace_id == workspace_id, ApiKey.created_by == hands.c.name
        )
    )
    names = list(await session.scalars(select(hands.c.name)))
    await session.execute(
        update(ApiKey)
        .where(
            ApiKey.workspace_id == workspace_id,
            ApiKey.created_by.in_(names),
            ApiKey.role.in_(roles),
            ApiKey.revoked_at.is_(None),
        )
        .values(revoked_at=func.now())
    )
    await session.execute(
        delete(Invitation).where(
            Invitation.workspace_id == workspace_id,
            Invitation.invited_by.in_(names),
            Invitation.role.in_(roles),
            Invitation.used_at.is_(None),
        )
    )


async def _take_turn(session: AsyncSession, workspace_id: UUID) -> None:
    """One at a time hands on, or takes back: or something could be made in between, and stay."""
    await session.execute(_TURN, {"name": str(workspace_id)})


def _check(name: str, scopes: Iterable[str]) -> None:
    problems = []
    if not name.strip() or len(name) > LONGEST_NAME:
        problems.append(Problem("name", f"Give it a name of 1 to {LONGEST_NAME} characters."))
    if unknown := sorted(set(scopes) - SCOPES):
        known = ", ".join(sorted(SCOPES))
        problems.append(Problem("scopes", f"There is no scope '{unknown[0]}'; there are {known}."))
    if problems:
        raise BriefError(problems)

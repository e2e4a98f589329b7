"""API keys: a program's way into one workspace, with a role, scopes and an end."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import secrets
from spotloom.auth.roles import SCOPES, Actor, Role
from spotloom.auth.tables import ApiKey
from spotloom.campaigns import ids
from spotloom.errors import BriefError, Conflict, NotFound, Problem

MOST = 100  # living keys of a workspace
LONGEST_NAME = 80
_NOTED_EVERY = dt.timedelta(minutes=1)
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
    """The key's row, and the key itself, which is never to be seen again."""
    _check(wanted.name, wanted.scopes)
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
        expires_at=wanted.expires_at,
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
    """End the key for good; its name."""
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
    return str(name)


async def revoke_of(
    session: AsyncSession, workspace_id: UUID, *, by: str, above: Role | None = None
) -> None:
    """End the keys that somebody made: all, or those with a role that `above` does not cover."""
    roles = [r.value for r in Role if above is None or not above.covers(r)]
    await session.execute(
        update(ApiKey)
        .where(
            ApiKey.workspace_id == workspace_id,
            ApiKey.created_by == by,
            ApiKey.role.in_(roles),
            ApiKey.revoked_at.is_(None),
        )
        .values(revoked_at=func.now())
    )


def _check(name: str, scopes: Iterable[str]) -> None:
    problems = []
    if not name.strip() or len(name) > LONGEST_NAME:
        problems.append(Problem("name", f"Give it a name of 1 to {LONGEST_NAME} characters."))
    if unknown := sorted(set(scopes) - SCOPES):
        known = ", ".join(sorted(SCOPES))
        problems.append(Problem("scopes", f"There is no scope '{unknown[0]}'; there are {known}."))
    if problems:
        raise BriefError(problems)

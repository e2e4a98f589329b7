"""Invitations: a role in a workspace, for an address, once, within a week."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import keys, people, secrets
from spotloom.auth.roles import Role
from spotloom.auth.tables import Invitation, Member, Person
from spotloom.campaigns import ids
from spotloom.errors import Conflict, NotFound

GOOD_FOR = dt.timedelta(days=7)
MOST = 200  # open at once in a workspace
_OPEN = and_(Invitation.used_at.is_(None), Invitation.expires_at > func.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What an invitation gives."""

    id: UUID
    workspace_id: UUID
    email: str
    role: Role


async def create(
    session: AsyncSession, workspace_id: UUID, *, email: str, role: Role, by: str
) -> tuple[Invitation, str]:
    """The invitation, and its secret; an older one for the same address no longer works."""
    await people.refuse_if_managed(session, workspace_id)
    await keys.hand_on(session, workspace_id, role, by=by)
    email = email.lower()
    member = await session.scalar(
        select(Member.person_id)
        .join(Person, Person.id == Member.person_id)
        .where(Member.workspace_id == workspace_id, func.lower(Person.email) == email)
    )
    if member is not None:
        raise Conflict(f"{email} is a member already.")
    await session.execute(
        delete(Invitation).where(Invitation.workspace_id == workspace_id, Invitation.email == email)
    )
    if len(await unused(session, workspace_id)) >= MOST:
        raise Conflict(f"The workspace has {MOST} open invitations; take some back first.")
    secret = secrets.new(secrets.INVITATION)
    row = Invitation(
        id=ids.new(),
        workspace_id=workspace_id,
        email=email,
        role=role.value,
        token_hash=secrets.kept(secret),
        expires_at=func.now() + GOOD_FOR,
        invited_by=by,
    )
    session.add(row)
    await session.flush()
    await session.refresh(row, ["expires_at"])
    return row, secret


async def unused(session: AsyncSession, workspace_id: UUID) -> list[Invitation]:
    """The workspace's open invitations, the newest first."""
    found = await session.scalars(
        select(Invitation)
        .where(Invitation.workspace_id == workspace_id, _OPEN)
        .order_by(Invitation.id.desc())
    )
    return list(found)


async def take_back(session: AsyncSession, workspace_id: UUID, invitation_id: UUID) -> str:
    """Delete the open invitation; its address."""
    email = await session.scalar(
        delete(Invitation)
        .where(Invitation.workspace_id == workspace_id, Invitation.id == invitation_id, _OPEN)
        .returning(Invitation.email)
    )
    if email is None:
        raise NotFound(f"There is no open invitation {invitation_id}.")
    return str(email)


async def use(session: AsyncSession, secret: str, *, email: str | None = None) -> Place | None:
    """Use up the invitation, once; None when it is not open, or for another address."""
    if not secrets.well_formed(secret, secrets.INVITATION):
        return None
    which = Invitation.token_hash == secrets.kept(secret)
    if email is not None:
        which = and_(which, Invitation.email == email.lower())
    places = await _use(session, which)
    return places[0] if places else None


async def use_all(session: AsyncSession, verified_email: str) -> list[Place]:
    """Use up every open invitation for an address that its issuer has verified."""
    return await _use(session, Invitation.email == verified_email.lower())


async def _use(session: AsyncSession, which: ColumnElement[bool]) -> list[Place]:
    used = await session.execute(
        update(Invitation)
        .where(which, _OPEN)
        .values(used_at=func.now())
        .returning(Invitation.id, Invitation.workspace_id, Invitation.email, Invitation.role)
    )
    return [
        Place(id=row.id, workspace_id=row.workspace_id, email=row.email, role=Role(row.role))
        for row in sorted(used, key=lambda row: row.id)
    ]

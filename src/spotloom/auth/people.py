"""People and their parts in workspaces; a workspace always keeps an admin."""

import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import keys, secrets, sessions
from spotloom.auth.roles import Role
from spotloom.auth.tables import ApiKey, Member, Person, Session
from spotloom.campaigns import ids
from spotloom.campaigns.tables import Workspace
from spotloom.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who an issuer says somebody is; an address counts only when the issuer has verified it."""

    issuer: str
    subject: str
    name: str
    verified_email: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Somebody's part in a workspace."""

    workspace_id: UUID
    workspace: str
    person_id: UUID
    name: str
    email: str | None
    role: Role


async def find(session: AsyncSession, identity: Identity) -> UUID | None:
    """The person of that identity, with the name and address of today; None for a stranger."""
    found: UUID | None = await session.scalar(
        update(Person)
        .where(Person.issuer == identity.issuer, Person.subject == identity.subject)
        .values(name=identity.name, email=func.coalesce(identity.verified_email, Person.email))
        .returning(Person.id)
    )
    return found


async def known(session: AsyncSession, issuer: str, subject: str) -> Identity | None:
    """The identity as we have it; None for a stranger."""
    person = await session.scalar(
        select(Person).where(Person.issuer == issuer, Person.subject == subject)
    )
    if person is None:
        return None
    return Identity(issuer=issuer, subject=subject, name=person.name, verified_email=person.email)


async def add(session: AsyncSession, identity: Identity) -> UUID:
    """The person of that identity, made if need be."""
    await session.execute(
        upsert(Person)
        .values(
            id=ids.new(),
            name=identity.name,
            email=identity.verified_email,
            issuer=identity.issuer,
            subject=identity.subject,
        )
        .on_conflict_do_nothing(index_elements=["issuer", "subject"])
    )
    person_id = await find(session, identity)
    assert person_id is not None  # noqa: S101 - it was there, or has just been made
    return person_id


async def join(session: AsyncSession, workspace_id: UUID, person_id: UUID, role: Role) -> None:
    """Make the person a member with that role; a member already there keeps the higher one."""
    present = await session.scalar(
        select(Member.role).where(
            Member.workspace_id == workspace_id, Member.person_id == person_id
        )
    )
    kept = role if present is None or role.covers(Role(present)) else Role(present)
    await assign(session, workspace_id, person_id, kept)


async def assign(session: AsyncSession, workspace_id: UUID, person_id: UUID, role: Role) -> None:
    """Make the person a member with exactly that role."""
    await session.execute(
        upsert(Member)
        .values(workspace_id=workspace_id, person_id=person_id, role=role.value)
        .on_conflict_do_update(
            index_elements=["workspace_id", "person_id"], set_={"role": role.value}
        )
    )


async def members(session: AsyncSession, workspace_id: UUID) -> list[Part]:
    """The members of a workspace, those of longest standing first."""
    return await _parts(session, Member.workspace_id == workspace_id)


async def parts(session: AsyncSession, person_id: UUID) -> list[Part]:
    """The person's parts in all workspaces, the oldest first."""
    return await _parts(session, Member.person_id == person_id)


async def part(session: AsyncSession, workspace_id: UUID, person_id: UUID) -> Part | None:
    """The person's part in that workspace, if they have one."""
    found = await _parts(
        session, and_(Member.workspace_id == workspace_id, Member.person_id == person_id)
    )
    return found[0] if found else None


async def names(
    session: AsyncSession, workspace_id: UUID, actors: Collection[str]
) -> dict[str, str]:
    """The names behind `person:…` and `key:…`, of members and of this workspace's keys."""
    asked: dict[str, set[UUID]] = {"person": set(), "key": set()}
    for actor in actors:
        kind, _, name = actor.partition(":")
        with contextlib.suppress(KeyError, ValueError):
            asked[kind].add(UUID(name))
    people = await session.execute(
        select(Person.id, Person.name)
        .join(Member, Member.person_id == Person.id)
        .where(Member.workspace_id == workspace_id, Person.id.in_(asked["person"]))
    )
    made = await session.execute(
        select(ApiKey.id, ApiKey.name).where(
            ApiKey.workspace_id == workspace_id, ApiKey.id.in_(asked["key"])
        )
    )
    told = {f"person:{row.id}": str(row.name) for row in people}
    return told | {f"key:{row.id}": str(row.name) for row in made}


async def usual_part(session: AsyncSession, person_id: UUID) -> UUID | None:
    """The workspace where the person was last, else their first; None when they have none."""
    found: UUID | None = await session.scalar(
        select(Member.workspace_id)
        .outerjoin(
            Session,
            (Session.workspace_id == Member.workspace_id) & (Session.person_id == Member.person_id),
        )
        .where(Member.person_id == person_id)
        .group_by(Member.workspace_id, Member.created_at)
        .order_by(func.max(Session.seen_at).desc().nulls_last(), Member.created_at)
        .limit(1)
    )
    return found


async def change_role(
    session: AsyncSession, workspace_id: UUID, person_id: UUID, role: Role
) -> Role:
    """Give the member another role, and end what they handed on that it does not cover."""
    before = await _changeable(session, workspace_id, person_id, role)
    await assign(session, workspace_id, person_id, role)
    await keys.take_back(session, workspace_id, by=f"person:{person_id}", above=role)
    return before


async def remove(session: AsyncSession, workspace_id: UUID, person_id: UUID) -> None:
    """Take the person's part in the workspace away, with their sessions, keys and invitations."""
    await _changeable(session, workspace_id, person_id, None)
    await take_out(session, workspace_id, person_id)


async def take_out(session: AsyncSession, workspace_id: UUID, person_id: UUID) -> None:
    """The same without asking for another admin: the identity provider has decided."""
    # While they are a member: a person without a part is out of the administrator's sight.
    await sessions.end(
        session, Session.workspace_id == workspace_id, Session.person_id == person_id
    )
    await session.execute(
        delete(Member).where(Member.workspace_id == workspace_id, Member.person_id == person_id)
    )
    await keys.take_back(session, workspace_id, by=f"person:{person_id}")


async def switch(session: AsyncSession, session_id: UUID, workspace_id: UUID) -> str:
    """Take the session to another workspace of its person; its new token."""
    token = secrets.new(secrets.SESSION)
    switched = await session.scalar(
        update(Session)
        .where(
            Session.id == session_id,
            Session.ended_at.is_(None),
            select(Member.person_id)
            .where(Member.workspace_id == workspace_id, Member.person_id == Session.person_id)
            .exists(),
        )
        .values(
            workspace_id=workspace_id,
            token_hash=secrets.kept(token),
            previous_hash=None,  # the old token stood for the other workspace
            rotated_at=func.now(),
        )
        .returning(Session.id)
    )
    if switched is None:
        raise NotFound(f"You have no part in a workspace {workspace_id}.")
    return token


async def refuse_if_managed(session: AsyncSession, workspace_id: UUID) -> None:
    """Conflict when an identity provider decides who is in the workspace."""
    external = await session.scalar(
        select(Workspace.external_id).where(Workspace.id == workspace_id)
    )
    if external is not None:
        raise Conflict(f"The members of this workspace are managed in Clerk, as {external}.")


async def _changeable(
    session: AsyncSession, workspace_id: UUID, person_id: UUID, role: Role | None
) -> Role:
    """The member's present role, once it is sure that an admin would remain."""
    await refuse_if_managed(session, workspace_id)
    # Locked, so that of two admins who remove each other at once, one remains.
    admins = set(
        await session.scalars(
            select(Member.person_id)
            .where(Member.workspace_id == workspace_id, Member.role == Role.ADMIN.value)
            .order_by(Member.person_id)
            .with_for_update()
        )
    )
    present = await session.scalar(
        select(Member.role).where(
            Member.workspace_id == workspace_id, Member.person_id == person_id
        )
    )
    if present is None:
        raise NotFound(f"There is no member {person_id}.")
    if admins == {person_id} and role is not Role.ADMIN:
        raise Conflict("This is the workspace's last admin; make somebody else an admin first.")
    return Role(present)


async def _parts(session: AsyncSession, which: ColumnElement[bool]) -> list[Part]:
    rows = await session.execute(
        select(Member, Person, Workspace.name)
        .join(Person, Person.id == Member.person_id)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .where(which)
        .order_by(Member.created_at, Member.person_id)
    )
    return [
        Part(
            workspace_id=member.workspace_id,
            workspace=workspace,
            person_id=person.id,
            name=person.name,
            email=person.email,
            role=Role(member.role),
        )
        for member, person, workspace in rows
    ]

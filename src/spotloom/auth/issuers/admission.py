"""Decides where somebody belongs whom an issuer has vouched for."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import invitations, keys, local, people
from spotloom.auth.issuers.clerk import ClerkSession, Organization
from spotloom.auth.people import Identity, Part
from spotloom.auth.roles import Role
from spotloom.auth.sign_in import ClerkSettings
from spotloom.auth.tables import Member, Person
from spotloom.campaigns import audit, ids
from spotloom.campaigns.tables import Workspace


@dataclass(frozen=True, slots=True)
class Admitted:
    """The person, and the workspace to begin in."""

    workspace_id: UUID
    person_id: UUID


async def admit(
    session: AsyncSession, identity: Identity, *, admin_email: str | None
) -> Admitted | None:
    """Where a person without an organisation belongs: by membership, invitation, or as the first.

    None, and nothing is stored, when there is no place for them.
    """
    person_id = await people.find(session, identity)
    if identity.verified_email is not None:
        for place in await invitations.use_all(session, identity.verified_email):
            person_id = person_id or await people.add(session, identity)
            await people.join(session, place.workspace_id, person_id, place.role)
            await _tell(session, place.workspace_id, person_id, "member.joined", role=place.role)
    if person_id is None and await _is_first(session, identity, admin_email):
        person_id = await people.add(session, identity)
        workspace_id = await local.workspace(session)
        await people.assign(session, workspace_id, person_id, Role.ADMIN)
        await _tell(session, workspace_id, person_id, "member.joined", role=Role.ADMIN)
    if person_id is None:
        return None
    usual = await people.usual_part(session, person_id)
    return None if usual is None else Admitted(usual, person_id)


async def admit_member(
    session: AsyncSession, identity: Identity, organization: Organization, settings: ClerkSettings
) -> Admitted | None:
    """The person, with exactly the role that their organisation gives them in its workspace.

    None, and nothing is stored, when the organisation may not come in.
    """
    if not settings.admits(organization.id):
        return None
    workspace_id = await workspace_of(session, organization)
    person_id = await people.add(session, identity)
    before = await session.scalar(
        select(Member.role).where(
            Member.workspace_id == workspace_id, Member.person_id == person_id
        )
    )
    if before != organization.role.value:
        await people.assign(session, workspace_id, person_id, organization.role)
        if before is not None:
            by = f"person:{person_id}"
            await keys.take_back(session, workspace_id, by=by, above=organization.role)
        action = "member.joined" if before is None else "member.changed"
        await _tell(session, workspace_id, person_id, action, role=organization.role)
    return Admitted(workspace_id, person_id)


async def known(session: AsyncSession, said: ClerkSession, identity: Identity) -> Part | None:
    """The person's part, when the token says nothing that we do not know already."""
    person_id = await session.scalar(
        select(Person.id).where(
            Person.issuer == identity.issuer, Person.subject == identity.subject
        )
    )
    if person_id is None or said.organization is None:
        return None
    workspace_id = await session.scalar(
        select(Workspace.id).where(Workspace.external_id == said.organization.id)
    )
    part = workspace_id and await people.part(session, workspace_id, person_id)
    return part if part and part.role is said.organization.role else None


async def workspace_of(session: AsyncSession, organization: Organization) -> UUID:
    """The organisation's workspace, made if need be."""
    external = Workspace.external_id == organization.id
    found = await session.scalar(select(Workspace.id).where(external))
    if found is None:
        # Another workspace may have that name already; the id is nobody else's.
        for name in (organization.name, f"{organization.name} ({organization.id})"):
            await session.execute(
                upsert(Workspace)
                .values(id=ids.new(), name=name, external_id=organization.id)
                .on_conflict_do_nothing()
            )
        found = (await session.scalars(select(Workspace.id).where(external))).one()
    return found


async def _is_first(session: AsyncSession, identity: Identity, admin_email: str | None) -> bool:
    """Whether this is the named admin, of an installation with nobody but its owner."""
    if admin_email is None or identity.verified_email != admin_email.lower():
        return False
    others = await session.scalar(
        select(func.count())
        .select_from(Member)
        .join(Person, Person.id == Member.person_id)
        .where(Person.issuer != local.ISSUER)
    )
    return others == 0


async def _tell(
    session: AsyncSession, workspace_id: UUID, person_id: UUID, action: str, *, role: Role
) -> None:
    person = f"person:{person_id}"
    await audit.record(
        session, workspace_id, actor=person, action=action, target=person, role=role.value
    )

"""The owner of this installation, who needs no identity provider."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import links
from spotloom.auth.roles import Role
from spotloom.auth.tables import Member, Person, Session
from spotloom.campaigns import ids
from spotloom.campaigns.submit import LOCAL
from spotloom.campaigns.tables import Workspace

ISSUER, OWNER = "local", "owner"


async def owner(session: AsyncSession) -> UUID:
    """The owner's person, made on the first run, as an admin of the local workspace."""
    await workspace(session)
    await session.execute(
        upsert(Person)
        .values(id=ids.new(), name="Owner", issuer=ISSUER, subject=OWNER)
        .on_conflict_do_nothing(index_elements=["issuer", "subject"])
    )
    person_id = (
        await session.scalars(
            select(Person.id).where(Person.issuer == ISSUER, Person.subject == OWNER)
        )
    ).one()
    await session.execute(
        upsert(Member)
        .values(workspace_id=LOCAL, person_id=person_id, role=Role.ADMIN.value)
        .on_conflict_do_update(
            index_elements=["workspace_id", "person_id"], set_={"role": Role.ADMIN.value}
        )
    )
    return person_id


async def workspace(session: AsyncSession) -> UUID:
    """The workspace that is there from the beginning, made on the first run."""
    await session.execute(upsert(Workspace).values(id=LOCAL, name="local").on_conflict_do_nothing())
    return LOCAL


async def login_link(session: AsyncSession, public_url: str) -> str:
    """A one-time link for the owner; whoever may run this has the database anyway."""
    return await links.create(
        session, public_url=public_url, workspace_id=LOCAL, person_id=await owner(session)
    )


async def is_new(session: AsyncSession) -> bool:
    """Whether nobody has ever signed in here."""
    return await session.scalar(select(Session.id).limit(1)) is None

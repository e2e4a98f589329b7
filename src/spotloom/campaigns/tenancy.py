"""Holds a transaction to one workspace: the database then shows and takes no other's rows."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import String, cast, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.database import Sessions
from spotloom.campaigns.tables import Workspace
from spotloom.errors import Conflict, NotFound

LOCAL = UUID("01900000-0000-7000-8000-000000000001")  # the workspace of a laptop's one owner
_ENTER = text("SELECT set_config('spotloom.workspace', :workspace_id, true)")


async def enter(session: AsyncSession, workspace_id: UUID) -> None:
    """Work in this workspace until the transaction ends."""
    await session.execute(_ENTER, {"workspace_id": str(workspace_id)})


async def named(session: AsyncSession, name: str) -> UUID:
    """The workspace of that name or id, for a session that sees every workspace.

    Conflict when several have the name.
    """
    w = Workspace
    wanted = select(w.id).where(or_(w.name == name, cast(w.id, String) == name))
    found = list(await session.scalars(wanted.order_by(w.id)))
    if not found:
        known = ", ".join(await session.scalars(select(w.name).order_by(w.id).limit(20)))
        raise NotFound(f"There is no workspace '{name}'. There are: {known}.")
    if len(found) > 1:
        raise Conflict(f"Several workspaces are called '{name}': {', '.join(map(str, found))}.")
    return found[0]


@dataclass(frozen=True, slots=True)
class Scope:
    """Transactions within one workspace."""

    sessions: Sessions
    workspace_id: UUID

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A transaction that is committed in the end."""
        async with self.sessions.begin() as session:
            await enter(session, self.workspace_id)
            yield session

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A transaction that is never committed."""
        async with self.sessions() as session:
            await enter(session, self.workspace_id)
            yield session

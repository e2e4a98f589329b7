"""Holds a transaction to one workspace: the database then shows and takes no other's rows."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.database import Sessions

LOCAL = UUID("01900000-0000-7000-8000-000000000001")  # the workspace of a laptop's one owner
_ENTER = text("SELECT set_config('spotloom.workspace', :workspace_id, true)")


async def enter(session: AsyncSession, workspace_id: UUID) -> None:
    """Work in this workspace until the transaction ends."""
    await session.execute(_ENTER, {"workspace_id": str(workspace_id)})


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

"""What became of telling one hook of our events, newest first."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.listing import pages
from spotloom.campaigns.listing.pages import Page
from spotloom.campaigns.tables import Delivery, Hook
from spotloom.errors import NotFound


async def deliveries(
    session: AsyncSession,
    workspace_id: UUID,
    hook_id: UUID,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Delivery]:
    """A page of the hook's deliveries; NotFound when the workspace has no such hook."""
    d = Delivery
    hook = select(Hook.id).where(Hook.workspace_id == workspace_id, Hook.id == hook_id)
    if await session.scalar(hook) is None:
        raise NotFound(f"There is no hook {hook_id}.")
    wanted = select(d).where(d.workspace_id == workspace_id, d.hook_id == hook_id)
    if cursor is not None:
        wanted = wanted.where(d.id < pages.read_id(cursor, "deliveries"))
    most = pages.bounded(limit)
    rows = (await session.scalars(wanted.order_by(d.id.desc()).limit(most + 1))).all()
    return pages.cut(
        rows, most, told=lambda row: row, end=lambda row: pages.write("deliveries", str(row.id))
    )

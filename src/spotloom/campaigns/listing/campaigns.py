"""The campaigns of a workspace, newest first, and taking one off the list."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import attempts, ledger, reads
from spotloom.campaigns.channels import CAMPAIGNS, notify
from spotloom.campaigns.ledger import Money
from spotloom.campaigns.listing import pages
from spotloom.campaigns.listing.filters import storable
from spotloom.campaigns.listing.pages import Page
from spotloom.campaigns.reads import Header
from spotloom.campaigns.tables import Campaign, Generation
from spotloom.creative.status import ACTIVE, Status
from spotloom.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How far one campaign of a list is."""

    counts: Mapping[Status, int]
    money: Money


async def campaigns(
    session: AsyncSession,
    workspace_id: UUID,
    *,
    state: str | None = None,
    text: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Header]:
    """A page of the campaigns, newest first; `text` is looked for in batch id, brand and idea."""
    c = Campaign
    wanted = select(c).where(c.workspace_id == workspace_id, c.deleted_at.is_(None))
    if state is not None:
        wanted = wanted.where(c.state == storable("state", state))
    if text:
        told = (c.batch_key, c.brief["brand"].astext, c.brief["bigIdea"].astext)
        part = storable("text", text).lower()
        wanted = wanted.where(or_(*(func.strpos(func.lower(word), part) > 0 for word in told)))
    if cursor is not None:
        wanted = wanted.where(c.id < pages.read_id(cursor, "campaigns"))
    most = pages.bounded(limit)
    rows = (await session.scalars(wanted.order_by(c.id.desc()).limit(most + 1))).all()
    return pages.cut(
        rows, most, told=reads.header, end=lambda row: pages.write("campaigns", str(row.id))
    )


async def figures(
    session: AsyncSession, workspace_id: UUID, campaign_ids: Collection[UUID]
) -> dict[UUID, Figures]:
    """How far each of these campaigns is, by the latest attempt at each combination."""
    g = Generation
    latest = (
        select(g.campaign_id, g.status)
        .where(g.workspace_id == workspace_id, g.campaign_id.in_(campaign_ids))
        .ext(distinct_on(g.combination_id))
        .order_by(g.combination_id, g.attempt.desc())
        .subquery()
    )
    rows = await session.execute(
        select(latest.c.campaign_id, latest.c.status, func.count().label("many")).group_by(
            latest.c.campaign_id, latest.c.status
        )
    )
    counts: dict[UUID, dict[Status, int]] = {each: {} for each in campaign_ids}
    for row in rows:
        counts[row.campaign_id][Status(row.status)] = row.many
    money = await ledger.money_of(session, list(campaign_ids), workspace_id=workspace_id)
    return {each: Figures(counts=counts[each], money=money[each]) for each in campaign_ids}


async def remove(session: AsyncSession, workspace_id: UUID, campaign_id: UUID) -> None:
    """Take the campaign off every list; Conflict while any of its videos may still cost money.

    Its batch id stays taken, and its money stays in the ledger.
    """
    await attempts.lock(session, campaign_id)
    g = Generation
    open_ones = await session.scalar(
        select(func.count()).where(
            g.workspace_id == workspace_id,
            g.campaign_id == campaign_id,
            g.status.in_([status.value for status in ACTIVE]),
        )
    )
    if open_ones:
        raise Conflict(f"{open_ones} of its videos are still under way; cancel them first.")
    removed = await session.scalar(
        update(Campaign)
        .where(
            Campaign.workspace_id == workspace_id,
            Campaign.id == campaign_id,
            Campaign.deleted_at.is_(None),
        )
        .values(deleted_at=func.clock_timestamp(), version=Campaign.version + 1)
        .returning(Campaign.id)
    )
    if removed is None:
        raise NotFound(f"There is no campaign {campaign_id}.")
    await notify(session, CAMPAIGNS, str(campaign_id))

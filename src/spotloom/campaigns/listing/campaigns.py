"""The campaigns of a workspace, newest first, and taking one off the list."""

import datetime as dt
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
from spotloom.campaigns.listing.files import Poster, posters
from spotloom.campaigns.listing.filters import storable
from spotloom.campaigns.listing.pages import Page
from spotloom.campaigns.reads import Header
from spotloom.campaigns.tables import Campaign, Generation
from spotloom.creative.status import ACTIVE, Status
from spotloom.errors import Conflict, NotFound

_MOVING = [status.value for status in Status if not status.over]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How far one campaign of a list is."""

    counts: Mapping[Status, int]
    money: Money
    posters: tuple[Poster, ...]  # of the first videos that were ready
    last_at: dt.datetime | None  # when a video was last ordered, begun or over


async def campaigns(
    session: AsyncSession,
    workspace_id: UUID,
    *,
    state: str | None = None,
    running: bool | None = None,
    text: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Header]:
    """A page of the campaigns, newest first; `text` is looked for in batch id, brand and idea.

    `running` asks for those with videos that still move by themselves, or for the others.
    """
    c = Campaign
    wanted = select(c).where(c.workspace_id == workspace_id, c.deleted_at.is_(None))
    if state is not None:
        wanted = wanted.where(c.state == storable("state", state))
    if running is not None:
        moving = select(Generation.id).where(
            Generation.campaign_id == c.id, Generation.status.in_(_MOVING)
        )
        wanted = wanted.where(moving.exists() if running else ~moving.exists())
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
        select(
            g.campaign_id,
            g.status,
            func.greatest(g.created_at, g.admitted_at, g.over_at).label("last_at"),
        )
        .where(g.workspace_id == workspace_id, g.campaign_id.in_(campaign_ids))
        .ext(distinct_on(g.combination_id))
        .order_by(g.combination_id, g.attempt.desc())
        .subquery()
    )
    rows = await session.execute(
        select(
            latest.c.campaign_id,
            latest.c.status,
            func.count().label("many"),
            func.max(latest.c.last_at).label("last_at"),
        ).group_by(latest.c.campaign_id, latest.c.status)
    )
    counts: dict[UUID, dict[Status, int]] = {each: {} for each in campaign_ids}
    last: dict[UUID, dt.datetime] = {}
    for row in rows:
        counts[row.campaign_id][Status(row.status)] = row.many
        last[row.campaign_id] = max(row.last_at, last.get(row.campaign_id, row.last_at))
    money = await ledger.money_of(session, list(campaign_ids), workspace_id=workspace_id)
    shown = await posters(session, workspace_id, campaign_ids)
    return {
        each: Figures(
            counts=counts[each], money=money[each], posters=shown[each], last_at=last.get(each)
        )
        for each in campaign_ids
    }


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


async def restore(session: AsyncSession, workspace_id: UUID, campaign_id: UUID) -> None:
    """Put a campaign that was taken off the lists back on them."""
    restored = await session.scalar(
        update(Campaign)
        .where(
            Campaign.workspace_id == workspace_id,
            Campaign.id == campaign_id,
            Campaign.deleted_at.is_not(None),
        )
        .values(deleted_at=None, version=Campaign.version + 1)
        .returning(Campaign.id)
    )
    if restored is None:
        raise NotFound(f"There is no deleted campaign {campaign_id}.")
    await notify(session, CAMPAIGNS, str(campaign_id))

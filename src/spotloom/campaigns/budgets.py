"""Holds spending under every cap: the campaign's, the workspace's, and the day's."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from sqlalchemy import case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import ledger
from spotloom.campaigns.tables import Campaign, LedgerEntry, Workspace
from spotloom.creative.pricing import dollars
from spotloom.errors import BudgetRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """A workspace's caps in US dollars, and what is committed under each."""

    budget: Decimal | None
    committed: Decimal
    daily_budget: Decimal | None
    committed_today: Decimal


async def hold(
    session: AsyncSession, workspace_id: UUID, *, campaign_id: UUID, adding: Decimal
) -> None:
    """Let `adding` more US dollars be reserved, or raise BudgetRefused.

    Holds the workspace's row until the transaction ends, so that submits at the same moment
    are counted one after the other.
    """
    caps = await caps_of(session, workspace_id, lock=True)
    campaign = (
        await session.execute(
            select(Campaign.budget, Campaign.batch_key).where(
                Campaign.workspace_id == workspace_id, Campaign.id == campaign_id
            )
        )
    ).one()
    spent = (await ledger.money(session, campaign_id, workspace_id=workspace_id)).committed
    _allow(f"budget of batch '{campaign.batch_key}'", campaign.budget, spent, adding)
    _allow("workspace's budget", caps.budget, caps.committed, adding)
    _allow("day's budget", caps.daily_budget, caps.committed_today, adding)


async def caps_of(session: AsyncSession, workspace_id: UUID, *, lock: bool = False) -> Caps:
    """The workspace's caps, and what counts against them now."""
    wanted = select(Workspace).where(Workspace.id == workspace_id)
    # NO KEY UPDATE: each submit holds the KEY SHARE of its campaign's foreign key already, and a
    # full lock would wait for every other's in a circle.
    wanted = wanted.with_for_update(key_share=True) if lock else wanted
    workspace = (await session.scalars(wanted)).one()
    committed, today = await _committed(session, workspace_id)
    return Caps(
        budget=workspace.budget,
        committed=committed,
        daily_budget=workspace.daily_budget,
        committed_today=today,
    )


async def change(
    session: AsyncSession, workspace_id: UUID, given: Mapping[str, Decimal | None]
) -> Caps:
    """Set the caps that are named, `budget` and `daily_budget`; how they then stand."""
    before = await caps_of(session, workspace_id, lock=True)
    caps = replace(
        before,
        budget=given.get("budget", before.budget),
        daily_budget=given.get("daily_budget", before.daily_budget),
    )
    await set_caps(session, workspace_id, budget=caps.budget, daily_budget=caps.daily_budget)
    return caps


async def set_caps(
    session: AsyncSession,
    workspace_id: UUID,
    *,
    budget: Decimal | None,
    daily_budget: Decimal | None,
) -> None:
    """Set both caps; None takes a cap away. What is already reserved stays reserved."""
    await session.execute(
        update(Workspace)
        .where(Workspace.id == workspace_id)
        .values(budget=budget, daily_budget=daily_budget)
    )


async def _committed(session: AsyncSession, workspace_id: UUID) -> tuple[Decimal, Decimal]:
    """Charged, reserved and possibly charged: in all, and reserved since midnight UTC."""
    entry = LedgerEntry
    ended = entry.kind.in_(("settle", "release"))
    one = (
        select(
            func.sum(entry.amount).filter(entry.kind == "reserve").label("reserved"),
            func.sum(entry.amount).filter(ended).label("final"),
            func.min(entry.at).label("at"),
        )
        .where(entry.workspace_id == workspace_id)
        .group_by(entry.generation_id)
        .subquery()
    )
    # An end replaces the reservation; until then the reservation counts in full.
    counts = func.coalesce(one.c.final, one.c.reserved)
    midnight = func.date_trunc("day", func.now(), "UTC")
    row = (
        await session.execute(
            select(
                func.coalesce(func.sum(counts), 0).label("all"),
                func.coalesce(func.sum(case((one.c.at >= midnight, counts), else_=0)), 0).label(
                    "today"
                ),
            )
        )
    ).one()
    return Decimal(row.all), Decimal(row.today)


def _allow(whose: str, cap: Decimal | None, committed: Decimal, adding: Decimal) -> None:
    if cap is not None and committed + adding > cap:
        left = dollars(max(Decimal(0), cap - committed))
        raise BudgetRefused(
            f"This costs {dollars(adding)}, but {left} is left of the {whose} ({dollars(cap)}). "
            "Exclude combinations, shorten the videos, or raise the budget."
        )

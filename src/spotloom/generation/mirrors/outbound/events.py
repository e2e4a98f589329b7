"""Writes what happened into the outbox, in the transaction in which it happened."""

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from spotloom.campaigns import ids, ledger
from spotloom.campaigns.tables import Campaign, CombinationRow, Delivery, Generation, Hook
from spotloom.creative.status import Status

SAID_AGAIN = dt.timedelta(hours=1)  # a budget that stays used up is told of once an hour
LONGEST_TEXT = 500


class Kind(StrEnum):
    """What can be told."""

    BATCH_COMPLETED = "batch.completed"
    VIDEO_COMPLETED = "video.completed"
    VIDEO_FAILED = "video.failed"
    BUDGET_REACHED = "budget.reached"


_TOLD = {
    Status.COMPLETED: Kind.VIDEO_COMPLETED,
    Status.FAILED: Kind.VIDEO_FAILED,
    Status.EXPIRED: Kind.VIDEO_FAILED,
    Status.LOST: Kind.VIDEO_FAILED,
}
_UNDER_WAY = [s.value for s in Status if not s.over]
# By campaign, and taken last: of two that end at once, the later one sees the earlier.
_ONE_AFTER_THE_OTHER = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('spotloom.batch.' || :campaign_id, 0))"
)


async def announce(session: AsyncSession, workspace_id: UUID, generation_id: UUID) -> None:
    """Tell of a generation that has just come to its end, and of its batch if it was the last.

    Call it last in the transaction. Without a hook in the workspace it costs one look.
    """
    hooks = await _hooks(session, workspace_id)
    if not hooks:
        return
    row = await _story(session, generation_id)
    kind = _TOLD.get(Status(row["status"]))
    if kind is not None and not row.pop("again"):
        await _write(session, workspace_id, _asking(hooks, kind), kind=kind, data=row)
    if _asking(hooks, Kind.BATCH_COMPLETED):
        await _if_over(session, workspace_id, UUID(row["campaignId"]), hooks)


async def announce_batch(session: AsyncSession, workspace_id: UUID, campaign_id: UUID) -> None:
    """Tell that nothing of the batch is under way any more, if so: after a cancel, say."""
    hooks = await _hooks(session, workspace_id)
    if _asking(hooks, Kind.BATCH_COMPLETED):
        await _if_over(session, workspace_id, campaign_id, hooks)


async def announce_budget(
    session: AsyncSession, workspace_id: UUID, *, campaign_id: UUID | None, reason: str
) -> None:
    """Tell that a budget kept something from being bought."""
    kind = Kind.BUDGET_REACHED
    about = None if campaign_id is None else str(campaign_id)
    asking = _asking(await _hooks(session, workspace_id), kind)
    recent = await session.scalars(
        select(Delivery.hook_id).where(
            Delivery.hook_id.in_(asking),
            Delivery.kind == kind.value,
            Delivery.body["data"]["campaignId"].astext.is_not_distinct_from(about),
            Delivery.created_at > func.now() - SAID_AGAIN,
        )
        if asking
        else select(Delivery.hook_id).where(text("false"))
    )
    quiet = set(recent)
    data = {"campaignId": about, "reason": reason[:LONGEST_TEXT]}
    left = [hook for hook in asking if hook not in quiet]
    await _write(session, workspace_id, left, kind=kind, data=data)


Hooks = Mapping[UUID, Sequence[str]]


async def _hooks(session: AsyncSession, workspace_id: UUID) -> Hooks:
    rows = await session.execute(
        select(Hook.id, Hook.events).where(Hook.workspace_id == workspace_id, Hook.enabled)
    )
    return {row.id: row.events for row in rows}


def _asking(hooks: Hooks, kind: Kind) -> list[UUID]:
    return [hook for hook, events in hooks.items() if kind.value in events]


async def _story(session: AsyncSession, generation_id: UUID) -> dict[str, Any]:
    """What there is to tell of a video: no prompt, and no address of a file."""
    g, later = Generation, aliased(Generation)
    tried_again = (
        select(later.id)
        .where(later.combination_id == g.combination_id, later.attempt > g.attempt)
        .exists()
    )
    row = (
        await session.execute(
            select(g, CombinationRow.key, CombinationRow.values, Campaign.batch_key, tried_again)
            .join(CombinationRow, CombinationRow.id == g.combination_id)
            .join(Campaign, Campaign.id == g.campaign_id)
            .where(g.id == generation_id)
            .execution_options(populate_existing=True)
        )
    ).one()
    stored = row[0]
    return {
        "campaignId": str(stored.campaign_id),
        "batchId": row.batch_key,
        "combinationId": row.key,
        "values": dict(row.values),
        "generationId": str(generation_id),
        "attempt": stored.attempt,
        "status": stored.status,
        "cost": None if stored.actual_cost is None else str(stored.actual_cost),
        "error": stored.error_code
        and {"code": stored.error_code, "text": (stored.error_text or "")[:LONGEST_TEXT]},
        "again": row[4],
    }


async def _if_over(
    session: AsyncSession, workspace_id: UUID, campaign_id: UUID, hooks: Hooks
) -> None:
    await session.flush()
    await session.execute(_ONE_AFTER_THE_OTHER, {"campaign_id": str(campaign_id)})
    g = Generation
    under_way = await session.scalar(
        select(g.id).where(g.campaign_id == campaign_id, g.status.in_(_UNDER_WAY)).limit(1)
    )
    if under_way is not None:
        return
    latest = (
        select(g.status)
        .where(g.campaign_id == campaign_id)
        .ext(distinct_on(g.combination_id))
        .order_by(g.combination_id, g.attempt.desc())
        .subquery()
    )
    counts = await session.execute(
        select(latest.c.status, func.count().label("videos")).group_by(latest.c.status)
    )
    money = await ledger.money(session, campaign_id, workspace_id=workspace_id)
    kind = Kind.BATCH_COMPLETED
    data = {
        "campaignId": str(campaign_id),
        "batchId": await session.scalar(
            select(Campaign.batch_key).where(Campaign.id == campaign_id)
        ),
        "counts": {row.status: row.videos for row in counts},
        "cost": {"actual": str(money.actual), "unknown": str(money.unknown)},
    }
    await _write(session, workspace_id, _asking(hooks, kind), kind=kind, data=data)


async def _write(
    session: AsyncSession,
    workspace_id: UUID,
    hooks: Sequence[UUID],
    *,
    kind: Kind,
    data: Mapping[str, Any],
) -> None:
    at = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    body = {"type": kind.value, "timestamp": at, "data": dict(data)}
    session.add_all(
        Delivery(id=ids.new(), workspace_id=workspace_id, hook_id=hook, kind=kind.value, body=body)
        for hook in hooks
    )
    await session.flush()

"""Queues a new attempt where the last one ended without a video."""

from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import budgets, ids, ledger
from spotloom.campaigns.channels import CAMPAIGNS, LANES, notify
from spotloom.campaigns.submit import TURN
from spotloom.campaigns.tables import (
    Campaign,
    CombinationRow,
    Generation,
    Row,
    insert_all,
    queue_turn,
)
from spotloom.creative.request import VideoRequest
from spotloom.creative.status import Status

AGAIN = frozenset({Status.FAILED, Status.EXPIRED, Status.LOST, Status.CANCELLED})


async def lock(session: AsyncSession, campaign_id: UUID) -> None:
    """Let no other retry or cancel of this campaign come between, until the transaction ends.

    Take it before any lock on the campaign's generations, or two hands wait for each other.
    """
    locked = select(Campaign.id).where(Campaign.id == campaign_id)
    await session.execute(locked.with_for_update(key_share=True))


async def again(
    session: AsyncSession,
    campaign_id: UUID,
    *,
    keys: Collection[str] | None = None,
    states: Collection[Status] = AGAIN,
) -> int:
    """A new attempt, with a new key, for each video whose latest attempt ended in these states.

    Only those of the combinations in `keys`, when given. How many; BudgetRefused when they cost
    more than is left.
    """
    ended = await _latest(session, campaign_id, keys=keys, states=states)
    if not ended:
        return 0
    workspace_id = ended[0].workspace_id
    cost = sum((g.estimated_cost for g in ended), Decimal(0))
    await budgets.hold(session, workspace_id, campaign_id=campaign_id, adding=cost)
    turn = await session.scalar(queue_turn.next_value()) or 0
    rows = [_row(g, position=turn * TURN + index) for index, g in enumerate(ended)]
    await insert_all(session, Generation, rows)
    await ledger.reserve(session, [row["id"] for row in rows])
    await session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.state == "cancelled")
        .values(state="active")
    )
    await notify(session, CAMPAIGNS, str(campaign_id))
    for lane_id in {g.lane_id for g in ended}:
        await notify(session, LANES, str(lane_id))
    return len(rows)


async def _latest(
    session: AsyncSession,
    campaign_id: UUID,
    *,
    keys: Collection[str] | None,
    states: Collection[Status],
) -> list[Generation]:
    g = Generation
    # Two at once: the second waits here, and then finds the first one's attempts.
    await lock(session, campaign_id)
    latest = (
        select(g.id, g.status)
        .join(CombinationRow, CombinationRow.id == g.combination_id)
        .where(g.campaign_id == campaign_id)
        .ext(distinct_on(g.combination_id))
        .order_by(g.combination_id, g.attempt.desc())
    )
    if keys is not None:
        latest = latest.where(CombinationRow.key.in_(keys))
    found = latest.subquery()
    rows = await session.scalars(
        select(g)
        .join(found, found.c.id == g.id)
        .where(found.c.status.in_([s.value for s in states]))
        .order_by(g.position)
    )
    return list(rows)


def _row(ended: Generation, *, position: int) -> Row:
    attempt = ended.attempt + 1
    stem = ended.idempotency_key.rpartition(":")[0]
    request = VideoRequest.from_json(ended.request)
    keyed = replace(request, idempotency_key=f"{stem}:{attempt}")
    return {
        "id": ids.new(),
        "workspace_id": ended.workspace_id,
        "campaign_id": ended.campaign_id,
        "combination_id": ended.combination_id,
        "lane_id": ended.lane_id,
        "attempt": attempt,
        "position": position,
        "priority": ended.priority,
        "request": keyed.to_json(),
        "request_hash": keyed.fingerprint,
        "idempotency_key": keyed.idempotency_key,
        "estimated_cost": ended.estimated_cost,
    }

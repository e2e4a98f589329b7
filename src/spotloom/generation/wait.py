"""Asks the provider how a video stands until it is over there."""

import random
from uuid import UUID

import structlog

from spotloom.campaigns import generations
from spotloom.campaigns.generations import Order
from spotloom.creative.status import Status
from spotloom.errors import Conflict, Transient
from spotloom.generation import outcomes
from spotloom.generation.tools import tools
from spotloom.providers.provider import Cancelled, Expired, Lost, Pending, Poll, Ready, Rejected

log = structlog.get_logger()

LOST_AFTER = 3  # answers of "no such job" in a row, before a paid job is given up as lost
LONGEST_WAIT_S = 300.0


async def wait(generation_id: UUID) -> Status:
    """Ask until the provider is done with it; the state it is in then."""
    strikes = failures = 0
    while True:
        async with tools().sessions() as session:
            order = await generations.load(session, generation_id)
        if order.status is not Status.GENERATING or order.job is None:
            return order.status
        interval_s = tools().interval_s(order.lane_id)
        try:
            outcome = await tools().provider(order.lane_id).poll(order.job)
        except Transient as error:
            failures += 1
            log.warning("generation.poll_failed", generation_id=str(order.id), reason=str(error))
            backoff_s = interval_s * 2 ** min(failures - 1, 4)
            pause_s = max(min(backoff_s, LONGEST_WAIT_S), error.retry_after_s or 0)
        else:
            failures = 0
            strikes = strikes + 1 if isinstance(outcome, Lost) else 0
            if strikes in {0, LOST_AFTER} and await _over(order, outcome):
                continue
            pause_s = interval_s
        await tools().wakes.sleep(order.id, pause_s * random.uniform(0.9, 1.1))  # noqa: S311 - jitter


async def _over(order: Order, outcome: Poll) -> bool:
    """Store what the provider said; true when it was its last word."""
    try:
        await _store(order, outcome)
    except Conflict as error:  # moved by another hand: the caller reads it afresh
        log.info("generation.moved", generation_id=str(order.id), reason=str(error))
        return True
    return not isinstance(outcome, Pending)


async def _store(order: Order, outcome: Poll) -> None:
    match outcome:
        case Pending(progress):
            if progress is not None and progress > (order.progress or -1):
                async with tools().sessions.begin() as session:
                    await generations.set_progress(session, order.id, progress)
        case Ready():
            await outcomes.ready(order, outcome)
        case Rejected():
            await outcomes.rejected(order, outcome)
        case Lost():
            await outcomes.lost(order)
        case Expired():
            await outcomes.expired(order)
        case Cancelled():
            await outcomes.cancelled(order, "The provider stopped it, as asked.")


async def interval_s(generation_id: UUID) -> float:
    """Seconds between two questions about this video."""
    async with tools().sessions() as session:
        order = await generations.load(session, generation_id)
    return tools().interval_s(order.lane_id)

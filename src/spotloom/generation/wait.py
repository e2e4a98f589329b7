"""Asks the provider how a video stands until it is over there."""

import asyncio
import contextlib
import random
from dataclasses import replace
from uuid import UUID

import structlog

from spotloom.campaigns import generations
from spotloom.campaigns.generations import Order
from spotloom.creative.status import Status
from spotloom.errors import Conflict, Transient
from spotloom.generation import outcomes
from spotloom.generation.tools import tools
from spotloom.providers.provider import (
    Cancelled,
    CancelOutcome,
    Expired,
    Lost,
    Pending,
    Poll,
    Ready,
    Rejected,
)

log = structlog.get_logger()

LOST_AFTER = 3  # answers of "no such job" in a row, before a paid job is given up as lost
LONGEST_WAIT_S = 300.0
RELOAD_POLLS = 10  # polls after which our own row is read again, should a notification be lost
END_OF_TIME = 2**31 - 1
NEARLY_DONE = 85  # per cent, from which it is asked twice as often


async def wait(generation_id: UUID) -> Status:
    """Ask until the provider is done with it; the state it is in then."""
    with tools().wakes.listening(generation_id) as news:
        return await _wait(generation_id, news)


async def _wait(generation_id: UUID, news: asyncio.Event) -> Status:
    order = await _load(generation_id)
    strikes = failures = polls = 0
    while order.status is Status.GENERATING and (job := order.job) is not None:
        if order.cancelled and order.note is None:
            note = await _stop(order, job)
            order = replace(await _load(generation_id), note=note)
            if order.status is not Status.GENERATING:
                break
        polls += 1
        try:
            outcome = await tools().provider(order.lane_id).poll(job)
        except Transient as error:
            failures += 1
            log.warning("generation.poll_failed", generation_id=str(order.id), reason=str(error))
            pause_s = _backoff_s(order, failures, error)
        else:
            failures, strikes = 0, strikes + 1 if isinstance(outcome, Lost) else 0
            if strikes in {0, LOST_AFTER} and await _over(order, outcome):
                order = await _load(generation_id)
                continue
            order = _seen(order, outcome)
            pause_s = _pause_s(order)
        with contextlib.suppress(TimeoutError):
            # Not wait_for, which in Python 3.11 makes a task of its own for every waiting video.
            async with asyncio.timeout(pause_s * random.uniform(0.9, 1.1)):  # noqa: S311 - jitter
                await news.wait()
        if news.is_set() or polls % RELOAD_POLLS == 0:
            news.clear()
            order = await _load(generation_id)
    return order.status


async def interval_s(generation_id: UUID) -> float:
    """Seconds between two questions about this video."""
    return tools().interval_s((await _load(generation_id)).lane_id)


async def expiry(generation_id: UUID) -> int:
    """When the provider drops the file, in Unix seconds that fit 31 bits."""
    expires_at = (await _load(generation_id)).expires_at
    return END_OF_TIME if expires_at is None else min(int(expires_at.timestamp()), END_OF_TIME)


async def _load(generation_id: UUID) -> Order:
    async with tools().sessions() as session:
        return await generations.load(session, generation_id)


def _seen(order: Order, outcome: Poll) -> Order:
    if isinstance(outcome, Pending) and outcome.progress is not None:
        return replace(order, progress=max(outcome.progress, order.progress or 0))
    return order


def _pause_s(order: Order) -> float:
    interval = tools().interval_s(order.lane_id)
    return interval / 2 if (order.progress or 0) >= NEARLY_DONE else interval


def _backoff_s(order: Order, failures: int, error: Transient) -> float:
    backoff_s: float = tools().interval_s(order.lane_id) * 2 ** min(failures - 1, 4)
    return max(min(backoff_s, LONGEST_WAIT_S), error.retry_after_s or 0)


async def _stop(order: Order, job: str) -> str | None:
    """Ask the provider to stop it; what became of that, None when it could not be asked."""
    try:
        outcome = await tools().provider(order.lane_id).cancel(job)
    except Transient as error:
        log.warning("generation.cancel_failed", generation_id=str(order.id), reason=str(error))
        return None
    if outcome is CancelOutcome.STOPPED:
        await _over(order, Cancelled())
        return "The provider stopped it."
    if outcome is CancelOutcome.TOO_LATE:
        text = "Cancelled too late: the provider had made it, so it is kept."
    else:
        text = "The provider cannot stop a video that it has begun, so it is kept."
    async with tools().sessions.begin() as session:
        await generations.note(session, order.id, text)
    return text


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
            if progress is not None and progress > (order.progress or 0):
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

"""Asks the provider how a video stands until it is over there."""

import datetime as dt
import random
from collections.abc import Awaitable
from dataclasses import replace
from uuid import UUID

import structlog

from spotloom.campaigns import generations
from spotloom.campaigns.generations import Order
from spotloom.creative.status import Status
from spotloom.errors import Conflict, Transient
from spotloom.generation import outcomes
from spotloom.generation.tools import News, tools
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
RELOAD_POLLS = 20  # polls after which our own row is read again, should a notification be lost
FIRST_POLL_S = 1.0
PROGRESS_STEP = 5  # per cent, from which a new figure is kept and told
NEARLY_DONE = 85  # per cent, from which it is asked twice as often


async def wait(generation_id: UUID, *, fresh: bool) -> tuple[Status, dt.datetime | None]:
    """Ask until the provider is done with it; the state it is in then, and when its file goes.

    A `fresh` job was ordered a moment ago, and is not asked about at once.
    """
    news = tools().wakes.begin(generation_id)
    try:
        order = await _wait(generation_id, news, fresh=fresh)
    finally:
        tools().wakes.end(generation_id, news)
    return order.status, order.expires_at


async def _wait(generation_id: UUID, news: News, *, fresh: bool) -> Order:
    order = await _load(generation_id)
    strikes = failures = polls = 0
    # A webhook may have come before we knew the job, so the first wait is short.
    woken = not fresh or await _news_within(news, min(FIRST_POLL_S, _pause_s(order)))
    while order.status is Status.GENERATING and (job := order.job) is not None:
        polls += 1
        try:
            outcome = await tools().provider(order.lane_id).poll(job)
        except Transient as error:
            failures += 1
            log.warning("generation.poll_failed", generation_id=str(order.id), reason=str(error))
            pause_s = _backoff_s(order, failures, error)
        else:
            failures, strikes = 0, strikes + 1 if isinstance(outcome, Lost) else 0
            if strikes in {0, LOST_AFTER} and (over := await _over(order, outcome)) is not None:
                order = over
                continue
            order = _seen(order, outcome)
            pause_s = _pause_s(order)
        if woken or polls % RELOAD_POLLS == 0:
            order = await _heeded(order.id)
            if order.status is not Status.GENERATING:
                break
        woken = await _news_within(news, pause_s)
    return order


def _news_within(news: News, seconds: float) -> Awaitable[bool]:
    """Wait that long, give or take a tenth, or until news comes; whether it came."""
    return news.within(seconds * random.uniform(0.9, 1.1))  # noqa: S311 - jitter


async def _heeded(generation_id: UUID) -> Order:
    """Our own row read again; a wish to stop it that stands there is passed on once."""
    order = await _load(generation_id)
    if order.status is not Status.GENERATING or not order.cancelled or order.note is not None:
        return order
    if order.job is None:
        return order
    note = await _stop(order, order.job)
    return replace(await _load(generation_id), note=note)


async def interval_s(generation_id: UUID) -> float:
    """Seconds between two questions about this video."""
    return tools().interval_s((await _load(generation_id)).lane_id)


async def _load(generation_id: UUID) -> Order:
    async with tools().sessions() as session:
        order = await generations.load(session, generation_id)
    # Thousands may wait here, and nothing here reads the words of their requests.
    return replace(order, request=replace(order.request, prompt="", values=()))


def _risen(order: Order, outcome: Poll) -> int | None:
    """The progress to keep: it only grows, and not every step is worth a write."""
    if not isinstance(outcome, Pending) or outcome.progress is None:
        return None
    known = order.progress or 0
    return outcome.progress if outcome.progress >= known + PROGRESS_STEP else None


def _seen(order: Order, outcome: Poll) -> Order:
    risen = _risen(order, outcome)
    return order if risen is None else replace(order, progress=risen)


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
        text = outcomes.TOO_LATE
    else:
        text = "The provider cannot stop a video that it has begun, so it is kept."
    async with tools().sessions.begin() as session:
        await generations.note(session, order.id, text)
    return text


async def _over(order: Order, outcome: Poll) -> Order | None:
    """Store what the provider said; the order after its last word, None when it goes on."""
    try:
        await _store(order, outcome)
    except Conflict as error:  # moved by another hand
        log.info("generation.moved", generation_id=str(order.id), reason=str(error))
        return await _load(order.id)
    match outcome:
        case Pending():
            return None
        case Ready(expires_at=expires_at):
            return replace(order, status=Status.FINISHING, expires_at=expires_at)
        case _:
            return await _load(order.id)


async def _store(order: Order, outcome: Poll) -> None:
    match outcome:
        case Pending():
            if (risen := _risen(order, outcome)) is not None:
                async with tools().sessions.begin() as session:
                    await generations.set_progress(session, order.id, risen)
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

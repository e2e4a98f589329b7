"""Asks the provider how a video stands until it is over there."""

import asyncio
import datetime as dt
import random
from collections import deque
from collections.abc import Awaitable
from dataclasses import replace
from functools import lru_cache
from statistics import median
from typing import TypeVar
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
    LaneBlocked,
    Lost,
    Pending,
    Poll,
    Ready,
    Rejected,
)

log = structlog.get_logger()
T = TypeVar("T")

LOST_AFTER = 3  # answers of "no such job" in a row, before a paid job is given up as lost
HOLD_POLLS = 10  # for which a video that may be running keeps its slot
LONGEST_HOLD_S = 3600.0
LOST_POLLS = 10  # intervals that those answers must last, too: a provider may forget for a while
LONGEST_WAIT_S = 300.0
RELOAD_POLLS = 20  # polls after which our own row is read again, should a notification be lost
FIRST_POLL_S = 1.0
PROGRESS_STEP = 5  # per cent, from which a new figure is kept and told
NEARLY_DONE = 85  # per cent, from which it is asked twice as often
LATELY = 9  # videos, whose usual time says when the next one is nearly done
TROUBLE_AFTER = 3  # questions in vain in a row, after which the video says so

Denied = tuple[int, float]  # how often in a row the provider knew no such job, and since when


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
    failures = polls = 0
    denied: Denied | None = None
    # A webhook may have come before we knew the job, so the first wait is short.
    woken = not fresh or await _news_within(news, min(FIRST_POLL_S, _pause_s(order)))
    while order.status is Status.GENERATING and (job := order.job) is not None:
        polls += 1
        try:
            outcome = await tools().provider(order.lane_id).poll(job)
        except Transient as error:
            failures += 1
            order = await _in_vain(order, failures, error)
            pause_s = _backoff_s(order, failures, error)
        else:
            failures, denied = 0, _denied(denied, outcome)
            if _believed(order, denied) and (over := await _over(order, outcome)) is not None:
                order = over
                continue
            order = await _answered(_seen(order, outcome))
            pause_s = _pause_s(order)
        if woken or polls % RELOAD_POLLS == 0 or _unheeded(order):
            order = await _heeded(order.id)
            if order.status is not Status.GENERATING:
                break
        woken = await _news_within(news, pause_s)
    return order


def _news_within(news: News, seconds: float) -> Awaitable[bool]:
    """Wait that long, give or take a tenth, or until news comes; whether it came."""
    return news.within(seconds * random.uniform(0.9, 1.1))  # noqa: S311 - jitter


def _denied(before: Denied | None, outcome: Poll) -> Denied | None:
    if not isinstance(outcome, Lost):
        return None
    times, since = before or (0, asyncio.get_running_loop().time())
    return times + 1, since


def _believed(order: Order, denied: Denied | None) -> bool:
    """Whether the answer counts; that a paid job is gone, only after many times and a while."""
    if denied is None:
        return True
    times, since = denied
    lasted_s = asyncio.get_running_loop().time() - since
    enough_s = min(LOST_POLLS * tools().interval_s(order.lane_id), LONGEST_WAIT_S)
    return times >= LOST_AFTER and lasted_s >= enough_s


async def _in_vain(order: Order, failures: int, error: Transient) -> Order:
    """Say once why the video does not get on, and stop its lane where only a person can help."""
    log.warning("generation.poll_failed", generation_id=str(order.id), reason=str(error))
    if failures == 1 and isinstance(error, LaneBlocked):
        await outcomes.stop_lane(order, str(error))
    if failures != TROUBLE_AFTER:
        return order
    why = f"Asked about {failures} times in vain, and still asking: {error}"
    return await _held_up(order, why)


async def _answered(order: Order) -> Order:
    return await _held_up(order, None) if order.held_up else order


async def _held_up(order: Order, why: str | None) -> Order:
    async with tools().sessions.begin() as session:
        await generations.hold_up(session, order.id, why)
    return replace(order, held_up=why is not None)


def _unheeded(order: Order) -> bool:
    """Whether somebody wants it stopped, and the provider has not said yet what comes of that."""
    return order.status is Status.GENERATING and order.cancelled and order.note is None


async def _heeded(generation_id: UUID) -> Order:
    """Our own row read again; a wish to stop it that stands there is passed on until heard."""
    order = await _load(generation_id)
    if order.job is None or not _unheeded(order):
        return order
    note = await _stop(order, order.job)
    return replace(await _load(generation_id), note=note)


async def hold_s(generation_id: UUID) -> float:
    """Seconds for which a video that may be running keeps its slot.

    Ten polls, or twice as long as any of its kind took lately here, but an hour at most.
    """
    order = await _load(generation_id)
    longest = max(tools().took.get(_kind(order), ()), default=0.0)
    polls_s = HOLD_POLLS * tools().interval_s(order.lane_id)
    return max(polls_s, min(2 * longest, LONGEST_HOLD_S))


async def _load(generation_id: UUID) -> Order:
    async with tools().sessions() as session:
        order = await generations.load(session, generation_id)
    # Thousands may wait here, nothing here reads the words of their requests, and the rest is the
    # same for most of them.
    wordless = replace(order.request, prompt="", values=(), idempotency_key="")
    return replace(
        order,
        id=generation_id,
        workspace_id=_same(order.workspace_id),
        campaign_id=_same(order.campaign_id),
        lane_id=_same(order.lane_id),
        request=_same(wordless),
        estimated_cost=_same(order.estimated_cost),
    )


@lru_cache(maxsize=1000)
def _same(value: T) -> T:
    """The one object that stands here for all that are equal."""
    return value


def _risen(order: Order, outcome: Poll) -> int | None:
    """The progress to keep: it only grows, and not every step is worth a write."""
    if not isinstance(outcome, Pending) or outcome.progress is None:
        return None
    known = order.progress or 0
    return outcome.progress if outcome.progress >= known + PROGRESS_STEP else None


def _seen(order: Order, outcome: Poll) -> Order:
    risen = _risen(order, outcome)
    if risen is None:
        return order
    tools().risen[order.id] = risen
    return replace(order, progress=risen)


def _pause_s(order: Order) -> float:
    interval = tools().interval_s(order.lane_id)
    return interval / 2 if _nearly_done(order) else interval


def _nearly_done(order: Order) -> bool:
    """Whether it should soon be over, by what the provider says or by what others took."""
    if (order.progress or 0) >= NEARLY_DONE:
        return True
    took = tools().took.get(_kind(order))
    return took is not None and _lasted_s(order) * 100 >= median(took) * NEARLY_DONE


def _kind(order: Order) -> tuple[UUID, str, int]:
    return order.lane_id, order.request.model, order.request.duration


def _lasted_s(order: Order) -> float:
    """Seconds since it was ordered; the clocks need to agree no better than a poll's interval."""
    if order.sent_at is None:
        return 0.0
    return (dt.datetime.now(dt.UTC) - order.sent_at).total_seconds()


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
    if outcome is CancelOutcome.OVER:  # the next poll says how
        return None
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
            tools().took.setdefault(_kind(order), deque(maxlen=LATELY)).append(_lasted_s(order))
            return replace(order, status=Status.FINISHING, expires_at=expires_at)
        case _:
            return await _load(order.id)


async def _store(order: Order, outcome: Poll) -> None:
    match outcome:
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

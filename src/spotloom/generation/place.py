"""Buys one video without ever buying it twice.

The intent is stored before the call leaves. Whoever finds a stored intent without an answer, in
this process or after a crash, asks the provider before anything is sent again.
"""

import asyncio
import datetime as dt
from uuid import UUID

import structlog

from spotloom.campaigns import generations
from spotloom.campaigns.generations import Order
from spotloom.creative.status import Status
from spotloom.errors import Conflict, OutcomeUnknown, Permanent, Transient
from spotloom.generation import control, outcomes
from spotloom.generation.tools import tools
from spotloom.providers.provider import NotSupported

log = structlog.get_logger()

# A call that was cut may still be on its way into the provider's list. It counts as never
# accepted when the list has not shown it for this long since it was first asked, and for as long
# as the call itself had lasted: a server that was slow to answer may be as slow to accept.
ABSENT_AFTER_S = 10.0


async def place(generation_id: UUID, *, admission: int) -> tuple[Status | None, bool]:
    """Buy the video, or find out whether it was bought; its state then, and if bought just now.

    No state when a later admission has it: this one's hands are off.
    """
    while True:
        async with tools().sessions.begin() as session:
            order = await generations.take(session, generation_id, admission=admission)
        if order is not None:
            if await _buy(order):
                return Status.GENERATING, True
            continue
        async with tools().sessions() as session:
            order = await generations.load(session, generation_id)
        if order.admission != admission:
            return None, False
        if order.status is not Status.SUBMITTING:
            return order.status, False
        if order.sent_at is not None:
            # Of a call that a crash cut, nobody knows how long it would have lasted.
            await _look_up(order, why="The answer was lost.", lasted_s=tools().longest_call_s)
        elif order.cancelled:
            await outcomes.cancelled(order, "Cancelled before it was sent.")


async def _buy(order: Order) -> bool:
    """Send the order whose intent is stored; true when the provider has it, and we know its job."""
    provider = tools().provider(order.lane_id)
    clock = asyncio.get_running_loop().time
    try:
        async with tools().paid_call():
            began = clock()
            submitted = await provider.submit(order.request)
    except Transient as error:
        log.warning("generation.refused", generation_id=str(order.id), reason=str(error))
        await outcomes.back_to_queue(order, error)
    except Permanent as error:
        await outcomes.refused(order, code=error.code, text=str(error))
    except OutcomeUnknown as error:
        log.warning("generation.outcome_unknown", generation_id=str(order.id), reason=str(error))
        await _look_up(order, why=str(error), lasted_s=clock() - began)
    else:
        log.info("generation.submitted", generation_id=str(order.id), provider=provider.name)
        return await _claim(order, submitted.job)
    return False


async def _look_up(order: Order, *, why: str, lasted_s: float) -> None:
    """Find the job the cut call may have made; clear the intent only on proof of none."""
    clock = asyncio.get_running_loop().time
    absent_after_s = max(ABSENT_AFTER_S, lasted_s)
    absent_since: float | None = None
    delay_s = 0.5
    while True:
        async with tools().sessions() as session:
            order = await generations.load(session, order.id)
        if order.status is not Status.SUBMITTING or order.sent_at is None:
            return
        try:
            job = await _find(order, since=order.sent_at)
        except Transient as error:
            log.warning("generation.look_up_failed", generation_id=str(order.id), reason=str(error))
        else:
            if isinstance(job, NotSupported):
                await outcomes.possibly_charged(order, why)
                return
            if job is not None and await _claim(order, job):
                return
            absent_since = clock() if absent_since is None else absent_since
            if clock() - absent_since >= absent_after_s:
                await _clear_intent(order)
                return
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * 2, absent_after_s / 4)


async def recognise(asked: set[tuple[UUID, str]]) -> None:
    """Go on with every possibly charged video that a webhook has told the job of.

    A webhook names no more than the job: whether it is ours, the provider says, by what was sent.
    `asked` keeps the questions that were answered, so that none is asked twice.
    """
    async with tools().sessions() as session:
        pairs = await generations.announced(session)
    for pair in pairs:
        if pair not in asked and await _asked_about(*pair):
            asked.add(pair)


async def _asked_about(generation_id: UUID, job: str) -> bool:
    """Ask the provider whether the job is this generation's; false when it could not be asked."""
    async with tools().sessions() as session:
        order = await generations.load(session, generation_id)
    if order.sent_at is None or not tools().serves(order.lane_id):
        return False
    provider = tools().provider(order.lane_id)
    try:
        if await provider.carries(job, order.request, since=order.sent_at):
            async with tools().sessions.begin() as session:
                await control.bought(session, generation_id, job=job)
            log.info("generation.recognised", generation_id=str(generation_id))
    except Transient as error:
        log.warning(
            "generation.look_up_failed", generation_id=str(generation_id), reason=str(error)
        )
        return False
    except Conflict as error:  # decided meanwhile, or the job is another's
        log.info("generation.moved", generation_id=str(generation_id), reason=str(error))
    return True


async def _find(order: Order, *, since: dt.datetime) -> str | NotSupported | None:
    found = await tools().provider(order.lane_id).find(order.request, since=since)
    if isinstance(found, NotSupported):
        return found
    async with tools().sessions() as session:
        taken = await generations.owners(session, order.lane_id, [c.job for c in found])
    return next((c.job for c in found if c.job not in taken), None)


async def _claim(order: Order, job: str) -> bool:
    try:
        await outcomes.accepted(order, job)
    except Conflict as error:  # another generation was quicker: look again
        log.warning("generation.claim_lost", generation_id=str(order.id), reason=str(error))
        return False
    return True


async def _clear_intent(order: Order) -> None:
    async with tools().sessions.begin() as session:
        await generations.move(
            session, order.id, expect=(Status.SUBMITTING,), to=Status.SUBMITTING, sent_at=None
        )

"""Buys one video without ever buying it twice.

The intent is stored before the call leaves. Whoever finds a stored intent without an answer, in
this process or after a crash, asks the provider before anything is sent again.
"""

import asyncio
from uuid import UUID

import structlog

from spotloom.campaigns import generations
from spotloom.campaigns.generations import Order
from spotloom.creative.status import Status
from spotloom.errors import Conflict, OutcomeUnknown, Permanent, Transient
from spotloom.generation import doubt, outcomes
from spotloom.generation.tools import tools
from spotloom.providers.provider import Outage

log = structlog.get_logger()


async def place(generation_id: UUID, *, admission: int) -> tuple[Status | None, bool]:
    """Buy the video, or find out whether it was bought; its state then, and if bought just now.

    No state when a later admission has it: this one's hands are off.
    """
    while True:
        await tools().still_mine()  # whoever slept may find that another has it
        async with tools().sessions.begin() as session:
            order = await generations.take(session, generation_id, admission=admission)
            now = order or await generations.load(session, generation_id)
        if now.admission != admission:
            return None, False
        if now.status is not Status.SUBMITTING:
            return now.status, False
        try:
            if await _step(now, new=order is not None):
                return Status.GENERATING, True
        except Conflict as error:  # another hand has decided about it meanwhile
            log.warning("generation.moved", generation_id=str(generation_id), reason=str(error))


async def _step(order: Order, *, new: bool) -> bool:
    """Take one order that is being submitted further; true when it was bought just now."""
    if new:
        return await _buy(order)
    if order.sent_at is not None:
        # Of a call that a crash cut, nobody knows how long it would have lasted.
        await doubt.look_up(order, why="The answer was lost.", lasted_s=tools().longest_call_s)
    elif order.cancelled:
        await outcomes.cancelled(order, "Cancelled before it was sent.")
    return False


async def _buy(order: Order) -> bool:
    """Send the order whose intent is stored; true when the provider has it, and we know its job."""
    provider = tools().provider(order.lane_id)
    clock = asyncio.get_running_loop().time
    try:
        async with tools().paid_call():
            began = clock()
            submitted = await provider.submit(order.request, sending=tools().still_mine)
    except Transient as error:
        log.warning("generation.refused", generation_id=str(order.id), reason=str(error))
        await outcomes.back_to_queue(order, error)
    except Permanent as error:
        log.warning("generation.refused", generation_id=str(order.id), reason=str(error))
        await outcomes.refused(order, code=error.code, text=str(error))
    except OutcomeUnknown as error:
        log.warning("generation.outcome_unknown", generation_id=str(order.id), reason=str(error))
        lasted_s = clock() - began
        if isinstance(error, Outage):
            await outcomes.outage(order, error)
        await doubt.look_up(order, why=str(error), lasted_s=lasted_s)
    else:
        log.info("generation.submitted", generation_id=str(order.id), provider=provider.name)
        return await _keep(order, submitted.job)
    return False


async def _keep(order: Order, job: str) -> bool:
    """Keep the job that the provider named as its answer; false when it is another's.

    It may have been taken for another order of the same words, which was quicker to look: then
    there is one to be found for this one. A job that was another's before this order was sent
    tells that the provider uses its names twice, and nothing about what it has now.
    """
    try:
        await outcomes.accepted(order, job)
    except outcomes.JobTaken:
        async with tools().sessions() as session:
            since = (await generations.owners(session, order.lane_id, [job])).get(job)
        log.warning("generation.job_taken", generation_id=str(order.id), job=job)
        if since is None or order.sent_at is None or since < order.sent_at:
            await outcomes.possibly_charged(
                order, f"The provider took the order as job {job}, which is another video's."
            )
        return False
    return True

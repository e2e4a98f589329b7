"""The two durable workflows of a video: thin deciders, the truth is in our tables.

Every step may run again after a crash: it reads the generation first and does what is left.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar
from uuid import UUID

import structlog
from dbos import DBOS, SetEnqueueOptions, SetWorkflowID
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from spotloom.creative.status import Status
from spotloom.generation import collect as collecting
from spotloom.generation import outcomes, place, wait
from spotloom.generation.tools import UnknownLane, tools

FINISH_QUEUE = "finish"
DATABASE_RETRY_S = 0.5
END_OF_TIME = 2**31 - 1
BEHIND_S = 60

log = structlog.get_logger()
P = ParamSpec("P")
R = TypeVar("R")


def steady(step: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """The same step, begun afresh whenever it lost its database, instead of failing its video.

    Once, too, if its worker had not heard of the lane yet.
    """

    @wraps(step)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        strange = False
        while True:
            try:
                if strange:
                    await tools().find_lanes()
                return await step(*args, **kwargs)
            except UnknownLane:
                if strange:
                    raise
                strange = True
            except SQLAlchemyError as error:
                if not _away(error):
                    raise
                log.warning("database.away", reason=type(error).__name__)
                await asyncio.sleep(DATABASE_RETRY_S)

    return run


def _away(error: SQLAlchemyError) -> bool:
    """Whether the database was lost, and may come back."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


@DBOS.workflow(name="generate", max_recovery_attempts=None)
async def generate(generation_id: str, admission: int) -> None:
    """See one admitted video through its time at the provider."""
    status, expires = await provider_step(generation_id, admission)
    if status in {Status.UNKNOWN, Status.LOST}:
        await DBOS.sleep_async(await hold_step(generation_id))
        await free_step(generation_id)
    elif status == Status.FINISHING:
        await _queue(f"finish:{generation_id}:{admission}", priority=expires)


async def _queue(workflow_id: str, *, priority: int, delay_s: float | None = None) -> None:
    """Have a file fetched: the one that the provider drops first before the others."""
    with (
        SetWorkflowID(workflow_id),
        SetEnqueueOptions(priority=priority, delay_seconds=delay_s),
    ):
        await DBOS.enqueue_workflow_async(FINISH_QUEUE, finish, workflow_id.split(":")[1])


@DBOS.workflow(name="finish", max_recovery_attempts=None)
async def finish(generation_id: str) -> None:
    """Fetch, check and keep one finished video, or try again later in a workflow of its own.

    While it waits it has no place in the queue, where eight files that cannot be had would keep
    all others from being fetched. Its id tells the admission, and from the second time on which
    try it is, because a worker of an older release must be able to run it as well.
    """
    admission, *tried = [int(part) for part in str(DBOS.workflow_id).split(":")[2:]]
    tries = sum(tried)
    again = await collect_step(generation_id, admission, tries)
    while isinstance(again, int | float):  # recorded by an older release: it slept in its place
        await DBOS.sleep_async(again)
        tries += 1
        again = await collect_step(generation_id, admission, tries)
    if again is not None:
        delay_s, expires = again
        # A minute later for each try in vain, or many that fail would come before all others.
        priority = min(expires + BEHIND_S * (tries + 1), END_OF_TIME)
        await _queue(
            f"finish:{generation_id}:{admission}:{tries + 1}", priority=priority, delay_s=delay_s
        )


@DBOS.step(name="provider")
@steady
async def provider_step(generation_id: str, admission: int) -> tuple[str | None, int]:
    """Buy it, once, and wait until the provider is done; its state, and when its file goes.

    One step, because whoever begins it afresh finds in our tables what was done.
    """
    asked = UUID(generation_id)
    status, bought = await place.place(asked, admission=admission)
    if status is None:
        return None, END_OF_TIME
    ended, expires_at = await wait.wait(asked, fresh=bought)
    return ended.value, _unix(expires_at)


@DBOS.step(name="hold")
@steady
async def hold_step(generation_id: str) -> float:
    """How long a video that may be running, as far as we know, keeps its slot, in seconds."""
    return await wait.hold_s(UUID(generation_id))


@DBOS.step(name="free")
@steady
async def free_step(generation_id: str) -> None:
    """Give the slot back."""
    await outcomes.free_slot(UUID(generation_id))


@DBOS.step(name="collect")
@steady
async def collect_step(
    generation_id: str, admission: int, tries: int
) -> tuple[float, int] | float | None:
    """Fetch and keep the file; None when that is over, else in how long again, and how urgent.

    Never a number alone: that is what older releases recorded.
    """
    asked = UUID(generation_id)
    again = await collecting.collect(asked, admission=admission, tries=tries)
    return None if again is None else (again.in_s, _unix(again.expires_at))


def _unix(expires_at: dt.datetime | None) -> int:
    """The moment in Unix seconds that fit 31 bits, from 1 on."""
    if expires_at is None:
        return END_OF_TIME
    return max(1, min(int(expires_at.timestamp()), END_OF_TIME))

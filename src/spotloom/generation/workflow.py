"""The two durable workflows of a video: thin deciders, the truth is in our tables.

Every step may run again after a crash: it reads the generation first and does what is left.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar
from uuid import UUID

import structlog
from dbos import DBOS, SetEnqueueOptions, SetWorkflowID
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from spotloom.creative.status import Status
from spotloom.generation import collect as collecting
from spotloom.generation import outcomes, place, wait

FINISH_QUEUE = "finish"
HOLD_POLLS = 10  # polls for which a video that may be running keeps its slot
DATABASE_RETRY_S = 0.5

log = structlog.get_logger()
P = ParamSpec("P")
R = TypeVar("R")


def steady(step: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """The same step, begun afresh whenever it lost its database, instead of failing its video."""

    @wraps(step)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        while True:
            try:
                return await step(*args, **kwargs)
            except (OperationalError, InterfaceError, PoolTimeout) as error:
                log.warning("database.away", reason=type(error).__name__)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                log.warning("database.away", reason=type(error).__name__)
            await asyncio.sleep(DATABASE_RETRY_S)

    return run


@DBOS.workflow(name="generate", max_recovery_attempts=None)
async def generate(generation_id: str, admission: int) -> None:
    """See one admitted video through its time at the provider."""
    status = await place_step(generation_id, admission)
    if status == Status.GENERATING:
        status = await wait_step(generation_id)
    if status in {Status.UNKNOWN, Status.LOST}:
        await DBOS.sleep_async(await hold_step(generation_id))
        await free_step(generation_id)
    elif status == Status.FINISHING:
        # The file that the provider drops first is fetched first.
        with (
            SetWorkflowID(f"finish:{generation_id}:{admission}"),
            SetEnqueueOptions(priority=await expiry_step(generation_id)),
        ):
            await DBOS.enqueue_workflow_async(FINISH_QUEUE, finish, generation_id)


@DBOS.workflow(name="finish", max_recovery_attempts=None)
async def finish(generation_id: str) -> None:
    """Fetch, check and keep one finished video, however often it takes."""
    tries = 0
    while (again_in_s := await collect_step(generation_id, tries)) is not None:
        await DBOS.sleep_async(again_in_s)
        tries += 1


@DBOS.step(name="place")
@steady
async def place_step(generation_id: str, admission: int) -> str | None:
    """Buy it, once."""
    return await place.place(UUID(generation_id), admission=admission)


@DBOS.step(name="wait")
@steady
async def wait_step(generation_id: str) -> str:
    """Wait until the provider is done."""
    return await wait.wait(UUID(generation_id))


@DBOS.step(name="hold")
@steady
async def hold_step(generation_id: str) -> float:
    """How long a video that may be running, as far as we know, keeps its slot, in seconds."""
    return HOLD_POLLS * await wait.interval_s(UUID(generation_id))


@DBOS.step(name="free")
@steady
async def free_step(generation_id: str) -> None:
    """Give the slot back."""
    await outcomes.free_slot(UUID(generation_id))


@DBOS.step(name="expiry")
@steady
async def expiry_step(generation_id: str) -> int:
    """When the provider drops the file, as a Unix time; the end of time where it did not say."""
    return await wait.expiry(UUID(generation_id))


@DBOS.step(name="collect")
@steady
async def collect_step(generation_id: str, tries: int) -> float | None:
    """Fetch and keep the file."""
    return await collecting.collect(UUID(generation_id), tries=tries)

"""One worker: admits videos into free slots, starts their durable work, and listens for news."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from spotloom.campaigns import generations
from spotloom.campaigns.channels import ANNOUNCED, LANES, WAKE
from spotloom.campaigns.database import grant_engine, plain_url
from spotloom.generation import doubt, engine, lanes
from spotloom.generation.liveness import GONE, Liveness, executor_id
from spotloom.generation.tools import Tools, use

log = structlog.get_logger()

LISTENER = "spotloom listener"
_SHARED = text(
    "SELECT (SELECT count(*) FROM spotloom.lane_slot) AS slots, count(*) AS workers"
    " FROM pg_stat_activity WHERE application_name = :name AND datname = current_database()"
)
_TO_STOP = (
    "SELECT id FROM spotloom.generation"
    " WHERE status = 'generating' AND cancel_asked_at IS NOT NULL AND note IS NULL"
)
# An older event that comes again only asks once more.
_OLD_EVENTS = text("DELETE FROM spotloom.webhook_event WHERE at < now() - :kept")
TICK_S = 2.0  # the safety net under the notifications
ADOPT_AFTER_S = 10.0
MEND_S = 10.0
TELL_S = 0.25
TIDY_S = 3600.0
RECOGNISE_S = 30.0


@contextlib.asynccontextmanager
async def working(
    url: str,
    tools: Tools,
    liveness: Liveness,
    *,
    finishes: int | None = None,
    beside: Sequence[Callable[[], Coroutine[None, None, None]]],
) -> AsyncIterator[None]:
    """Do durable work in this process for as long as the context is open.

    `finishes` bounds the files that are fetched and checked here at once; `beside` are more loops
    that go on meanwhile.
    """
    use(tools)
    await liveness.start()
    engine.launch(url, executor=liveness.executor)
    await asyncio.to_thread(grant_engine, url)
    await engine.open_queue(finishes)
    await liveness.beat()  # from here on a process that stops is known to have stopped
    worker = Worker(url, tools, liveness)
    work = (
        liveness.run(),
        worker.listen(),
        worker.admit(),
        worker.begin(),
        worker.mend(),
        worker.tell(),
        worker.tidy(),
        worker.recognise(),
        *(loop() for loop in beside),
    )
    loops = [asyncio.create_task(loop) for loop in work]
    faults = _stopping_with(loops)
    tools.admitting = True
    try:
        yield
    finally:
        tools.admitting = False
        await tools.nothing_admitted()
        await engine.end(loops[1:])
        await tools.nothing_paid()  # never leave a paid call without its answer
        await engine.stop()
        await engine.end(loops[:1])
        await liveness.leave()
        use(None)
        if faults:
            raise faults[0]


def _stopping_with(loops: list["asyncio.Task[None]"]) -> list[BaseException]:
    """Let the fault of any loop end the work, loudly; the faults, as they come."""
    work = asyncio.current_task()
    faults: list[BaseException] = []

    def ended(loop: "asyncio.Task[None]") -> None:
        if not loop.cancelled() and (fault := loop.exception()) is not None:
            log.error("worker.fault", reason=repr(fault))
            faults.append(fault)
            if work is not None:
                work.cancel()

    for loop in loops:
        loop.add_done_callback(ended)
    return faults


def _tell_away(error: Exception) -> None:
    """Say in a line what the database had against it; a missing right is told like an outage."""
    said = str(getattr(error, "orig", error)).strip().partition("\n")[0]
    log.warning("database.away", reason=f"{type(error).__name__}: {said}")


def new_liveness(url: str) -> Liveness:
    """Proof of life under a fresh executor name."""
    return Liveness(url, executor=executor_id(), recover=engine.recover)


class Worker:
    """The loops that keep this process's share of the lanes busy."""

    def __init__(self, url: str, tools: Tools, liveness: Liveness) -> None:
        self._url = plain_url(url)
        self._tools = tools
        self._liveness = liveness
        self._news = asyncio.Event()
        self._announced = asyncio.Event()
        self._strange_lane = True

    async def listen(self) -> None:
        """Hear what changed in other processes; reconnects for as long as it runs."""
        while True:
            try:
                await self._hear()
            except (psycopg.Error, OSError) as error:
                log.warning("database.away", reason=str(error).strip())
                await asyncio.sleep(0.5)

    async def admit(self) -> None:
        """Fill free slots at once on news, and every tick without."""
        ticks = 0
        while True:
            try:
                wait_s = await self._round(adopt=ticks % 3 == 0)
            except (SQLAlchemyError, OSError) as error:
                _tell_away(error)
                wait_s = TICK_S
            ticks += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._news.wait()
            self._news.clear()

    async def begin(self) -> None:
        """Start what was admitted in the transaction that freed its slot."""
        while True:
            admitted = await self._tools.admitted.get()
            try:
                await engine.start(admitted)
            except (SQLAlchemyError, OSError) as error:  # adopted later
                _tell_away(error)
            finally:
                self._tools.admitted.task_done()

    async def mend(self) -> None:
        """Look after workflows that the engine has dropped."""
        missing: frozenset[str] = frozenset()
        while True:
            await asyncio.sleep(MEND_S)
            try:
                missing = await engine.pick_up(self._liveness.executor, missing=missing)
            except (SQLAlchemyError, OSError) as error:
                _tell_away(error)

    async def recognise(self) -> None:
        """Ask about jobs that webhooks told of, and again about orders, that are in doubt."""
        asked: set[tuple[UUID, str]] = set()
        reconsidered: set[UUID] = set()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECOGNISE_S):
                    await self._announced.wait()
            told = self._announced.is_set()
            self._announced.clear()
            try:
                await doubt.recognise(asked)
                if not told:
                    await doubt.reconsider(reconsidered)
            except (SQLAlchemyError, OSError) as error:
                _tell_away(error)

    async def tell(self) -> None:
        """Write down how far the videos are: thousands, in four statements a second."""
        while True:
            await asyncio.sleep(TELL_S)
            if not (risen := self._tools.risen):
                continue
            self._tools.risen = {}
            try:
                async with self._tools.sessions.begin() as session:
                    await generations.rise(session, risen)
            except (SQLAlchemyError, OSError) as error:
                _tell_away(error)
                self._tools.risen = risen | self._tools.risen

    async def tidy(self) -> None:
        """Keep small what only grows: the engine's tables, and the webhooks that were taken."""
        while True:
            try:
                await engine.prune()
                async with self._tools.sessions.begin() as session:
                    await session.execute(_OLD_EVENTS, {"kept": engine.KEPT})
            except (SQLAlchemyError, OSError) as error:
                _tell_away(error)
            await asyncio.sleep(TIDY_S)

    async def _hear(self) -> None:
        async with await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=5, application_name=LISTENER
        ) as connection:
            for channel in (LANES, WAKE, ANNOUNCED, GONE):
                await connection.execute(f"LISTEN {channel}")
            self._news.set()  # whatever happened before we listened
            for (generation_id,) in await (await connection.execute(_TO_STOP)).fetchall():
                self._tools.wakes.wake(generation_id)
            async for note in connection.notifies():
                if note.channel == WAKE:
                    self._tools.wakes.wake(UUID(note.payload))
                elif note.channel == ANNOUNCED:
                    self._announced.set()
                elif note.channel == GONE:
                    self._liveness.gone(note.payload)
                else:
                    self._strange_lane |= UUID(note.payload) not in self._tools.lanes
                    self._news.set()

    async def _round(self, *, adopt: bool) -> float:
        """Admit once on every lane we have a provider for; seconds until the next look."""
        wait_s = TICK_S
        if adopt or self._strange_lane:
            self._strange_lane = False
            await self._find_lanes()
        for lane_id in list(self._tools.lanes):
            opens_in_s = None
            async with self._tools.sessions.begin() as session:
                admitted = await lanes.admit(session, lane_id)
                if adopt:
                    admitted += await lanes.adopt(session, lane_id, after_s=ADOPT_AFTER_S)
                if not admitted:  # full, empty, or closed
                    opens_in_s = await lanes.opens_in_s(session, lane_id)
            for one in admitted:
                await engine.start(one)
            if opens_in_s:
                wait_s = min(wait_s, opens_in_s + 0.01)
        return wait_s

    async def _find_lanes(self) -> None:
        await self._tools.find_lanes()
        async with self._tools.sessions() as session:
            slots, workers = (await session.execute(_SHARED, {"name": LISTENER})).one()
        self._tools.share = math.inf if workers == 1 else math.ceil(slots / max(workers, 1))

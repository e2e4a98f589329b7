"""Knows which workers live, and takes over the work of the dead.

Each worker holds a PostgreSQL advisory lock named after its executor id, on a connection of its
own that beats once a second. The server ends a session that does not beat, so a stopped process
loses its lock like a dead one. Whoever has seen another's lock free for a grace takes that lock
and recovers its workflows.
"""

import asyncio
import contextlib
import hashlib
import os
import socket
import time
import uuid
from collections.abc import Awaitable, Callable

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from spotloom.campaigns.database import plain_url
from spotloom.errors import SetupError

log = structlog.get_logger()

GRACE_S = 4.0
BEAT_S = 1.0
GONE = "spotloom_gone"  # payload: an executor id that left in good order

Connection = psycopg.AsyncConnection[tuple[object, ...]]

_OTHERS = """
    SELECT DISTINCT executor_id FROM dbos.workflow_status
     WHERE status = 'PENDING' AND executor_id IS NOT NULL AND executor_id <> %s
"""
_TAKE_OVER = "INSERT INTO spotloom.taken_over (executor) VALUES (%s) ON CONFLICT DO NOTHING"
_TAKEN_OVER = "SELECT 1 FROM spotloom.taken_over WHERE executor = %s"


def executor_id() -> str:
    """A fresh name for this start of this process; it never recurs."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def lock_number(executor: str) -> int:
    """The advisory lock that stands for that executor: a signed 64-bit number."""
    return int.from_bytes(hashlib.sha256(executor.encode()).digest()[:8], signed=True)


def _now() -> float:
    """Seconds on a clock that goes on while the machine is suspended, where there is one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Liveness:
    """This worker's proof of life, and its eye on the others."""

    def __init__(
        self, url: str, *, executor: str, recover: Callable[[str], Awaitable[None]]
    ) -> None:
        self._url = plain_url(url)
        self.executor = executor
        self._recover = recover
        self._connection: Connection | None = None
        self._beaten_at = _now()
        self._free_since: dict[str, float] = {}
        self._rescues: dict[str, asyncio.Task[None]] = {}  # of the dead whose locks are ours
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Take this executor's lock; SetupError when another process holds it."""
        try:
            await self._take_own_lock()
        except psycopg.errors.LockNotAvailable as error:
            raise SetupError(
                f"Executor {self.executor} is already running; every start needs a fresh name."
            ) from error

    async def still_mine(self) -> None:
        """Return only while no other worker can be acting in this one's name."""
        async with self._turn:
            if self._age_s() > GRACE_S / 2:
                await self._regain()

    async def run(self) -> None:
        """Beat, and watch the others, until cancelled."""
        while True:
            await self.beat()
            await asyncio.sleep(BEAT_S)

    async def beat(self) -> None:
        """Show that this process is at work, and look after those that are not."""
        async with self._turn:
            try:
                await self._beat()
                await self._watch()
            except (psycopg.Error, OSError, TimeoutError) as error:
                log.warning("worker.liveness_lost", reason=str(error).strip())
                self._free_since.clear()
                await self._regain()

    async def leave(self) -> None:
        """Say that this worker's work is free for the others, and give the lock back."""
        async with self._turn:
            self._give_up_rescues()
            if self._connection is None:
                return
            with contextlib.suppress(psycopg.Error):
                await self._connection.execute("SELECT pg_notify(%s, %s)", (GONE, self.executor))
            await self._connection.close()
            self._connection = None

    def gone(self, executor: str) -> None:
        """Another worker left in good order: its work needs no grace."""
        if executor != self.executor:
            self._free_since[executor] = _now() - GRACE_S

    def _age_s(self) -> float:
        return _now() - self._beaten_at

    async def _take_own_lock(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=5, application_name="spotloom liveness"
        )
        try:
            await connection.execute("SET lock_timeout = '1s'")
            await connection.execute("SELECT pg_advisory_lock(%s)", (lock_number(self.executor),))
        except BaseException:
            await connection.close()
            raise
        self._connection, self._beaten_at = connection, _now()

    async def _beat(self) -> None:
        if self._connection is None:
            raise psycopg.OperationalError("there is no connection")
        # A process that does not beat, stopped or cut off, loses the session and so the lock.
        # Every beat says so anew: the first one comes when the process has done its starting.
        armed = f"SET idle_session_timeout = '{GRACE_S / 2:.0f}s'"
        async with asyncio.timeout(GRACE_S / 2):
            await self._connection.execute(armed)
        self._beaten_at = _now()

    async def _regain(self) -> None:
        """Get the lock back, however long the database is away; end if the work was taken over."""
        while True:
            await self._drop()
            try:
                await self._take_own_lock()
                taken_over = await self._taken_over()
            except (psycopg.Error, OSError) as error:  # cut again, perhaps
                log.warning("database.away", reason=str(error).strip())
                await asyncio.sleep(0.2)
            else:
                break
        if taken_over:
            log.error("worker.taken_over", executor=self.executor)
            os._exit(70)

    async def _drop(self) -> None:
        self._give_up_rescues()
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                await self._connection.close()
        self._connection = None

    async def _taken_over(self) -> bool:
        """Whether others have this worker's work; asked while the lock is ours.

        So no take-over is under way: it is in the table or it never was.
        """
        if self._connection is None:
            raise psycopg.OperationalError("there is no connection")
        cursor = await self._connection.execute(_TAKEN_OVER, (self.executor,))
        return await cursor.fetchone() is not None

    async def _watch(self) -> None:
        connection = self._connection
        if connection is None:
            return
        rows = await (await connection.execute(_OTHERS, (self.executor,))).fetchall()
        others = {str(row[0]) for row in rows}
        for executor in set(self._free_since) - others:
            del self._free_since[executor]
        for executor in [e for e, rescue in self._rescues.items() if rescue.done()]:
            self._rescues.pop(executor).result()
            await self._release(connection, executor)
        for executor in others - self._rescues.keys():
            await self._look_at(connection, executor)

    async def _look_at(self, connection: Connection, executor: str) -> None:
        number = lock_number(executor)
        cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", (number,))
        row = await cursor.fetchone()
        if row is None or not row[0]:
            self._free_since.pop(executor, None)
            return
        now = _now()
        if now - self._free_since.setdefault(executor, now) < GRACE_S:
            await self._release(connection, executor)
            return
        log.info("worker.taking_over", executor=executor)
        await connection.execute(_TAKE_OVER, (executor,))
        del self._free_since[executor]
        # Beside the beat, or the rescue of many would end our own proof of life.
        self._rescues[executor] = asyncio.create_task(self._rescue(executor))

    async def _release(self, connection: Connection, executor: str) -> None:
        await connection.execute("SELECT pg_advisory_unlock(%s)", (lock_number(executor),))

    async def _rescue(self, executor: str) -> None:
        """Recover the dead one's work, however often that takes; its lock is ours meanwhile."""
        while True:
            try:
                return await self._recover(executor)
            except (SQLAlchemyError, psycopg.Error, OSError) as error:
                log.warning("worker.rescue_failed", executor=executor, reason=type(error).__name__)
                await asyncio.sleep(BEAT_S)

    def _give_up_rescues(self) -> None:
        """With the connection went the locks of the dead: whoever takes one now begins again."""
        for rescue in self._rescues.values():
            rescue.cancel()
        self._rescues.clear()

"""Where a worker can be killed: before and after each effect on its way through one video.

Each place is held open, at the provider by a fault or in our database by a lock, until a worker is
seen to be there.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from tests.integration.generating import Stage, until

from spotloom.campaigns.database import plain_url

SOON_S = 30.0
_WAITING = """SELECT count(*) FROM pg_stat_activity
 WHERE wait_event_type = 'Lock' AND datname = current_database() AND query ILIKE %s"""

Fault = dict[str, Any]
Order = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class AtProvider:
    """A call that the provider leaves open."""

    place: str
    faults: tuple[Fault, ...]

    async def reach(self, stage: Stage, order: Order, held: contextlib.ExitStack) -> None:
        """Order, and return when a worker waits there, until `held` is closed."""
        before = stage.sandbox.struck(self.place)
        held.callback(stage.sandbox.misbehave)
        stage.sandbox.misbehave(*self.faults)
        await order()
        await until(lambda: stage.sandbox.struck(self.place) > before, SOON_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class InDatabase:
    """A statement like `statement`, which waits for `lock`.

    The lock is taken when a video is as `when` says, and before the order without it. What would
    be too quick for that is slowed by `faults`, waits for the lock `first`, or finds the lane
    `closed`, which the lock then opens.
    """

    statement: str
    lock: str
    when: str | None = None
    faults: tuple[Fault, ...] = ()
    first: str | None = None
    closed: bool = False

    async def reach(self, stage: Stage, order: Order, held: contextlib.ExitStack) -> None:
        """Order, and return when a worker waits there, until `held` is closed."""
        stage.sandbox.misbehave(*self.faults)
        if self.closed:
            stage.query("UPDATE spotloom.lane SET slot_limit = 0 RETURNING id")
        with contextlib.ExitStack() as before:
            if self.first is not None:
                before.enter_context(_locked(stage, self.first))
            if self.when is None:
                held.enter_context(_locked(stage, self.lock))
            await order()
            if self.when is not None:
                found = f"SELECT count(*) FROM spotloom.generation WHERE {self.when}"  # noqa: S608 - our own words
                await until(lambda: stage.count(found), SOON_S)
                held.enter_context(_locked(stage, self.lock))
        stage.sandbox.misbehave()
        await until(lambda: stage.count(_WAITING, self.statement), SOON_S)


@contextlib.contextmanager
def _locked(stage: Stage, lock: str) -> Iterator[None]:
    with psycopg.connect(plain_url(stage.url)) as connection:
        connection.execute(lock.encode())
        yield


_SENT = "status = 'submitting' AND sent_at IS NOT NULL"
_AT_PROVIDER = "status = 'generating'"
_FETCHED = "status = 'finishing'"
_VIDEOS = "SELECT FROM spotloom.generation WHERE status = '{}' FOR NO KEY UPDATE"
# A step's result is recorded under a lock of its workflow's row, which SHARE lets pass.
_WORKFLOWS = "LOCK TABLE dbos.workflow_status IN SHARE MODE"
_RESULTS = "LOCK TABLE dbos.operation_outputs IN EXCLUSIVE MODE"
_OUR_ROW = "%UPDATE spotloom.generation%"
_SLOW_ORDER: Fault = {"where": "create", "fault": "slow", "seconds": 2}
_SLOW_FILE: Fault = {"where": "content", "fault": "slow", "seconds": 2}
_NOT_DONE: Fault = {"where": "poll", "fault": "word", "word": "pondering"}
_FIRST = {"calls": {"first": 1}}
_ACCEPTED = {"where": "create", "accepted": True}

BOUNDARIES: dict[str, AtProvider | InDatabase] = {
    "before it is admitted": InDatabase(
        statement="%ORDER BY l.id FOR UPDATE%",
        lock="UPDATE spotloom.lane SET slot_limit = 4",
        when="status = 'queued'",
        closed=True,
    ),
    "admitted, before its workflow": InDatabase(
        statement="%INSERT INTO%workflow_status%", lock=_WORKFLOWS
    ),
    "begun, before the intent": InDatabase(
        statement=_OUR_ROW,
        first=_WORKFLOWS,
        lock=_VIDEOS.format("submitting"),
        when="status = 'submitting'",
    ),
    "the order on its way": AtProvider(
        "create", ({"where": "create", "fault": "slow", "seconds": 3} | _FIRST,)
    ),
    "accepted, before the answer": AtProvider(
        "accepted", (_ACCEPTED | {"fault": "slow", "seconds": 30} | _FIRST,)
    ),
    "the answer lost, being looked up": AtProvider(
        "list",
        (
            _ACCEPTED | {"fault": "drop"} | _FIRST,
            {"where": "list", "fault": "slow", "seconds": 30} | _FIRST,
        ),
    ),
    "answered, before it is written down": InDatabase(
        statement=_OUR_ROW, lock=_VIDEOS.format("submitting"), when=_SENT, faults=(_SLOW_ORDER,)
    ),
    "being asked about": AtProvider(
        "poll", ({"where": "poll", "fault": "slow", "seconds": 30} | _FIRST,)
    ),
    "done, before it is written down": InDatabase(
        statement=_OUR_ROW,
        lock=_VIDEOS.format("generating"),
        when=_AT_PROVIDER,
        faults=(_NOT_DONE,),
    ),
    "done, before the step's result": InDatabase(
        statement="%INSERT INTO%operation_outputs%",
        lock=_RESULTS,
        when=_AT_PROVIDER,
        faults=(_NOT_DONE,),
    ),
    "done, before its file is queued": InDatabase(
        statement="%INSERT INTO%workflow_status%",
        lock=_WORKFLOWS,
        when=_AT_PROVIDER,
        faults=(_NOT_DONE,),
    ),
    "its file on the way": AtProvider(
        "content", ({"where": "content", "fault": "slow", "seconds": 30} | _FIRST,)
    ),
    "its file kept, before it is written down": InDatabase(
        statement=_OUR_ROW, lock=_VIDEOS.format("finishing"), when=_FETCHED, faults=(_SLOW_FILE,)
    ),
    "completed, before its workflow ends": InDatabase(
        statement="%UPDATE%workflow_status%", lock=_WORKFLOWS, when=_FETCHED, faults=(_SLOW_FILE,)
    ),
}


async def at_boundary(stage: Stage, name: str, *, videos: int, do: Callable[[], None]) -> None:
    """Order so many videos, and do something when a worker has come to that boundary."""
    with contextlib.ExitStack() as held:
        await BOUNDARIES[name].reach(stage, lambda: stage.submit(stage.order(videos)), held)
        do()

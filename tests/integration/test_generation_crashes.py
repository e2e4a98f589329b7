"""Whatever is killed, stopped or cut off: nothing is lost, and nothing is paid twice."""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.integration import generating
from tests.integration.generating import Stage, until
from tests.integration.generating_checks import assert_sound
from tests.integration.generating_server import restart

from spotloom import embedded
from spotloom.campaigns.database import plain_url
from spotloom.generation import engine
from spotloom.generation.liveness import Liveness, executor_id
from spotloom.generation.tools import tools

pytestmark = pytest.mark.faults

TAKEN_OVER_WITHIN_S = 10.0


@pytest.fixture(scope="module")
def scenery(database_url: str) -> Iterator[generating.Scenery]:
    with generating.scenery(database_url) as shared:
        yield shared


@pytest.fixture
def stage(scenery: generating.Scenery, tmp_path: Path) -> Iterator[Stage]:
    with scenery.stage(tmp_path) as one:
        yield one


def at_work(stage: Stage) -> int:
    return stage.statuses()["generating"]


async def test_a_worker_killed_while_calls_are_open_loses_and_doubles_nothing(
    stage: Stage,
) -> None:
    stage.limit = 6
    stage.sandbox.misbehave(
        {"where": "create", "fault": "slow", "seconds": 3, "calls": {"only": [1]}},
        {
            "where": "create",
            "fault": "slow",
            "seconds": 30,
            "accepted": True,
            "calls": {"only": [1]},
        },
        {"where": "create", "fault": "drop", "accepted": True, "calls": {"only": [2]}},
        {"where": "list", "fault": "slow", "seconds": 30, "calls": {"only": [1]}},
        {
            "where": "poll",
            "fault": "slow",
            "seconds": 30,
            "jobs": {"only": [3]},
            "calls": {"only": [1]},
        },
        {
            "where": "content",
            "fault": "slow",
            "seconds": 30,
            "jobs": {"only": [4]},
            "calls": {"only": [1]},
        },
    )
    await stage.submit(stage.order(9))
    victim = stage.spawn().wait_ready()
    places = ("create", "accepted", "list", "poll", "content")
    await until(lambda: all(stage.sandbox.struck(place) for place in places), 20)
    victim.kill()
    stage.spawn().wait_ready()
    await stage.finished(45)
    found = await assert_sound(stage)
    assert stage.statuses() == {"completed": 9}
    assert found.accepted == 9


async def test_a_worker_killed_between_an_effect_and_its_record_repeats_nothing(
    stage: Stage,
) -> None:
    stage.sandbox.misbehave(
        {"where": "create", "fault": "slow", "seconds": 1, "calls": {"first": 3}},
        {"where": "content", "fault": "slow", "seconds": 1},
    )
    await stage.submit(stage.order(3))
    victim = stage.spawn().wait_ready()
    # Each is held where the provider has acted and our table does not say so yet: accepted,
    # done, and kept.
    with contextlib.ExitStack() as held:
        for status, sent in (("submitting", True), ("generating", True), ("finishing", True)):
            row = await until(lambda: _one_in(stage, status, sent=sent), 20)  # noqa: B023 - at once
            held.enter_context(_row_locked(stage, row["id"]))
        await until(lambda: stage.count(_WAITING) == 3, 20)
        victim.kill()
    stage.spawn().wait_ready()
    await stage.finished(45)
    found = await assert_sound(stage)
    assert stage.statuses() == {"completed": 3}
    assert found.accepted == 3


def _one_in(stage: Stage, status: str, *, sent: bool) -> dict[str, Any] | None:
    rows = stage.query(
        "SELECT id FROM spotloom.generation WHERE status = %s AND (sent_at IS NOT NULL) = %s"
        " ORDER BY position LIMIT 1 FOR UPDATE SKIP LOCKED",
        status,
        sent,
    )
    return rows[0] if rows else None


@contextlib.contextmanager
def _row_locked(stage: Stage, generation_id: object) -> Iterator[None]:
    with psycopg.connect(plain_url(stage.url)) as connection:
        connection.execute(
            "SELECT 1 FROM spotloom.generation WHERE id = %s FOR NO KEY UPDATE", (generation_id,)
        )
        yield


_WAITING = """SELECT count(*) FROM pg_stat_activity
 WHERE wait_event_type = 'Lock' AND datname = current_database()"""


async def test_workers_killed_at_random_lose_and_double_nothing(stage: Stage) -> None:
    await stage.submit(stage.order(24))
    workers = [stage.spawn().wait_ready() for _ in range(2)]
    for turn in range(4):
        await asyncio.sleep(random.uniform(0.3, 1.5))
        workers[turn % 2].kill()
        workers[turn % 2] = stage.spawn()
    await stage.finished(60)
    found = await assert_sound(stage)
    assert stage.statuses() == {"completed": 24}
    assert found.accepted == 24


async def test_work_on_a_lane_that_a_worker_has_not_heard_of_ends_by_no_fault(
    stage: Stage,
) -> None:
    asked = {"where": "poll", "fault": "word", "word": "pondering"}
    stage.sandbox.misbehave(asked)
    await stage.submit(stage.order(2))
    async with stage.working():
        await until(lambda: at_work(stage) == 2, 20)
        tools().lanes.clear()  # as in a worker that starts with the work of a dead one
        stage.sandbox.misbehave()
        await stage.finished(20)
    found = await assert_sound(stage)
    assert found.accepted == 2


@pytest.mark.timed
async def test_the_work_of_a_dead_worker_is_taken_over_within_ten_seconds(stage: Stage) -> None:
    stage.sandbox.misbehave({"where": "poll", "fault": "stuck"})  # all are waiting when it dies
    await stage.submit(stage.order(4))
    victim = stage.spawn().wait_ready()
    await until(lambda: at_work(stage) == 4, 20)
    survivor = stage.spawn().wait_ready()
    victim.kill()
    died_at = time.monotonic()
    stage.sandbox.misbehave()
    await until(lambda: not stage.count(_CARRIED_BY, f"%:{victim.pid}:%"), 30)
    assert time.monotonic() - died_at < TAKEN_OVER_WITHIN_S
    await stage.finished(15)
    found = await assert_sound(stage)
    assert found.accepted == 4
    assert survivor.process.poll() is None


_STANDS = """INSERT INTO dbos.workflow_status (workflow_uuid, status, executor_id, priority)
 VALUES (%s, 'PENDING', %s, 0) RETURNING 1"""
_HANDED_ON = "UPDATE dbos.workflow_status SET executor_id = %s WHERE executor_id = %s RETURNING 1"


async def test_a_long_rescue_does_not_end_the_rescuers_own_proof_of_life(stage: Stage) -> None:
    dead, failed = executor_id(), 0
    living: list[Liveness] = []

    async def recover(executor: str) -> None:
        nonlocal failed
        if not failed:
            failed += 1
            raise OSError
        await asyncio.sleep(8)
        stage.query(_HANDED_ON, living[0].executor, executor)

    living += [Liveness(stage.url, executor=executor_id(), recover=recover) for _ in range(3)]
    for executor in [dead, *(one.executor for one in living)]:
        stage.query(_STANDS, executor, executor)
    taken = lambda: {r["executor"] for r in stage.query("SELECT executor FROM spotloom.taken_over")}  # noqa: E731 - a condition
    left = "SELECT count(*) FROM dbos.workflow_status WHERE executor_id = %s"
    for one in living:
        await one.start()
    beats = [asyncio.create_task(one.run()) for one in living]
    try:
        await until(lambda: len(taken()) > 1 or not stage.count(left, dead), 30)
        assert taken() == {dead}
        assert not any(beat.done() for beat in beats)
    finally:
        await engine.end(beats)
        for one in living:
            await one.leave()


_LISTENING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'spotloom listener' AND state = 'idle' AND query LIKE 'SELECT id%%'"
)
_CARRIED_BY = """SELECT count(*) FROM dbos.workflow_status
 WHERE status = 'PENDING' AND executor_id LIKE %s"""


async def test_a_worker_stopped_longer_than_the_grace_does_nothing_more(stage: Stage) -> None:
    stage.sandbox.misbehave(
        # One is being ordered when it stops, the others wait.
        {
            "where": "create",
            "fault": "slow",
            "seconds": 1,
            "accepted": True,
            "calls": {"only": [4]},
        },
        {"where": "poll", "fault": "stuck", "calls": {"first": 20}},
    )
    await stage.submit(stage.order(8))
    stopped = stage.spawn().wait_ready()
    await until(lambda: stage.sandbox.struck("accepted"), 20)
    stopped.send(signal.SIGSTOP)
    stage.spawn().wait_ready()
    await until(lambda: not stage.count(_CARRIED_BY, f"%:{stopped.pid}:%"), 15)
    stage.sandbox.misbehave()
    stopped.send(signal.SIGCONT)
    assert await stopped.ended(10) == 70  # it saw that others have its work
    await stage.finished(30)
    found = await assert_sound(stage)
    assert found.accepted == 8
    assert stage.statuses() == {"completed": 8}


async def test_a_worker_stopped_in_a_transaction_holds_nobody_up(stage: Stage) -> None:
    await stage.submit(stage.order(6))
    with psycopg.connect(plain_url(stage.url)) as ahead:
        ahead.execute("SELECT 1 FROM spotloom.lane FOR UPDATE")
        stopped = stage.spawn().wait_ready()
        await until(lambda: stage.count(_WAITING), 20)
        stopped.send(signal.SIGSTOP)  # next in line for the lane: it gets it, and sits on it
    stage.spawn().wait_ready()
    await stage.finished(20)
    stopped.send(signal.SIGCONT)
    found = await assert_sound(stage)
    assert found.accepted == 6


@pytest.mark.timed
async def test_a_worker_asked_to_stop_hands_its_work_over_at_once(stage: Stage) -> None:
    stage.sandbox.misbehave({"where": "poll", "fault": "stuck"})
    await stage.submit(stage.order(4))
    leaving = stage.spawn().wait_ready()
    await until(lambda: at_work(stage) == 4, 20)
    stage.spawn().wait_ready()
    await until(lambda: stage.count(_LISTENING) == 2, 10)  # or it does not hear who leaves
    leaving.send(signal.SIGTERM)
    asked_at = time.monotonic()
    assert await leaving.ended(10) == 0
    await until(lambda: not stage.count(_CARRIED_BY, f"%:{leaving.pid}:%"), 10)
    assert time.monotonic() - asked_at < 4, "it was waited for as if it had died"
    stage.sandbox.misbehave()
    await stage.finished(15)
    found = await assert_sound(stage)
    assert found.accepted == 4


async def test_postgresql_restarted_under_load_loses_and_doubles_nothing(
    home: Path, tmp_path: Path
) -> None:
    server = embedded.start(home)
    try:
        with (
            generating.scenery(server.url, instant_s=0.25) as shared,
            shared.stage(tmp_path) as stage,
        ):
            await stage.submit(stage.order(24))
            for _ in range(2):
                stage.spawn().wait_ready()
            for number in (signal.SIGQUIT, signal.SIGKILL):
                done = stage.statuses()["completed"]
                await until(lambda: stage.statuses()["completed"] > done + 1, 20)  # noqa: B023 - at once
                restart(home, stage.url, number)
            await stage.finished(60)
            found = await assert_sound(stage)
            assert stage.statuses() == {"completed": 24}
            assert found.accepted == 24
    finally:
        server.stop()

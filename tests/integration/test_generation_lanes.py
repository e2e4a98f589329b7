"""The lanes: never above the limit, first come first served, priority, and a turn for everyone."""

import asyncio
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration import generating
from tests.integration.generating import Planned, Stage, Worker, until
from tests.integration.generating_checks import assert_sound


@pytest.fixture(scope="module")
def scenery(database_url: str) -> Iterator[generating.Scenery]:
    with generating.scenery(database_url, instant_s=1.0) as shared:
        yield shared


@pytest.fixture
def stage(scenery: generating.Scenery, tmp_path: Path) -> Iterator[Stage]:
    with scenery.stage(tmp_path) as one:
        yield one


def sold_of(stage: Stage, planned: Planned) -> list[int]:
    """At which places in the provider's ledger the videos of a plan stand."""
    return [sold.n for sold in stage.sandbox.sold() if sold.prompt in set(planned.prompts)]


async def test_never_more_than_the_limit_are_at_the_provider(stage: Stage) -> None:
    await stage.submit(stage.order(24))
    async with stage.working():
        await stage.finished(30)
    found = await assert_sound(stage)
    assert found.peak == stage.limit  # neither above it, nor idle below it
    assert found.accepted == 24


@pytest.mark.faults
async def test_two_workers_share_one_limit(stage: Stage) -> None:
    first, second = stage.spawn(), stage.spawn()
    first.wait_ready()
    second.wait_ready()
    await stage.submit(stage.order(20))
    await stage.finished(40)
    found = await assert_sound(stage)
    assert found.peak == stage.limit
    assert found.accepted == 20
    carried = stage.query("SELECT DISTINCT executor_id FROM dbos.workflow_status")
    assert len(carried) == 2  # both took part


async def test_a_worker_that_comes_later_gets_its_share(stage: Stage) -> None:
    first = stage.spawn().wait_ready()
    await stage.submit(stage.order(48))
    await until(lambda: stage.statuses()["completed"] >= 4, 30)  # it hands on, being alone
    second = stage.spawn().wait_ready()
    await until(lambda: _carries(stage, first) == _carries(stage, second) == 2, 30)
    await stage.finished(60)
    await assert_sound(stage)


def _carries(stage: Stage, worker: Worker) -> int:
    """How many videos that worker sees through their time at the provider."""
    return stage.count(
        "SELECT count(*) FROM dbos.workflow_status"
        " WHERE name = 'generate' AND status = 'PENDING' AND executor_id LIKE %s",
        f"%:{worker.pid}:%",
    )


async def test_first_come_is_first_served(stage: Stage) -> None:
    stage.limit = 1
    early, late = stage.order(4), stage.order(4, priority="low")
    await stage.submit(early)
    await stage.submit(late)
    async with stage.working():
        await stage.finished(30)
    await assert_sound(stage)
    assert [sold.prompt for sold in stage.sandbox.sold()] == [*early.prompts, *late.prompts]


async def test_a_higher_priority_goes_first_whenever_it_came(stage: Stage) -> None:
    stage.limit = 1
    low, normal, high = (stage.order(3, priority=word) for word in ("low", "normal", "high"))
    for planned in (low, normal, high):
        await stage.submit(planned)
    async with stage.working():
        await stage.finished(30)
    await assert_sound(stage)
    expected = [*high.prompts, *normal.prompts, *low.prompts]
    assert [sold.prompt for sold in stage.sandbox.sold()] == expected


@pytest.mark.faults
async def test_a_small_campaign_behind_a_large_one_starts_within_one_turn_of_the_slots(
    stage: Stage,
) -> None:
    large, small = stage.order(26), stage.order(4)
    await stage.submit(large)
    async with stage.working():
        await until(lambda: len(stage.sandbox.sold()) >= 6, 20)
        await stage.submit(small)
        before = len(stage.sandbox.sold())
        await stage.finished(40)
    await assert_sound(stage)
    places = sold_of(stage, small)
    # What had a slot when it came may still be sent; then the turn is its own.
    assert places[0] <= before + stage.limit + 1
    # From then on the slots are halved: it is through long before the large one.
    assert places[-1] <= before + 4 * len(places)


@pytest.mark.faults
async def test_workspaces_that_share_an_account_share_its_limit_evenly(stage: Stage) -> None:
    large, small = stage.order(30), stage.order(8)
    await stage.submit(large, workspace_id=stage.workspace())
    first, second = stage.spawn(), stage.spawn()
    first.wait_ready()
    second.wait_ready()
    await until(lambda: len(stage.sandbox.sold()) >= 6, 20)
    await stage.submit(small, workspace_id=stage.workspace())
    before = len(stage.sandbox.sold())
    await stage.finished(60)
    found = await assert_sound(stage)
    assert found.peak == stage.limit  # of the account, whoever's the videos are
    places = sold_of(stage, small)
    assert places[0] <= before + stage.limit + 1
    assert places[-1] <= before + stage.limit + 3 * len(places)  # half of the slots are its own


async def test_more_workspaces_than_slots_take_turns(stage: Stage) -> None:
    stage.limit = 2
    orders = [stage.order(4) for _ in range(5)]
    for planned in orders:
        await stage.submit(planned, workspace_id=stage.workspace())
    async with stage.working():
        await stage.finished(60)
    found = await assert_sound(stage)
    assert (found.peak, found.accepted) == (stage.limit, 20)
    for turn in range(4):  # nobody is served for the next time before everybody was for this
        places = [sold_of(stage, planned)[turn] for planned in orders]
        assert max(places) <= len(orders) * (turn + 1) + stage.limit, (turn, places)


async def test_a_workspace_that_waits_for_nothing_leaves_the_whole_limit(stage: Stage) -> None:
    idle = stage.workspace()
    await stage.submit(stage.order(1), workspace_id=idle)
    async with stage.working():
        await stage.finished(20)
        stage.query("UPDATE spotloom.campaign SET state = 'paused' RETURNING id")
        await stage.submit(stage.order(2), workspace_id=idle, key="paused")
        stage.query(
            "UPDATE spotloom.campaign SET state = 'paused' WHERE batch_key = 'paused' RETURNING id"
        )
        busy = await stage.submit(stage.order(12), workspace_id=stage.workspace())
        await until(lambda: stage.statuses(busy)["completed"] == 12, 30)
    assert stage.sandbox.peak == stage.limit


@pytest.mark.timed
async def test_a_slot_is_filled_again_as_soon_as_it_comes_free(stage: Stage) -> None:
    stage.limit = 1
    tries: list[list[float]] = []
    async with stage.working():
        while len(tries) < 3 and not (tries and statistics.median(tries[-1]) < 0.25):
            batch = await stage.submit(stage.order(8))
            await stage.finished(30)
            gaps = stage.query(
                "SELECT extract(epoch FROM accepted_at"
                " - lag(ready_at) OVER (ORDER BY accepted_at)) AS s"
                " FROM spotloom.generation WHERE campaign_id = %s",
                batch.campaign_id,
            )
            tries.append([float(row["s"]) for row in gaps if row["s"] is not None])
    await assert_sound(stage)
    # Not the tick of 2 s: the news itself.
    assert min(statistics.median(waited) for waited in tries) < 0.25, tries


@pytest.mark.faults
async def test_a_lower_limit_lets_what_runs_finish_and_starts_no_more(stage: Stage) -> None:
    await stage.submit(stage.order(14))
    async with stage.working():
        await until(lambda: len(stage.sandbox.sold()) >= 4, 20)
        for limit in (0, 1, 4):
            with_limit = stage.query(
                "UPDATE spotloom.lane SET slot_limit = %s RETURNING id::text", limit
            )
            stage.query("SELECT pg_notify('spotloom_lanes', %s)", with_limit[0]["id"])
            await asyncio.sleep(0.05)  # whatever was being admitted is admitted
            held = "SELECT count(*) FROM spotloom.lane_slot"
            await until(lambda: stage.count(held) <= limit, 10)  # noqa: B023 - used at once
        await stage.finished(30)
    found = await assert_sound(stage)
    assert found.accepted == 14

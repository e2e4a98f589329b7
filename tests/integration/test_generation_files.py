"""Whatever becomes of one file at the provider, the others are fetched in time."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration import generating
from tests.integration.controlling import act
from tests.integration.generating import Stage, Worker, until
from tests.integration.generating_checks import assert_balanced, assert_sound

from spotloom.generation import collect, control
from spotloom.generation.tools import tools

REFUSED: dict[str, Any] = {"where": "content", "fault": "status", "status": 500}
ASKED: dict[str, Any] = {"where": "poll", "fault": "word", "word": "pondering"}
_STANDING = "SELECT count(*) FROM dbos.workflow_status WHERE name = 'finish' AND status = %s"


@pytest.fixture(scope="module")
def scenery(database_url: str) -> Iterator[generating.Scenery]:
    with generating.scenery(database_url) as shared:
        yield shared


@pytest.fixture
def stage(scenery: generating.Scenery, tmp_path: Path) -> Iterator[Stage]:
    with scenery.stage(tmp_path, limit=10) as one:
        yield one


def fetching(stage: Stage, places: int) -> Worker:
    """A worker that fetches so many files at once."""
    return Worker(stage, "-m", "spotloom", "worker", "--slots", str(places))


def jobs(*numbers: int) -> dict[str, Any]:
    return {"jobs": {"only": list(numbers)}}


async def test_a_folder_that_another_worker_clears_costs_one_more_try(stage: Stage) -> None:
    slow = {"where": "content", "fault": "slow", "seconds": 2, "calls": {"first": 1}}
    stage.sandbox.misbehave(slow)
    await stage.submit(stage.order(1))
    async with stage.working():
        (video,) = stage.videos()
        folder = tools().scratch / str(video["id"])
        await until(folder.is_dir, 20)
        await until(lambda: stage.sandbox.struck("content"), 20)
        shutil.rmtree(folder)
        await stage.finished(40)
    await assert_sound(stage)
    assert stage.statuses() == {"completed": 1}
    (video,) = stage.videos()
    assert (video["admissions"], video["error_text"]) == (1, None)


async def test_what_another_worker_has_finished_meanwhile_is_let_be(stage: Stage) -> None:
    slow = {"where": "content", "fault": "slow", "seconds": 2, "calls": {"first": 1}}
    stage.sandbox.misbehave(slow)
    await stage.submit(stage.order(1))
    async with stage.working():
        await until(lambda: stage.sandbox.struck("content"), 20)
        tools().scratch = stage.folder / "another machine"
        (video,) = stage.videos()
        assert await collect.collect(video["id"], admission=1, tries=0) is None
        assert stage.statuses() == {"completed": 1}
        await stage.finished(40)
    await assert_sound(stage)
    assert stage.statuses() == {"completed": 1}


async def test_files_that_cannot_be_had_keep_no_other_waiting_and_are_not_lost(
    stage: Stage,
) -> None:
    sick, well = jobs(*range(1, 10)), jobs(10)
    stage.sandbox.misbehave(REFUSED | sick, ASKED | well)
    await stage.submit(stage.order(10))
    worker = fetching(stage, 2)
    await until(lambda: stage.statuses() == {"finishing": 9, "generating": 1}, 90)
    await until(lambda: stage.count(_STANDING, "DELAYED") >= 3, 20)
    stage.sandbox.misbehave(REFUSED | sick)
    await until(lambda: stage.statuses()["completed"] == 1, 25)
    worker.kill()
    stage.sandbox.misbehave()
    fetching(stage, 2)
    await stage.finished(60)
    await assert_sound(stage)
    assert stage.statuses() == {"completed": 10}
    assert {video["admissions"] for video in stage.videos()} == {1}, "adopted while it waited"


async def test_a_file_that_the_provider_drops_soon_is_fetched_before_the_others(
    stage: Stage,
) -> None:
    dropped_soon = {"where": "job", "fault": "expire", "seconds": 600} | jobs(4)
    held_up = {"where": "content", "fault": "slow", "seconds": 6} | jobs(1)
    stage.sandbox.misbehave(dropped_soon, held_up, ASKED | jobs(2, 3, 4))
    await stage.submit(stage.order(4))
    async with stage.working(finishes=1):
        await until(lambda: stage.sandbox.struck("content"), 20)
        stage.sandbox.misbehave(dropped_soon, held_up, ASKED | jobs(4))
        await until(lambda: stage.count(_STANDING, "ENQUEUED") == 2, 5)
        stage.sandbox.misbehave(dropped_soon, held_up)
        await until(lambda: stage.count(_STANDING, "ENQUEUED") == 3, 5)
        await stage.finished(30)
    await assert_sound(stage)
    sold = {one.id: one.n for one in stage.sandbox.sold()}
    kept = sorted(stage.videos(), key=lambda video: video["over_at"])
    assert [sold[video["provider_job_id"]] for video in kept][:2] == [1, 4]


async def test_a_file_that_was_too_large_is_fetched_again_and_not_bought_again(
    stage: Stage,
) -> None:
    async with stage.working():
        enough, tools().max_bytes = tools().max_bytes, 100
        batch = await stage.submit(stage.order(1))
        for _ in range(3):  # as often as somebody tries before raising the limit
            await until(lambda: stage.statuses()["failed"] == 1, 20)
            assert stage.videos()[0]["error_code"] == "too_large"
            await assert_balanced(stage)
            assert await act(stage, lambda s: control.retry(s, batch.campaign_id)) == 1
            assert await act(stage, lambda s: control.retry(s, batch.campaign_id)) == 0
        tools().max_bytes = enough
        await until(lambda: stage.statuses()["finishing"] == 0, 20)
        await act(stage, lambda s: control.retry(s, batch.campaign_id))
        await stage.finished(20)
    await assert_balanced(stage)
    (video,) = stage.videos()
    assert (video["status"], video["error_text"]) == ("completed", None)
    assert video["note"] == control.FETCHED_AGAIN
    assert len(stage.sandbox.sold()) == 1


async def test_a_file_that_never_comes_is_fetched_again_once_and_then_bought_again(
    stage: Stage,
) -> None:
    given_up = (
        "UPDATE spotloom.generation SET status = 'failed', error_code = 'no_file', over_at = now()"
        " WHERE status = 'finishing' RETURNING id"
    )
    stage.sandbox.misbehave({"where": "job", "fault": "no-content"} | jobs(1))
    batch = await stage.submit(stage.order(1))
    async with stage.working():
        for attempts in (1, 2):
            await until(lambda: stage.query(given_up), 20)
            assert await act(stage, lambda s: control.retry(s, batch.campaign_id)) == 1
            assert len(stage.videos()) == attempts
        await until(lambda: stage.statuses()["completed"] == 1, 20)
    assert len(stage.sandbox.sold()) == 2

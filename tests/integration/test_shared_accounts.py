"""Workspaces that order at one account: each job is one video's, whoever asks for it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration import generating
from tests.integration.controlling import act, hands, key_of
from tests.integration.generating import Stage, until
from tests.integration.generating_checks import assert_sound

from spotloom.errors import Conflict
from spotloom.generation import control, outcomes
from spotloom.generation.control import Decision


@pytest.fixture(scope="module")
def scenery(database_url: str) -> Iterator[generating.Scenery]:
    with generating.scenery(database_url) as shared:
        yield shared


@pytest.fixture
def stage(scenery: generating.Scenery, tmp_path: Path) -> Iterator[Stage]:
    with scenery.stage(tmp_path) as one:
        yield one


@pytest.mark.faults
async def test_the_same_words_from_two_workspaces_are_two_jobs(stage: Stage) -> None:
    # The order is cut before it arrives, and the list shows the other workspace's job for it.
    stage.sandbox.misbehave({"where": "create", "fault": "drop", "calls": {"only": [2]}})
    planned = stage.order(1)
    await stage.submit(planned, workspace_id=stage.workspace())
    async with stage.working():
        await stage.finished(20)
        await stage.submit(planned, workspace_id=stage.workspace())
        await stage.finished(40)
    jobs = stage.query("SELECT provider_job_id AS job, status FROM spotloom.generation")
    assert [row["status"] for row in jobs] == ["completed", "completed"]
    assert {row["job"] for row in jobs} == {sold.id for sold in stage.sandbox.sold()}
    assert len(stage.sandbox.sold()) == 2


async def test_nobody_takes_the_job_of_another_workspace(stage: Stage) -> None:
    theirs = await stage.submit(stage.order(1), workspace_id=stage.workspace())
    async with stage.working():
        await stage.finished(20)
        stage.sandbox.misbehave(
            {"where": "create", "fault": "drop", "accepted": True},
            {"where": "list", "fault": "status", "status": 405},
        )
        ours = await stage.submit(stage.order(1))
        await stage.finished(20)
    assert stage.statuses(ours) == {"unknown": 1}
    bought, doubt = (
        [v for v in stage.videos() if v["campaign_id"] == batch.campaign_id]
        for batch in (theirs, ours)
    )
    key, job = key_of(stage, doubt[0]["id"]), bought[0]["provider_job_id"]
    paid = Decision.PAID
    with pytest.raises(Conflict, match="another video's"):
        await act(
            stage, lambda s: control.resolve(s, ours.campaign_id, key=key, decision=paid, job=job)
        )
    assert stage.statuses(ours) == {"unknown": 1}
    await assert_sound(stage)


async def test_the_rate_of_starts_is_the_accounts(stage: Stage) -> None:
    for _ in range(2):
        await stage.submit(stage.order(4), workspace_id=stage.workspace())
    stage.query("UPDATE spotloom.lane SET starts_a_minute = 3 RETURNING 1")
    async with stage.working():
        await until(lambda: stage.statuses()["completed"] == 3, 20)
        started = "SELECT count(*) FROM spotloom.generation WHERE admitted_at IS NOT NULL"
        assert stage.count(started) == 3  # in the same minute: the eight were one at a time
        stage.query("UPDATE spotloom.lane SET starts_a_minute = NULL RETURNING 1")
        await stage.finished(30)
    await assert_sound(stage)
    assert len(stage.sandbox.sold()) == 8


async def test_a_slot_that_is_given_back_is_not_taken_from_a_video_that_is_found(
    stage: Stage,
) -> None:
    stage.poll_s = 30  # so long that the slot is held until we give it back
    stage.sandbox.misbehave(
        {"where": "create", "fault": "drop", "accepted": True},
        {"where": "list", "fault": "status", "status": 405},
    )
    await stage.submit(stage.order(1))
    slots = "SELECT count(*) FROM spotloom.lane_slot"
    async with hands(stage) as sessions, stage.working():
        await until(lambda: stage.statuses() == {"unknown": 1}, 20)
        (video,), (sold,) = stage.videos(), stage.sandbox.sold()
        async with sessions.begin() as session:
            await control.bought(session, video["id"], job=sold.id)
            giving = asyncio.create_task(outcomes.free_slot(video["id"]))
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            await until(lambda: stage.count(waiting), 10)
        await giving
        assert stage.count(slots) == 1

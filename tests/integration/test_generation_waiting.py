"""A provider that cannot or will not tell how a job stands delays its video, and says why."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.integration import generating
from tests.integration.controlling import Person, act
from tests.integration.generating import Stage, until
from tests.integration.generating_checks import assert_sound

from spotloom.campaigns import generations
from spotloom.campaigns.channels import CAMPAIGNS
from spotloom.generation import lanes, wait
from spotloom.generation.tools import News, tools

REVOKED: dict[str, Any] = {"where": "poll", "fault": "status", "status": 401}
OVERLOADED: dict[str, Any] = {"where": "poll", "fault": "status", "status": 503}


@pytest.fixture(scope="module")
def scenery(database_url: str) -> Iterator[generating.Scenery]:
    with generating.scenery(database_url) as shared:
        yield shared


@pytest.fixture
def stage(scenery: generating.Scenery, tmp_path: Path) -> Iterator[Stage]:
    with scenery.stage(tmp_path) as one:
        yield one


async def test_a_job_that_the_provider_forgets_for_a_while_is_not_lost(stage: Stage) -> None:
    stage.sandbox.misbehave({"where": "poll", "fault": "lost", "calls": {"first": 4}})
    await stage.submit(stage.order(2))
    async with stage.working():
        await stage.finished(20)
    await assert_sound(stage)
    assert stage.statuses() == {"completed": 2}


async def test_a_slot_is_held_for_twice_as_long_as_such_videos_take(stage: Stage) -> None:
    await stage.submit(stage.order(1))
    async with stage.working():
        await stage.finished(20)
        (video,) = stage.videos()
        assert await wait.hold_s(video["id"]) == pytest.approx(10 * stage.poll_s, rel=0.5)
        ((kind, took),) = tools().took.items()
        assert kind[0] == video["lane_id"]
        for seconds, held in ((90.0, 180.0), (9_000.0, 3_600.0)):
            took.append(seconds)
            assert await wait.hold_s(video["id"]) == held


async def test_a_key_that_is_refused_to_a_question_stops_the_lane(stage: Stage) -> None:
    stage.sandbox.misbehave(REVOKED)
    await stage.submit(stage.order(1))
    async with stage.working():
        await until(lambda: stage.sandbox.struck("poll") > 2, 20)
        (lane,) = stage.query("SELECT id, blocked, reason FROM spotloom.lane")
        assert lane["blocked"]
        assert "answered 401" in lane["reason"]
        await act(stage, lambda s: lanes.resume(s, lane["id"]))
        stage.sandbox.misbehave()
        await stage.finished(20)
    await assert_sound(stage)
    assert stage.query("SELECT blocked, reason FROM spotloom.lane") == [
        {"blocked": False, "reason": None}
    ]


@pytest.mark.parametrize("where", ["poll", "content"])
async def test_a_video_that_is_held_up_says_why_until_it_gets_on(stage: Stage, where: str) -> None:
    stage.poll_s = 0.05
    stage.sandbox.misbehave(OVERLOADED | {"where": where})
    batch = await stage.submit(stage.order(1))
    told = "SELECT error_text FROM spotloom.generation WHERE error_text LIKE %s"
    async with stage.working():
        await until(lambda: stage.query(told, "%in vain%answered 503%"), 20)
        if where == "poll":
            person = Person(stage)
            told_of = await asyncio.to_thread(person.reads, "status", str(batch.campaign_id))
            person.leaves()
            shown = told_of["heldUp"]
            assert list(shown) == ["generating"]
            assert "answered 503" in shown["generating"]
        stage.sandbox.misbehave({"where": "job", "fault": "hang"})
        if where == "poll":
            await until(lambda: not stage.query(told, "%"), 20)
        stage.sandbox.misbehave()
        await stage.finished(20)
    await assert_sound(stage)
    (video,) = stage.videos()
    assert (video["status"], video["error_text"], video["note"]) == ("completed", None, None)


async def test_progress_is_written_for_all_at_once_and_waits_for_nobody(stage: Stage) -> None:
    await stage.submit(stage.order(4))
    first, second, held, queued = (video["id"] for video in stage.videos())
    with psycopg.connect(stage.url) as hand, psycopg.connect(stage.url, autocommit=True) as ear:
        hand.execute(
            "UPDATE spotloom.generation SET status = 'generating', progress = 40 WHERE id <> %s",
            (queued,),
        )
        hand.commit()
        hand.execute("SELECT id FROM spotloom.generation WHERE id = %s FOR UPDATE", (held,))
        ear.execute(f"LISTEN {CAMPAIGNS}")
        async with asyncio.timeout(10):
            seen = {first: 55, second: 30, held: 55, queued: 55}
            await act(stage, lambda s: generations.rise(s, seen))
            await act(stage, lambda s: generations.rise(s, {first: 60, second: 60}))
            await act(stage, lambda s: generations.rise(s, {first: 50, second: 50}))
        told = list(ear.notifies(timeout=10, stop_after=2)) + list(ear.notifies(timeout=0))
    progress = {video["id"]: video["progress"] for video in stage.videos()}
    assert progress == {first: 60, second: 60, held: 40, queued: None}
    assert len(told) == 2, "a campaign is told once of all its videos, and of no change never"


async def test_a_wait_is_never_too_short_and_hardly_longer() -> None:
    loop = asyncio.get_running_loop()

    async def over_after(seconds: float) -> float:
        begun = loop.time()
        assert not await News().within(seconds)
        return (loop.time() - begun) / seconds

    lengths = [0.001, 0.05, 0.21, 1.0, 1.003]
    for ratio in await asyncio.gather(*map(over_after, lengths)):
        assert ratio >= 0.99
    assert await over_after(2.0) < 1.5


async def test_a_video_that_should_soon_be_done_is_asked_about_twice_as_often(
    stage: Stage,
) -> None:
    stage.poll_s = 0.4
    second = {"jobs": {"only": [2]}}
    silent = {"where": "poll", "fault": "stuck", "value": 0} | second
    stage.sandbox.misbehave({"where": "job", "fault": "hang"} | second, silent)
    async with stage.working():
        await stage.submit(stage.order(1))
        await until(lambda: stage.statuses()["completed"] == 1, 20)
        await stage.submit(stage.order(1))
        await until(lambda: stage.sandbox.struck("poll") >= 3, 20)
        before = stage.sandbox.struck("poll")
        await asyncio.sleep(4)
        asked = stage.sandbox.struck("poll") - before
    assert asked > 13, "ten times in four seconds is once in an interval"

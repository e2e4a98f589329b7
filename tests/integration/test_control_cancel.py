"""A cancel takes hold wherever the video is, costs nothing where it can, and keeps what arrives."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.integration import generating
from tests.integration.controlling import act, hands, key_of
from tests.integration.generating import Stage, until
from tests.integration.generating_checks import assert_sound
from tests.integration.generating_provider import PLENTY

from spotloom.campaigns import generations, ledger
from spotloom.campaigns.submit import Batch
from spotloom.creative.status import Status
from spotloom.errors import NotFound
from spotloom.generation import control, lanes
from spotloom.generation.control import CancelResult

MADE_IN_S = 3
HANGS: dict[str, Any] = {"where": "job", "fault": "hang"}


@pytest.fixture(scope="module")
def scenery(database_url: str) -> Iterator[generating.Scenery]:
    with generating.scenery(database_url, instant_s=MADE_IN_S) as shared:
        yield shared


@pytest.fixture
def stage(scenery: generating.Scenery, tmp_path: Path) -> Iterator[Stage]:
    with scenery.stage(tmp_path, dialect="vllm-omni") as one:  # which can stop a job
        yield one
        limit_of_provider(one, PLENTY)


def limit_of_provider(stage: Stage, limit: int) -> None:
    url = stage.sandbox.url.removesuffix("/v1") + "/sandbox/limit"
    httpx2.post(url, json={"limit": limit}, trust_env=False).raise_for_status()


async def cancel(stage: Stage, batch: Batch, *keys: str) -> CancelResult:
    return await act(stage, lambda s: control.cancel(s, batch.campaign_id, keys=keys or None))


async def committed(stage: Stage, batch: Batch) -> Decimal:
    return (await act(stage, lambda s: ledger.money(s, batch.campaign_id))).committed


async def reached(stage: Stage, *states: str, count: int = 1) -> None:
    await until(lambda: sum(stage.statuses()[s] for s in states) >= count, 15)


def blocked(stage: Stage) -> bool:
    """Whether somebody waits for a lock that another hand holds."""
    return bool(
        stage.count(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    )


@contextlib.asynccontextmanager
async def cancelling(stage: Stage, batch: Batch, *keys: str) -> AsyncIterator[None]:
    """A cancel that has begun, and that commits when the context ends."""
    async with hands(stage, pool=1) as sessions, sessions.begin() as session:
        await control.cancel(session, batch.campaign_id, keys=keys or None)
        yield


# What was not sent


async def test_what_waits_is_cancelled_at_once_for_nothing_however_often(stage: Stage) -> None:
    batch = await stage.submit(stage.order(4))
    keys = [key_of(stage, video["id"]) for video in stage.videos()[:2]]
    assert await cancel(stage, batch, *keys) == CancelResult(2, 0)
    assert await cancel(stage, batch, *keys) == CancelResult(0, 0)
    assert await committed(stage, batch) == 2 * Decimal(2)
    async with stage.working():
        await stage.finished(20)
    await assert_sound(stage)
    assert stage.statuses() == {"cancelled": 2, "completed": 2}
    assert await cancel(stage, batch) == CancelResult(0, 0)
    assert stage.statuses() == {"cancelled": 2, "completed": 2}
    assert len(stage.sandbox.sold()) == 2


async def test_a_video_that_the_campaign_does_not_have_is_named(stage: Stage) -> None:
    batch = await stage.submit(stage.order(1))
    key = key_of(stage, stage.videos()[0]["id"])
    with pytest.raises(NotFound, match="no video nonsense"):
        await cancel(stage, batch, key, "nonsense")
    assert stage.statuses() == {"queued": 1}


async def test_a_video_cancelled_while_it_is_being_admitted_is_not_bought(stage: Stage) -> None:
    batch = await stage.submit(stage.order(2))
    first, second = stage.videos()

    async def admit() -> list[lanes.Admitted]:
        return await act(stage, lambda s: lanes.admit(s, first["lane_id"]))

    async with cancelling(stage, batch, key_of(stage, first["id"])):
        admitting = asyncio.create_task(admit())
        await until(lambda: admitting.done() or blocked(stage), 10)
    admitted = await admitting
    assert [one.generation_id for one in admitted] == [second["id"]]
    assert [video["status"] for video in stage.videos()] == ["cancelled", "submitting"]
    assert stage.count("SELECT count(*) FROM spotloom.lane_slot") == 1
    assert await committed(stage, batch) == Decimal(2)


async def test_a_video_cancelled_while_the_order_is_refused_does_not_wait_for_ever(
    stage: Stage,
) -> None:
    # Less than an open transaction may be idle, as the cancel's is until the refusal comes.
    stage.sandbox.misbehave({"where": "create", "fault": "slow", "seconds": 2})
    batch = await stage.submit(stage.order(1))
    async with stage.working():
        await reached(stage, "submitting")
        limit_of_provider(stage, 0)  # the order will be answered with a 429
        async with cancelling(stage, batch):
            await until(lambda: blocked(stage), 20)
        await stage.finished(10)
    await assert_sound(stage)
    assert stage.statuses() == {"cancelled": 1}
    assert await committed(stage, batch) == 0
    assert stage.sandbox.sold() == []


async def test_a_video_on_its_way_back_to_the_queue_is_not_missed(stage: Stage) -> None:
    batch = await stage.submit(stage.order(1))
    (video,) = stage.videos()
    await act(stage, lambda s: lanes.admit(s, video["lane_id"]))
    async with hands(stage, pool=1) as sessions, sessions.begin() as session:
        await generations.move(
            session, video["id"], expect=(Status.SUBMITTING,), to=Status.QUEUED, sent_at=None
        )
        done = asyncio.create_task(cancel(stage, batch, key_of(stage, video["id"])))
        await until(lambda: done.done() or blocked(stage), 10)
    assert await done == CancelResult(1, 0)
    assert stage.statuses() == {"cancelled": 1}
    assert await committed(stage, batch) == 0


async def test_a_retry_that_has_just_begun_is_cancelled_with_its_campaign(stage: Stage) -> None:
    batch = await stage.submit(stage.order(2))
    await cancel(stage, batch, key_of(stage, stage.videos()[0]["id"]))
    async with hands(stage, pool=1) as sessions, sessions.begin() as session:
        assert await control.retry(session, batch.campaign_id) == 1
        done = asyncio.create_task(cancel(stage, batch))
        await until(lambda: done.done() or blocked(stage), 10)
    assert await done == CancelResult(2, 0)
    assert stage.statuses() == {"cancelled": 3}
    assert stage.query("SELECT state FROM spotloom.campaign") == [{"state": "cancelled"}]


# What is at the provider


async def test_a_running_video_is_stopped_at_once_where_the_provider_can(stage: Stage) -> None:
    stage.poll_s = 30  # the cancel does not wait for a poll
    stage.sandbox.misbehave(HANGS)
    batch = await stage.submit(stage.order(1))
    async with stage.working():
        await reached(stage, "generating")
        assert await cancel(stage, batch) == CancelResult(0, 1)
        assert await cancel(stage, batch) == CancelResult(0, 0)
        await stage.finished(5)
    await assert_sound(stage)
    (video,) = stage.videos()
    assert (video["status"], video["error_text"]) == (
        "cancelled",
        "The provider stopped it, as asked.",
    )
    assert await committed(stage, batch) == 0
    answer = httpx2.get(f"{stage.sandbox.url}/videos/{video['provider_job_id']}", trust_env=False)
    assert answer.status_code == 404


async def test_a_running_video_is_kept_where_the_provider_cannot_stop_it(stage: Stage) -> None:
    stage.sandbox.misbehave({"where": "delete", "fault": "status", "status": 405})
    batch = await stage.submit(stage.order(1))
    async with stage.working():
        await reached(stage, "generating")
        assert await cancel(stage, batch) == CancelResult(0, 1)
        await stage.finished(15)
    await assert_sound(stage)
    (video,) = stage.videos()
    assert video["status"] == "completed"
    assert video["note"] == "The provider cannot stop a video that it has begun, so it is kept."
    assert stage.count("SELECT count(*) FROM spotloom.asset") == 3
    assert await committed(stage, batch) == Decimal(2)


async def test_what_the_protocol_promises_is_not_taken_for_a_stop(stage: Stage) -> None:
    stage.dialect = "generic"
    batch = await stage.submit(stage.order(1))
    async with stage.working():
        await reached(stage, "generating")
        await cancel(stage, batch)
        await stage.finished(15)
    await assert_sound(stage)
    (video,) = stage.videos()
    assert video["status"] == "completed"
    assert video["note"] == "The provider cannot stop a video that it has begun, so it is kept."
    assert stage.sandbox.struck("delete") == 0


async def test_a_job_that_is_gone_after_it_was_to_stop_is_cancelled_and_possibly_charged(
    stage: Stage,
) -> None:
    stage.sandbox.misbehave(HANGS, {"where": "delete", "fault": "drop"})
    batch = await stage.submit(stage.order(1))
    async with stage.working():
        await reached(stage, "generating")
        await cancel(stage, batch)
        await until(lambda: stage.sandbox.struck("delete"), 10)
        stage.sandbox.misbehave(HANGS, {"where": "poll", "fault": "lost"})
        await stage.finished(15)
    await assert_sound(stage)
    (video,) = stage.videos()
    assert (video["status"], video["actual_cost"]) == ("cancelled", None)
    assert "Nobody said whether it was charged." in video["error_text"]
    money = await act(stage, lambda s: ledger.money(s, batch.campaign_id))
    assert (money.unknown, money.actual, money.reserved) == (Decimal(2), 0, 0)


async def test_a_cancel_that_comes_too_late_still_keeps_the_file(stage: Stage) -> None:
    stage.poll_s = 30
    working = {"where": "poll", "fault": "word", "word": "in_progress", "calls": {"first": 1}}
    stage.sandbox.misbehave(working)  # however late the first poll comes, it is not the end
    batch = await stage.submit(stage.order(1))
    async with stage.working():
        await reached(stage, "generating")
        await until(lambda: stage.sandbox.struck("poll") == 1, 10)  # ours below count as well
        job = (await until(lambda: stage.videos()[0]["provider_job_id"], 5)) or ""
        url = f"{stage.sandbox.url}/videos/{job}"
        done = lambda: httpx2.get(url, trust_env=False).json()["status"] == "completed"  # noqa: E731 - a condition
        await until(done, 10)
        assert await cancel(stage, batch) == CancelResult(0, 1)
        await stage.finished(10)
    await assert_sound(stage)
    (video,) = stage.videos()
    assert video["status"] == "completed"
    assert video["note"] == "Cancelled too late: the provider had made it, so it is kept."


async def test_a_provider_that_cannot_be_asked_is_asked_again(stage: Stage) -> None:
    stage.sandbox.misbehave(
        HANGS, {"where": "delete", "fault": "status", "status": 503, "calls": {"first": 2}}
    )
    batch = await stage.submit(stage.order(1))
    async with stage.working():
        await reached(stage, "generating")
        await cancel(stage, batch)
        await stage.finished(10)
    await assert_sound(stage)
    assert stage.statuses() == {"cancelled": 1}
    assert stage.sandbox.struck("delete") == 2


async def test_a_video_cancelled_while_its_order_is_on_the_way_is_stopped_there(
    stage: Stage,
) -> None:
    stage.sandbox.misbehave({"where": "create", "fault": "slow", "seconds": 4}, HANGS)
    batch = await stage.submit(stage.order(1))
    async with stage.working():
        await until(lambda: stage.videos()[0]["sent_at"] is not None, 10)
        assert await cancel(stage, batch) == CancelResult(0, 1)
        await stage.finished(20)
    await assert_sound(stage)
    assert stage.statuses() == {"cancelled": 1}
    assert await committed(stage, batch) == 0
    assert len(stage.sandbox.sold()) == 1


async def test_a_whole_campaign_is_cancelled_and_another_goes_on(stage: Stage) -> None:
    stage.limit = 2
    stage.sandbox.misbehave(HANGS | {"jobs": {"only": [1, 2]}})
    first = await stage.submit(stage.order(6))
    async with stage.working():
        await reached(stage, "generating", count=2)
        other = await stage.submit(stage.order(2))
        assert await cancel(stage, first) == CancelResult(4, 2)
        await stage.finished(20)
    await assert_sound(stage)
    assert stage.statuses(first) == {"cancelled": 6}
    assert stage.statuses(other) == {"completed": 2}
    assert await committed(stage, first) == 0
    assert len(stage.sandbox.sold()) == 4


async def test_a_failure_at_the_moment_of_a_cancel_is_not_tried_again(stage: Stage) -> None:
    stage.sandbox.misbehave(
        {"where": "job", "fault": "fail", "code": "server_error"},
        {"where": "poll", "fault": "stuck", "value": 0},  # so that only its end is news
    )
    batch = await stage.submit(stage.order(1))
    async with stage.working():
        await reached(stage, "generating")
        async with cancelling(stage, batch):
            await until(lambda: blocked(stage), 10)  # the failure, which would order again
        await stage.finished(10)
    await assert_sound(stage)
    assert stage.statuses() == {"failed": 1}
    assert stage.query("SELECT state FROM spotloom.campaign") == [{"state": "cancelled"}]

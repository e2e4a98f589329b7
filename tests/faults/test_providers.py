"""A provider that refuses by storms, goes away, accepts too late, or answers wrongly."""

import asyncio
import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.faults.crew import Crew
from tests.faults.tally import MINUTES, Run, notes
from tests.integration.generating import PATIENCE

Begin = Callable[[float], Run]


async def test_storms_of_429_with_and_without_retry_after(
    stage_of: Callable[[], Any], run: Begin
) -> None:
    under_way = run(0.06)
    refusal = {"where": "create", "fault": "status", "status": 429}
    with stage_of() as stage:
        stage.sandbox.misbehave(
            refusal | {"during": [2, 6]},
            refusal | {"retryAfter": 2, "during": [10, 14]},
            refusal | {"during": [18, 33]},
            {"where": "poll", "fault": "status", "status": 429, "calls": {"share": 0.3}},
        )
        await stage.submit(stage.order(80))
        crew = Crew(stage, 2)
        await crew.finish(240)
        under_way.struck("creates refused", stage.sandbox.struck("create"))
        await under_way.weigh(stage)
        assert stage.statuses() == {"completed": 80}
        assert {v["attempt"] for v in stage.videos()} == {1}
        assert stage.sandbox.struck("create") <= 60  # it is probed, not hammered


async def test_the_provider_is_down_for_a_while(stage_of: Callable[[], Any], run: Begin) -> None:
    under_way = run(0.06)
    with stage_of() as stage:
        await stage.submit(stage.order(40))
        crew = Crew(stage, 2)
        for down_s in (3.0, min(60.0, MINUTES * 3)):
            before = stage.statuses()["completed"]
            deadline = time.monotonic() + 120 * PATIENCE
            while stage.statuses()["completed"] < before + 6:
                assert time.monotonic() < deadline, stage.told()
                await asyncio.sleep(0.1)
            stage.sandbox.close()
            under_way.struck("providers killed")
            await asyncio.sleep(down_s)
            stage.sandbox.start()
        await crew.finish(240)
        await under_way.weigh(stage)
        assert stage.statuses() == {"completed": 40}
        assert {v["attempt"] for v in stage.videos()} == {1}


async def test_orders_that_are_accepted_long_after_we_stopped_waiting(
    stage_of: Callable[[], Any], run: Begin
) -> None:
    under_way = run(0)
    with stage_of() as stage:
        stage.sandbox.misbehave(
            {"where": "create", "fault": "slow", "seconds": 13, "calls": {"first": 2}}
        )
        await stage.submit(stage.order(6))
        crew = Crew(stage, 1, partial(stage.spawn, SPOTLOOM_REQUEST_TIMEOUT_SECONDS="11"))
        await crew.finish(120)
        await under_way.weigh(stage)
        assert stage.statuses() == {"completed": 6}


async def test_wrong_answers_of_every_kind_under_kills(
    stage_of: Callable[[], Any], run: Begin
) -> None:
    under_way = run(0.08)
    share = {"share": 0.08}
    with stage_of() as stage:
        stage.sandbox.misbehave(
            {"where": "create", "fault": "drop", "accepted": True, "calls": share},
            {"where": "create", "fault": "html", "accepted": True, "calls": share},
            {"where": "create", "fault": "status", "status": 500, "accepted": True, "calls": share},
            {"where": "list", "fault": "lag", "seconds": 2, "calls": share},
            {"where": "poll", "fault": "lost", "calls": {"every": 7}},
            {"where": "poll", "fault": "lost", "jobs": {"share": 0.03}},
            {"where": "poll", "fault": "status", "status": 503, "calls": share},
            {"where": "poll", "fault": "drop", "calls": share},
            {"where": "poll", "fault": "html", "calls": share},
            {"where": "poll", "fault": "word", "word": "pondering", "calls": share},
            {"where": "poll", "fault": "backwards", "jobs": {"share": 0.2}},
            {"where": "poll", "fault": "stuck", "jobs": {"share": 0.2}},
            {"where": "content", "fault": "truncate", "calls": {"first": 1}, "jobs": share},
            {"where": "content", "fault": "html", "calls": {"first": 1}, "jobs": share},
            {"where": "content", "fault": "redirect", "jobs": share},
            {"where": "content", "fault": "status", "status": 503, "calls": share},
            {"where": "job", "fault": "fail", "code": "server_error", "jobs": share},
            {"where": "job", "fault": "fail", "code": "moderation_blocked", "jobs": share},
            {"where": "job", "fault": "expire", "seconds": 0, "jobs": share},
            seed=random.randrange(1000),
        )
        crew = Crew(stage, 2)
        await crew.suffer(under_way, videos=80, every_s=(2, 4))
        await crew.finish(240)
        for place in ("create", "accepted", "list", "poll", "content"):
            under_way.struck(f"wrong answers to {place}", stage.sandbox.struck(place))
        await under_way.weigh(stage)
        assert set(stage.statuses()) <= {"completed", "failed", "expired", "lost"}
        assert {v["error_code"] for v in stage.videos() if v["status"] == "failed"} <= {
            "server_error",
            "moderation_blocked",
        }


async def test_orders_that_nobody_can_look_up_are_never_repeated(
    stage_of: Callable[[], Any], run: Begin
) -> None:
    under_way = run(0.04)
    with stage_of() as stage:
        stage.sandbox.misbehave(
            {"where": "list", "fault": "status", "status": 405},
            {"where": "create", "fault": "drop", "accepted": True, "calls": {"share": 0.1}},
            {"where": "create", "fault": "drop", "calls": {"share": 0.05}},
        )
        crew = Crew(stage, 2)
        await crew.suffer(under_way, videos=60, every_s=(1, 3))
        await crew.finish(240)
        await under_way.weigh(stage)
        assert set(stage.statuses()) == {"completed", "unknown"}
        assert {v["attempt"] for v in stage.videos()} == {1}
        # Whatever was accepted without our knowing its job is in doubt, and nothing else was.
        known = {v["provider_job_id"] for v in stage.videos()}
        in_doubt = [v["prompt"] for v in stage.videos() if v["status"] == "unknown"]
        assert {one.prompt for one in stage.sandbox.sold() if one.id not in known} <= set(in_doubt)
        notes.append(f"{len(in_doubt)} of {len(stage.videos())} ended in doubt")

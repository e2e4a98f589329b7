"""A provider that refuses by storms, goes away for a while, or takes too long to accept."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.faults.crew import Crew
from tests.faults.tally import MINUTES, Run

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
            deadline = time.monotonic() + 120
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

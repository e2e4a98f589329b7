"""Workers, submitters and databases killed many times over."""

import asyncio
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.crew import Crew
from tests.faults.tally import Run
from tests.integration import generating
from tests.integration.generating_kills import kill_many

Begin = Callable[[float], Run]


async def test_one_of_three_workers_killed_every_one_to_two_seconds(
    stage_of: Callable[[], Any], run: Begin
) -> None:
    under_way = run(0.25)
    with stage_of() as stage:
        crew = Crew(stage, 3)
        await crew.suffer(under_way, videos=200, every_s=(1, 2))
        await crew.finish(240)
        await under_way.weigh(stage)
        assert set(stage.statuses()) == {"completed"}


async def test_all_workers_killed_at_once(stage_of: Callable[[], Any], run: Begin) -> None:
    under_way = run(0.06)
    with stage_of() as stage:
        crew = Crew(stage, 2)
        while await crew.under_fire(under_way, videos=40):
            await asyncio.sleep(random.uniform(2.5, 8))
            crew.kill_all()
            under_way.struck("workers killed", len(crew.workers))
        await crew.finish(120)
        await under_way.weigh(stage)
        assert set(stage.statuses()) == {"completed"}


async def test_killed_while_the_provider_errs(stage_of: Callable[[], Any], run: Begin) -> None:
    under_way = run(0.14)
    with stage_of() as stage:
        stage.sandbox.misbehave(
            {"where": "create", "fault": "drop", "accepted": True, "calls": {"share": 0.1}},
            {"where": "create", "fault": "status", "status": 500, "calls": {"share": 0.05}},
            {"where": "create", "fault": "slow", "seconds": 0.7, "calls": {"share": 0.3}},
            {"where": "list", "fault": "status", "status": 503, "calls": {"share": 0.2}},
            {"where": "poll", "fault": "status", "status": 503, "calls": {"share": 0.2}},
            {"where": "poll", "fault": "drop", "calls": {"share": 0.1}},
            {"where": "content", "fault": "truncate", "calls": {"share": 0.2}},
            {"where": "content", "fault": "slow", "seconds": 0.5, "calls": {"share": 0.3}},
            seed=random.randrange(1000),
        )
        crew = Crew(stage, 3)
        await crew.suffer(under_way, videos=60, every_s=(1, 3))
        await crew.finish(240)
        await under_way.weigh(stage)
        assert set(stage.statuses()) == {"completed"}


async def test_workers_stopped_for_longer_than_the_grace(
    stage_of: Callable[[], Any], run: Begin
) -> None:
    under_way = run(0.1)
    with stage_of() as stage:
        crew = Crew(stage, 3)
        while await crew.under_fire(under_way, videos=80):
            await asyncio.sleep(random.uniform(1, 3))
            await crew.stop_one(random.uniform(0.5, 9))
            under_way.struck("workers stopped")
        await crew.finish(180)
        await under_way.weigh(stage)
        assert set(stage.statuses()) == {"completed"}


async def test_the_database_killed_and_restarted(
    mortal: tuple[str, Callable[[int, str], None]], tmp_path: Path, run: Begin
) -> None:
    under_way = run(0.1)
    url, crash = mortal
    with generating.scenery(url, instant_s=0.25) as shared, shared.stage(tmp_path) as stage:
        crew = Crew(stage, 2)
        for worker in crew.workers:
            worker.wait_ready()
        while await crew.under_fire(under_way, videos=80):
            await asyncio.sleep(random.uniform(2, 6))
            crash(random.choice([signal.SIGQUIT, signal.SIGKILL]), stage.url)
            under_way.struck("databases killed")
            crew.replace_ended()
        await crew.finish(180)
        await under_way.weigh(stage)
        assert set(stage.statuses()) == {"completed"}


def test_submits_killed_two_hundred_times(stage_of: Callable[[], Any], run: Begin) -> None:
    under_way = run(0)
    with stage_of() as stage:
        whole, nothing = kill_many(stage, 200, videos=660)
        under_way.struck("submits killed", 200)
        assert whole + nothing == 200
        assert whole, "every kill came too early to prove anything"
        assert nothing, "every kill came too late to prove anything"

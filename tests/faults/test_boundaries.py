"""A worker killed before and after each effect: between any two of them, again and again."""

import random
from collections.abc import Callable
from typing import Any

from tests.faults.boundaries import BOUNDARIES, at_boundary
from tests.faults.crew import Crew
from tests.faults.tally import Run, notes

Begin = Callable[[float], Run]


async def test_killed_at_every_boundary_of_a_video(stage_of: Callable[[], Any], run: Begin) -> None:
    under_way = run(0.1)
    with stage_of() as stage:
        crew = Crew(stage, 1)
        crew.workers[0].wait_ready()
        await stage.submit(stage.order(1))  # so that its lane is there
        await crew.finish(60)
        rounds = 0
        while not rounds or under_way.time_left:
            for name in random.sample(list(BOUNDARIES), len(BOUNDARIES)):
                await at_boundary(stage, name, videos=3, do=crew.kill_one)
                under_way.struck("workers killed")
                crew.workers[0].wait_ready()
                await crew.finish(90)
            rounds += 1
        await under_way.weigh(stage)
        assert set(stage.statuses()) == {"completed"}
        notes.append(f"every one of {len(BOUNDARIES)} boundaries {rounds} times")

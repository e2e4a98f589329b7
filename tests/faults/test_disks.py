"""Full disks: nothing new is bought, and it goes on by itself when there is room."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults.crew import Crew
from tests.faults.small_disk import small_disk
from tests.faults.tally import Run
from tests.integration.generating import Stage, until

Begin = Callable[[float], Run]
VIDEOS = 60
_TOLD = """
SELECT reason FROM spotloom.lane
 WHERE reason LIKE 'The disk of % is full: %' AND paused_until > clock_timestamp()
   AND NOT blocked"""


async def test_the_disk_of_the_store_and_that_of_the_worker_full_in_turn(
    stage_of: Callable[[], Any], run: Begin, tmp_path: Path
) -> None:
    under_way = run(0)
    with contextlib.ExitStack() as stack:
        stored = stack.enter_context(small_disk(tmp_path / "store", size="400k"))
        stage: Stage = stack.enter_context(stage_of())
        scratch = stack.enter_context(small_disk(stage.folder / "home" / "scratch", size="4m"))
        stack.callback(stage.close)  # before its disks go
        await stage.submit(stage.order(VIDEOS))
        crew = Crew(stage, 2, partial(stage.spawn, SPOTLOOM_STORE=str(stored.folder)))

        await _full(stage, under_way)  # of the videos themselves
        assert 0 < stage.statuses()["completed"] < VIDEOS
        crew.kill_one()
        under_way.struck("workers killed")
        stored.grow("400m")
        await until(lambda: stage.query(_TOLD) == [], 60, every_s=0.2)

        scratch.fill()
        await _full(stage, under_way)
        assert stage.statuses()["completed"] < VIDEOS
        scratch.empty()

        await crew.finish(120)
        await under_way.weigh(stage)
        assert stage.statuses() == {"completed": VIDEOS}
        assert {v["attempt"] for v in stage.videos()} == {1}


async def _full(stage: Stage, under_way: Run) -> None:
    """Wait until the lane says so; from then on nothing more is bought."""
    await until(lambda: stage.query(_TOLD), 60, every_s=0.1)
    under_way.struck("disks full")
    await until(lambda: not stage.count("SELECT count(*) FROM spotloom.lane_slot"), 30, every_s=0.1)
    bought = len(stage.sandbox.sold())
    await asyncio.sleep(3)
    assert len(stage.sandbox.sold()) == bought, "bought while there was no room for it"
    assert stage.query(_TOLD)

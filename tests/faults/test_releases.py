"""A rolling upgrade: workers of an earlier release and of this one side by side."""

import contextlib
import signal
from collections.abc import Callable
from pathlib import Path

from tests.faults import releases
from tests.faults.crew import Crew
from tests.faults.tally import Run
from tests.integration import databases
from tests.integration.generating import Stage, Worker, until
from tests.integration.generating_provider import Sandbox

Begin = Callable[[float], Run]
_CARRIED_BY = "SELECT count(*) FROM dbos.workflow_status WHERE executor_id LIKE %s AND status = %s"


async def test_a_rolling_upgrade_strands_nothing(
    database_url: str, tmp_path: Path, run: Begin
) -> None:
    under_way = run(0)
    old = releases.earlier(tmp_path / "old")
    with (
        contextlib.closing(Sandbox(tmp_path / "sandbox", instant_s=1.5)) as sandbox,
        databases.database(database_url) as url,
    ):
        stage = Stage(url=url, sandbox=sandbox, folder=tmp_path)
        try:
            old.furnish(stage)
            await _upgraded(stage, old, under_way)
            await under_way.weigh(stage)
            assert stage.statuses() == {"completed": 120}
        except BaseException:
            print(stage.told())  # noqa: T201 - pytest shows it beside the failure
            raise
        finally:
            stage.close()


async def _upgraded(stage: Stage, old: releases.Release, under_way: Run) -> None:
    old.submit(stage, 60)
    leaving = [old.spawn(stage).wait_ready() for _ in range(2)]
    await _some_more(stage)

    first = stage.spawn().wait_ready()  # changes the tables under the old ones
    await until(lambda: _carries(stage, first), 30)
    first.kill()
    under_way.struck("workers killed")
    await _some_more(stage)  # the old ones go on with everything, what it had begun included
    await stage.submit(stage.order(60))
    await until(lambda: not _carries(stage, first), 15)
    assert all(worker.process.poll() is None for worker in leaving)

    crew = Crew(stage, 1)
    crew.workers[0].wait_ready()
    await until(lambda: all(_carries(stage, worker) for worker in leaving), 30)
    leaving[0].kill()
    under_way.struck("workers killed")
    await _some_more(stage)
    await until(lambda: _carries(stage, leaving[1]), 30)
    leaving[1].send(signal.SIGTERM)
    under_way.struck("workers stopped in good order")
    assert await leaving[1].ended(15) == 0
    await crew.finish(120)
    assert stage.count(_CARRIED_BY, f"%:{crew.workers[0].pid}:%", "SUCCESS")


async def _some_more(stage: Stage) -> None:
    """Wait until a few more videos are completed."""
    before = stage.statuses()["completed"]
    await until(lambda: stage.statuses()["completed"] >= before + 6, 60, every_s=0.1)


def _carries(stage: Stage, worker: Worker) -> bool:
    """Whether work is under way in that worker's name."""
    return stage.count(_CARRIED_BY, f"%:{worker.pid}:%", "PENDING") > 0

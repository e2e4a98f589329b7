"""As many videos as fit the time: connections, threads and memory stay as they are."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.crew import Crew
from tests.faults.tally import MINUTES, Run
from tests.integration.generating import Stage

Begin = Callable[[float], Run]
ADOPTED_WITHIN_S = 20.0
_OWNERLESS = """
SELECT g.id::text, g.status, g.admissions, g.admitted_at, g.ready_at, clock_timestamp() AS now,
  (SELECT json_agg(w.workflow_uuid || ' ' || w.status || ' ' || coalesce(left(w.error, 300), ''))
     FROM dbos.workflow_status w WHERE strpos(w.workflow_uuid, g.id::text) > 0) AS workflows
  FROM spotloom.generation g
 WHERE g.status IN ('submitting', 'generating', 'finishing')
   AND g.admitted_at < clock_timestamp() - interval '30 seconds'
   AND NOT EXISTS (SELECT 1 FROM dbos.workflow_status w
     WHERE strpos(w.workflow_uuid, g.id::text) > 0
       AND w.status IN ('PENDING', 'ENQUEUED', 'DELAYED'))"""


async def test_a_soak_leaves_nothing_behind(stage_of: Callable[[], Any], run: Begin) -> None:
    under_way = run(0.4)
    with stage_of() as stage:
        stage.limit = 16
        crew = Crew(stage, 2)
        for worker in crew.workers:
            worker.wait_ready()
        taken: list[dict[str, float]] = []
        while under_way.time_left or not taken:
            await stage.submit(stage.order(100))
            # Files are finished more slowly than this provider makes them: let none pile up.
            while stage.statuses().total() - stage.statuses()["completed"] > 100:
                await asyncio.sleep(0.5)
                await assert_owned(stage)
            taken.append(_used(stage, crew))
        await crew.finish(120)
        await under_way.weigh(stage)
        print({"after 100 videos": taken[0], "at the end": taken[-1]})  # noqa: T201 - for -s
        if MINUTES >= 10:  # a shorter one is over before everything is warm
            assert taken[-1]["connections"] <= taken[0]["connections"] + 4
            assert taken[-1]["threads"] <= taken[0]["threads"] + 4
            assert taken[-1]["megabytes"] <= taken[0]["megabytes"] * 1.25 + 10


async def assert_owned(stage: Stage) -> None:
    """Every video under way has a workflow, or is adopted soon."""
    end = time.monotonic() + ADOPTED_WITHIN_S
    while ownerless := stage.query(_OWNERLESS):
        assert time.monotonic() < end, "\n".join(map(str, ownerless))
        await asyncio.sleep(0.5)


def _used(stage: Stage, crew: Crew) -> dict[str, float]:
    """What both workers hold at this moment."""
    status = [Path(f"/proc/{worker.pid}/status").read_text() for worker in crew.workers]
    return {
        "connections": stage.count(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'spotloom%%'"
        ),
        "threads": sum(_field(text, "Threads") for text in status),
        "megabytes": sum(_field(text, "VmRSS") for text in status) / 1024,
    }


def _field(text: str, name: str) -> int:
    line = next(line for line in text.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])

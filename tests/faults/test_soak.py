"""Ten thousand videos: nothing ownerless, connections, threads and memory stay as they are."""

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults import tally
from tests.faults.crew import Crew
from tests.faults.tally import MINUTES, Run
from tests.integration.generating import PATIENCE, Stage, until

Begin = Callable[[float], Run]
# 10,000 in the 20 minutes that the suite has unless it is told otherwise.
VIDEOS = int(os.environ.get("SPOTLOOM_FAULTS_SOAK", MINUTES * 500))
WARM = min(1000, VIDEOS // 3)  # by then every pool is filled, and every library loaded
SLOTS = 8  # more than two cores keep up with
AHEAD = 200  # under way or waiting at once
ADOPTED_WITHIN_S = 20.0
LOOK_S = 5.0
STUCK_S = 180.0
REST_S = 30.0
# Of a worker: ten of our pool and ten of the engine's, which fill as they are needed, its listener
# and ours, and the proof of life.
CONNECTIONS = 23
_OWNERLESS = """
SELECT g.id::text, g.status, g.admissions, g.admitted_at, g.ready_at, clock_timestamp() AS now
  FROM spotloom.generation g
 WHERE g.status IN ('submitting', 'generating', 'finishing')
   AND g.admitted_at < clock_timestamp() - interval '10 seconds'
   AND NOT EXISTS (SELECT 1 FROM dbos.workflow_status w
     WHERE w.status IN ('PENDING', 'ENQUEUED', 'DELAYED')
       AND (w.workflow_uuid IN ('generate:' || g.id || ':' || g.admissions,
                                'finish:' || g.id || ':' || g.admissions)
         OR w.workflow_uuid LIKE 'finish:' || g.id || ':' || g.admissions || ':%'))"""


async def test_a_soak_leaves_nothing_behind(stage_of: Callable[[], Any], run: Begin) -> None:
    under_way = run(0)
    begun = time.monotonic()
    with stage_of() as stage:
        stage.limit, stage.poll_s = SLOTS, 0.3
        crew = Crew(stage, 2)
        for worker in crew.workers:
            worker.wait_ready()
        soaking = asyncio.create_task(_submit_all(stage))
        taken: dict[int, Counter[str]] = {}
        moved_at = time.monotonic()
        try:
            while not (soaking.done() and stage.over()):
                await asyncio.sleep(LOOK_S)
                ownerless = await _owned(stage)
                completed = stage.statuses()["completed"]
                assert all(worker.process.poll() is None for worker in crew.workers), stage.told()
                if completed not in taken:
                    moved_at = time.monotonic()
                    taken[completed] = used(stage, crew)
                    taken[completed]["ownerless"] = ownerless
                assert time.monotonic() - moved_at < STUCK_S * PATIENCE, stage.told()
            await soaking
        finally:
            soaking.cancel()
        rate = VIDEOS / (time.monotonic() - begun)
        await under_way.weigh(stage)
        assert stage.statuses() == {"completed": VIDEOS}
        warm = next(at for at in taken if at >= WARM)
        most = taken[warm]["threads"] + 4
        # The threads that write files stay for ten seconds after their last one.
        with contextlib.suppress(AssertionError):
            await until(lambda: used(stage, crew)["threads"] <= most, REST_S)
        taken[VIDEOS] = used(stage, crew)
        tally.notes.append(f"soak of {VIDEOS}, {rate:.1f} a second")
        tally.notes += [f"  after {at}: {told(taken[at])}" for at in (min(taken), warm, VIDEOS)]
        first, last = taken[warm], taken[VIDEOS]
        assert last["connections"] <= CONNECTIONS * len(crew.workers), taken
        assert last["threads"] <= most, (taken, threads(crew))
        assert last["megabytes"] <= first["megabytes"] * 1.15 + 20, taken


async def _submit_all(stage: Stage) -> None:
    """Order them in batches, never many more than are under way."""
    for _ in range(VIDEOS // 100):
        await stage.submit(stage.order(100))
        await until(partial(_room, stage), 600, every_s=0.5)
    if VIDEOS % 100:
        await stage.submit(stage.order(VIDEOS % 100))


def _room(stage: Stage) -> bool:
    told = stage.statuses()
    return told.total() - told["completed"] <= AHEAD - 100


async def _owned(stage: Stage) -> int:
    """How many have no workflow now; each is adopted soon, or the assertion fails."""
    end = time.monotonic() + ADOPTED_WITHIN_S * PATIENCE
    most = 0
    while ownerless := stage.query(_OWNERLESS):
        most = max(most, len(ownerless))
        assert time.monotonic() < end, "\n".join(map(str, ownerless))
        await asyncio.sleep(0.5)
    return most


def used(stage: Stage, crew: Crew) -> Counter[str]:
    """What the workers and their own processes hold at this moment."""
    told = [text for pid in _pids(crew) if (text := _read(Path(f"/proc/{pid}/status")))]
    return Counter(
        connections=stage.count(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'spotloom%%'"
        ),
        processes=len(told),
        threads=sum(_field(text, "Threads") for text in told),
        megabytes=sum(_field(text, "VmRSS") for text in told) // 1024,
    )


def threads(crew: Crew) -> Counter[str]:
    """The threads of the workers and their own processes, by name."""
    tasks = [task for pid in _pids(crew) for task in Path(f"/proc/{pid}/task").glob("*")]
    return Counter(_read(task / "comm").strip() for task in tasks)


def told(what: Counter[str]) -> str:
    """The readings in words."""
    return ", ".join(f"{count} {name}" for name, count in what.items())


def _pids(crew: Crew) -> set[int]:
    """The workers and their own processes."""
    return {pid for worker in crew.workers for pid in _family(worker.pid)}


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*"):
        for child in _read(task / "children").split():
            yield from _family(int(child))


def _read(path: Path) -> str:
    """What the file says; nothing when its process has just ended."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _field(text: str, name: str) -> int:
    line = next(line for line in text.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])

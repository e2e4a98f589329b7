"""Several machines over one database: cut off, ahead or behind in time, started twice."""

import asyncio
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.faults.crew import Crew
from tests.faults.tally import Run
from tests.integration.generating import Stage
from tests.integration.generating_provider import environment

from spotloom.errors import SetupError
from spotloom.generation.liveness import Liveness, executor_id

Begin = Callable[[float], Run]
CUTS = 50
_CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE application_name = %s AND datname = current_database()"""


async def test_liveness_connections_cut_fifty_times_take_over_no_living_worker(
    stage_of: Callable[[], Any], run: Begin
) -> None:
    under_way = run(0)
    with stage_of() as stage:
        await stage.submit(stage.order(200))
        crew = Crew(stage, 3)
        for worker in crew.workers:
            worker.wait_ready()
        for _ in range(CUTS):
            await asyncio.sleep(random.uniform(0.2, 1.2))
            under_way.struck("connections cut", stage.count(_CUT, "spotloom liveness"))
        assert stage.query("SELECT * FROM spotloom.taken_over") == []
        assert all(worker.process.poll() is None for worker in crew.workers)
        await crew.finish(120)
        await under_way.weigh(stage)


async def test_every_connection_cut_again_and_again(
    stage_of: Callable[[], Any], run: Begin
) -> None:
    under_way = run(0.05)
    names = ("spotloom", "spotloom listener", "spotloom liveness", "spotloom engine")
    with stage_of() as stage:
        crew = Crew(stage, 2)
        while await crew.under_fire(under_way, videos=80):
            await asyncio.sleep(random.uniform(0.3, 2))
            under_way.struck("connections cut", stage.count(_CUT, random.choice(names)))
        await crew.finish(180)
        await under_way.weigh(stage)
        assert set(stage.statuses()) == {"completed"}


@pytest.fixture(scope="module")
def shifted_clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that moves a process's wall clock by SHIFT_S seconds, and nothing else."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to build the moved clock with")
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(_CLOCK)
    library = folder / "clock.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", str(library), str(folder / "clock.c"), "-ldl"],
        check=True,
    )
    return library


async def test_the_clock_of_one_worker_moved_by_an_hour(
    stage_of: Callable[[], Any], run: Begin, shifted_clock: Path
) -> None:
    under_way = run(0.05)
    with stage_of() as stage:
        stage.sandbox.misbehave(
            {"where": "create", "fault": "drop", "accepted": True, "calls": {"share": 0.1}},
            {"where": "create", "fault": "status", "status": 429, "calls": {"share": 0.05}},
        )
        await stage.submit(stage.order(60))
        moved = [
            stage.spawn(LD_PRELOAD=str(shifted_clock), SHIFT_S=str(hours * 3600))
            for hours in (-1, 1)
        ]
        for worker in moved:
            worker.wait_ready()
        crew = Crew(stage, 1)
        for _ in range(6):
            await asyncio.sleep(random.uniform(1, 3))
            if stage.over():
                break
            crew.kill_one()
            under_way.struck("workers killed")
        await crew.finish(180)
        assert all(worker.process.poll() is None for worker in moved)
        await under_way.weigh(stage)
        assert stage.statuses() == {"completed": 60}


async def test_many_processes_started_with_one_batch_id_make_one_batch(
    stage_of: Callable[[], Any], run: Begin, tmp_path: Path
) -> None:
    under_way = run(0)
    with stage_of() as stage:
        brief = tmp_path / "brief.yaml"
        brief.write_text(yaml.safe_dump(dict(stage.order(1).written) | _SMALL))
        started = [_make(stage, brief, tmp_path / f"out-{n}") for n in range(5)]
        told = await asyncio.gather(*(asyncio.to_thread(one.communicate) for one in started))
        assert [one.returncode for one in started] == [0] * 5, told
        manifests = [json.loads(out) for out, _ in told]
        assert len({manifest["batchId"] for manifest in manifests}) == 1
        videos = {tuple(v["providerJobId"] for v in m["videos"]) for m in manifests}
        assert len(videos) == 1
        await stage.finished(60)
        await under_way.weigh(stage)
        assert len(stage.sandbox.sold()) == len(manifests[0]["videos"]) == 12


def _make(stage: Stage, brief: Path, out: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "spotloom", "make", str(brief), "--batch-id", "one"]
    return subprocess.Popen(
        [*command, "--out", str(out), "--yes", "--json"],
        env=environment(**stage.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def test_a_second_process_with_a_taken_executor_name_refuses_to_start(
    stage_of: Callable[[], Any],
) -> None:
    async def recover(executor: str) -> None:
        raise AssertionError(executor)

    with stage_of() as stage:
        name = executor_id()
        first = Liveness(stage.url, executor=name, recover=recover)
        second = Liveness(stage.url, executor=name, recover=recover)
        await first.start()
        with pytest.raises(SetupError, match="already running"):
            await second.start()
        await second.leave()
        await first.leave()


_SMALL = {
    "dimensions": {
        "funnelLevel": ["unaware", "problem-aware"],
        "aesthetic": ["ugc", "cinema"],
        "type": ["broll-visual-narrative", "storytime", "listicle"],
        "intention": "educate",
        "mood": "wholesome",
        "audioStyle": "music-light-upbeat",
    }
}
_CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long shift(void) { const char *s = getenv("SHIFT_S"); return s ? atol(s) : 0; }
int clock_gettime(clockid_t id, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int answer = real(id, at);
  if (!answer && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += shift();
  return answer;
}
int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  struct timespec now; (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec; at->tv_usec = now.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
"""

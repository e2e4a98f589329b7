"""Measures the durable work beside the ideal: makespan, submit, start latency, rest and waiting.

A real sandbox process makes every video in the same time and really speaks HTTP; the workers are
processes of their own over one private PostgreSQL; files are really fetched, decoded and stored.
Prints JSON. `--videos 120` is a quick run. With `--wake webhook` the sandbox announces its ends
and the poll is only a net; with `--wake poll` the provider is asked every 0.2 s.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the tests' scaffolding, which this shares

from tests.integration import generating  # noqa: E402 - found by the line above
from tests.integration.generating import Stage  # noqa: E402 - as above
from tests.integration.generating_provider import Sandbox, environment  # noqa: E402 - as above

from spotloom import embedded  # noqa: E402 - as above

WHOLE = 660
SECRET = "whsec_c3BvdGxvb20tYmVuY2htYXJrLW5vdC1hLXNlY3JldA=="
TICKS = os.sysconf("SC_CLK_TCK")
BESIDE = {
    "makespan": "ideal: videos / slots * seconds each; a bare engine prototype reached 1.034",
    "startLatency": "ideal 0; an engine queue that polls every second has p50 500 ms",
    "submit": "the first implementation of this specification took 124 s for 660",
    "atRest": "an engine queue per lane costs 23 statements a second for each lane",
}


@dataclass(frozen=True, slots=True)
class Load:
    """What is measured with."""

    videos: int
    slots: int
    workers: int
    each_s: float
    wake: str
    rest_s: float
    waiting: int


def main() -> None:
    """Measure, and print the figures."""
    load = _load()
    with _database() as url:
        figures = {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            "load": {
                "videos": load.videos,
                "slots": load.slots,
                "workers": load.workers,
                "secondsEach": load.each_s,
                "wake": load.wake,
                "pollSeconds": _poll_s(load),
            },
            "beside": BESIDE,
            **_made(url, load),
        }
        if load.waiting:
            figures["waiting"] = _waiting(url, load)
    print(json.dumps(figures, indent=2))


def _load() -> Load:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=WHOLE)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--each", type=float, default=0.8, help="seconds a video takes there")
    parser.add_argument("--wake", choices=("webhook", "poll"), default="webhook")
    parser.add_argument("--rest", type=float, default=10, help="seconds to watch it idle")
    parser.add_argument("--waiting", type=int, default=300, help="videos that wait; 0 for none")
    given = parser.parse_args()
    return Load(
        given.videos,
        given.slots,
        given.workers,
        given.each,
        given.wake,
        given.rest,
        given.waiting,
    )


def _poll_s(load: Load) -> float:
    return 0.2 if load.wake == "poll" else 30.0


@contextlib.contextmanager
def _database() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="spotloom-bench-"))
    home.chmod(0o711)
    server = embedded.start(home)
    try:
        yield server.url
    finally:
        server.stop()
        for name in ("moved-to", "sockets"):  # both name a folder that is elsewhere
            for note in home.rglob(f"postgres/{name}"):
                shutil.rmtree(note.read_text().strip(), ignore_errors=True)
        shutil.rmtree(home)


# A batch from beginning to end


def _made(url: str, load: Load) -> dict[str, object]:
    """A whole batch, then the same workers at rest."""
    port = _free_port()
    announce = ["--webhook-url", f"http://127.0.0.1:{port}/api/sora/webhook"]
    more = [*announce, "--webhook-secret", SECRET] if load.wake == "webhook" else []
    with _staged(url, load, more=more, instant_s=load.each_s, poll_s=_poll_s(load)) as stage:
        processes = list(_started(stage, load, port))
        try:
            submit_s = _submit_s(stage, load.videos)
            before = [_cpu_s(p.pid) for p in processes]
            asyncio.run(_over(stage, load))
            cpu_s = sum(_cpu_s(p.pid) for p in processes) - sum(before)
            figures = _times(stage, load) | {
                "submitSeconds": {"videos": load.videos, "seconds": round(submit_s, 3)},
                "cpuSecondsPerVideo": round(cpu_s / load.videos, 4),
            }
            figures["atRest"] = _watched(stage, processes, load.rest_s)
        finally:
            for process in processes:
                _end(process)
    return figures


@contextlib.contextmanager
def _staged(
    url: str, load: Load, *, more: list[str], instant_s: float, poll_s: float, slots: int = 0
) -> Iterator[Stage]:
    with (
        tempfile.TemporaryDirectory(prefix="spotloom-bench-") as folder,
        generating.furnished(url) as database_url,
        contextlib.closing(
            Sandbox(Path(folder) / "sandbox", instant_s=instant_s, limit=10_000, more=more)
        ) as sandbox,
    ):
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("DROP TRIGGER see ON spotloom.generation")  # the tests' audit
        yield Stage(
            url=database_url,
            sandbox=sandbox,
            folder=Path(folder),
            limit=slots or load.slots,
            poll_s=poll_s,
        )


def _started(stage: Stage, load: Load, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """The workers; with webhooks, the first of them is the one that takes them."""
    for n in range(load.workers):
        command = ["worker"]
        if load.wake == "webhook" and not n:
            command = ["up", "--port", str(port)]
        log = (stage.folder / f"worker-{n}.log").open("wb")
        with log:
            yield subprocess.Popen(
                [sys.executable, "-m", "spotloom", *command],
                env=environment(**stage.environment, SPOTLOOM_WEBHOOK_SECRET=SECRET),
                stdout=log,
                stderr=log,
            )
        _await(stage, n, "orking with")


def _await(stage: Stage, n: int, words: str) -> None:
    log = stage.folder / f"worker-{n}.log"
    end = time.monotonic() + 60
    while words not in log.read_text(errors="replace"):
        if time.monotonic() > end:
            raise SystemExit(f"worker {n} did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)


def _submit_s(stage: Stage, videos: int) -> float:
    """Seconds that storing the batch takes, beyond the plan."""
    planned = generating.order(videos)
    begun = time.monotonic()
    asyncio.run(stage.submit(planned))
    return time.monotonic() - begun


async def _over(stage: Stage, load: Load) -> None:
    """Wait for the end, without disturbing: one question a second."""
    end = time.monotonic() + 60 + 4 * load.videos / load.slots * load.each_s
    while stage.statuses() != {"completed": load.videos}:
        if time.monotonic() > end:
            raise SystemExit(f"not over: {stage.told()}")
        await asyncio.sleep(1)


def _times(stage: Stage, load: Load) -> dict[str, object]:
    row = stage.query(
        "SELECT extract(epoch FROM max(over_at) - min(created_at)) AS whole,"
        " extract(epoch FROM max(ready_at) - min(accepted_at)) AS there FROM spotloom.generation"
    )[0]
    ideal = load.videos / load.slots * load.each_s
    waits = _latencies_ms(stage, load.slots)
    return {
        "makespan": {
            "idealSeconds": round(ideal, 2),
            "seconds": round(float(row["whole"]), 2),
            "overIdeal": round(float(row["whole"]) / ideal, 4),
            "atProviderOverIdeal": round(float(row["there"]) / ideal, 4),
        },
        "startLatencyMs": {
            "p50": round(statistics.median(waits), 1),
            "p95": round(statistics.quantiles(waits, n=20)[-1], 1),
            "worst": round(max(waits), 1),
        },
        "peakConcurrent": stage.sandbox.peak,
        "accepted": len(stage.sandbox.sold()),
    }


def _latencies_ms(stage: Stage, slots: int) -> list[float]:
    """From each slot that came free to the arrival of the next order at the provider."""
    rows = stage.query("SELECT extract(epoch FROM ready_at) AS at FROM spotloom.generation")
    freed = sorted(float(row["at"]) for row in rows)
    arrived = sorted(sold.accepted_at for sold in stage.sandbox.sold())
    return [1000 * (a - f) for f, a in zip(freed, arrived[slots:], strict=False)]


# Workers with nothing to do, and with much to wait for


def _waiting(url: str, load: Load) -> dict[str, object]:
    """One worker, and many videos at the provider that are asked about every 30 seconds."""
    with _staged(url, load, more=[], instant_s=3600, poll_s=30.0, slots=load.waiting) as stage:
        alone = Load(load.waiting, load.waiting, 1, 3600, "poll", 0, 0)
        processes = list(_started(stage, alone, 0))
        try:
            _submit_s(stage, load.waiting)
            end = time.monotonic() + 60 + load.waiting / 5
            while stage.statuses()["generating"] < load.waiting:
                if time.monotonic() > end:
                    raise SystemExit(f"not all are there: {stage.told()}")
                time.sleep(0.5)
            return {"videos": load.waiting} | _watched(stage, processes, 45)
        finally:
            for process in processes:
                _end(process)


def _watched(
    stage: Stage, processes: list["subprocess.Popen[bytes]"], seconds: float
) -> dict[str, object]:
    """What the workers use and ask of the database for so long."""
    time.sleep(2)  # the last of what was under way
    before = (_transactions(stage), sum(_cpu_s(p.pid) for p in processes), time.monotonic())
    time.sleep(seconds)
    passed = time.monotonic() - before[2]
    return {
        "workers": len(processes),
        "cpuOfOneCore": round((sum(_cpu_s(p.pid) for p in processes) - before[1]) / passed, 4),
        "transactionsPerSecond": round((_transactions(stage) - before[0]) / passed, 1),
        "megabytes": round(sum(_status(p.pid, "VmRSS") for p in processes) / 1024),
        "peakMegabytes": round(sum(_status(p.pid, "VmHWM") for p in processes) / 1024),
        "threads": sum(_status(p.pid, "Threads") for p in processes),
    }


def _transactions(stage: Stage) -> int:
    return stage.count(
        "SELECT xact_commit + xact_rollback FROM pg_stat_database"
        " WHERE datname = current_database()"
    )


def _cpu_s(pid: int) -> float:
    """Processor time of the process itself; its media workers count for themselves."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()

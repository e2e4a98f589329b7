"""Measures the served API beside a bare FastAPI that does the least anybody must do for the same.

Both are served by uvicorn in a process of its own over one private PostgreSQL, and asked in turn by
this process over real HTTP. Prints JSON. The bare one knows no people, no rules, no budgets, no
ledger: it takes the same body, writes 660 rows in one statement, reads them in one, and tells its
listeners of every update from its own memory.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import uvicorn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the tests' scaffolding, which this shares

from bench.beside.bare_api import VIDEOS, bare  # noqa: E402 - found by the line above
from tests.integration import api_stage, live_server, live_stage  # noqa: E402 - as above
from tests.integration.database_fixtures import started  # noqa: E402 - as above
from tests.integration.live_stage import Ground  # noqa: E402 - as above

from spotloom.auth.roles import Role  # noqa: E402 - as above
from spotloom.web.app import app  # noqa: E402 - as above
from spotloom.web.limits import Rates  # noqa: E402 - as above

TICKS = os.sysconf("SC_CLK_TCK")
BESIDE = {
    "submit": "bare: the same body into a model, the product of its options, one INSERT",
    "status": "bare: one SELECT of 660 rows of six fields, a response model, JSON",
    "live": "bare: every update to every listener at once, from memory; ours gathers them, reads "
    "them from PostgreSQL, and can be resumed",
    "bars": "submit < 1 s; 660 rows < 50 ms of the server's time",
}


def main() -> None:
    """Measure, and print the figures; with `--serve`, be one of the two servers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submits", type=int, default=30)
    parser.add_argument("--reads", type=int, default=60)
    parser.add_argument("--listeners", type=int, default=200)
    parser.add_argument("--updates", type=int, default=20, help="a second")
    parser.add_argument("--seconds", type=float, default=20, help="of updates")
    parser.add_argument("--serve", choices=("ours", "bare"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    load = parser.parse_args()
    if load.serve:
        _serve(load)
    else:
        print(json.dumps(asyncio.run(_measured(load)), indent=2))


# The two servers


def _serve(load: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if load.serve == "ours":
            parts, _ = api_stage.parts_over(load.url, Path(folder), rates=Rates(streams=1000))
            application = app(parts)
        else:
            application = bare(load.url, load.updates)
        uvicorn.run(
            application, port=load.port, log_level="warning", access_log=False, lifespan="off"
        )


# Asking them


@dataclass(frozen=True, slots=True)
class Served:
    """One of the two servers, at work."""

    name: str
    address: str
    pid: int
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    def cpu_s(self) -> float:
        """Processor seconds that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


async def _measured(load: argparse.Namespace) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="spotloom-bench-") as home,
        started(_open(home)) as url,
        live_stage.template(url) as like,
        live_stage.ground(url, like=like) as ground,
    ):
        ground.run("CREATE TABLE spotloom.bench_row (batch text, n bigint, key text)")
        ground.run("CREATE INDEX ON spotloom.bench_row (batch, n)")
        ground.run("GRANT ALL ON spotloom.bench_row TO PUBLIC")
        key = await live_server.key(ground, Role.ADMIN)
        with (
            _process("ours", ground, key, load) as ours,
            _process("bare", ground, key, load) as bare,
        ):
            both = (ours, bare)
            figures = {
                "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
                "beside": BESIDE,
                "submit660": await _submits(both, load),
                "status660": await _reads(both, load),
                "live": {each.name: await _live(each, ground, load) for each in both},
            }
    return figures | {"ratios": _ratios(figures)}


def _open(home: str) -> Path:
    """The folder, which root's database, run by another account, can pass through."""
    folder = Path(home)
    folder.chmod(0o711)
    return folder


@contextlib.contextmanager
def _process(name: str, ground: Ground, key: str, load: argparse.Namespace) -> Iterator[Served]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, __file__, "--serve", name, "--url", ground.url, "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--updates", str(load.updates)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 120
        while True:
            with contextlib.suppress(httpx2.TransportError):
                if httpx2.get(f"{address}/healthz", trust_env=False).status_code == 200:
                    break
            if time.monotonic() > end or process.poll() is not None:
                raise SystemExit(f"{name} did not start")
            time.sleep(0.1)
        yield Served(name, address, process.pid, key)
    finally:
        process.terminate()
        process.wait(20)


def _form() -> dict[str, Any]:
    """660 of 720: the same body for both."""
    form = api_stage.brief(5, 4, 3, 4, 3)
    form["exclude"] = [
        {"funnelLevel": "unaware", "type": "storytime"},
        {"funnelLevel": "unaware", "type": "listicle", "aesthetic": "ugc"},
    ]
    return form


async def _submits(both: list[Served], load: argparse.Namespace) -> dict[str, Any]:
    took: dict[str, list[float]] = {each.name: [] for each in both}
    used = {each.name: -each.cpu_s() for each in both}
    for number in range(load.submits):
        for each in both:  # in turn, so that the neighbours' noise is shared
            body = {"formData": _form(), "batchId": f"big-{number}"}
            async with _client(each) as client:
                began = time.perf_counter()
                answer = await client.post("/api/generate-batch", json=body)
                took[each.name].append(time.perf_counter() - began)
            if answer.json().get("totalVideos") != VIDEOS:
                raise SystemExit(f"{each.name} answered {answer.text[:300]}")
            await asyncio.sleep(0.5 if each.name == "ours" else 0)  # the rate that an actor has
    return {
        each.name: _times(took[each.name])
        | {"cpuMs": round((used[each.name] + each.cpu_s()) / load.submits * 1000, 1)}
        for each in both
    }


async def _reads(both: list[Served], load: argparse.Namespace) -> dict[str, Any]:
    paths = {
        "ours": {
            "figures": "/api/batch/big-0",
            "rows": "/api/batch/big-0/events",
            "everything": "/api/campaigns/big-0/combinations",
        },
        "bare": {"rows": "/api/batch/big-0/rows"},
    }
    told: dict[str, Any] = {each.name: {} for each in both}
    for each in both:
        async with _client(each) as client:
            for what, path in paths[each.name].items():
                took, sizes = [], set()
                before = each.cpu_s()
                for _ in range(load.reads):
                    began = time.perf_counter()
                    sizes.add(await _read(client, path, what))
                    took.append(time.perf_counter() - began)
                told[each.name][what] = _times(took) | {
                    "cpuMs": round((each.cpu_s() - before) / load.reads * 1000, 1),
                    "bytes": max(sizes),
                }
    return told


async def _read(client: httpx2.AsyncClient, path: str, what: str) -> int:
    """Read all 660 rows; how many bytes they were."""
    headers = {"accept": "application/x-ndjson"} if what == "everything" else {}
    size = 0
    async with client.stream("GET", path, headers=headers) as answer:
        if answer.status_code != 200:
            raise SystemExit(f"{path} answered {answer.status_code}")
        tail = b""
        async for block in answer.aiter_bytes():
            size += len(block)
            tail = (tail + block)[-2:]
            if path.endswith("/events") and size > 10_000 and tail == b"\n\n":
                break  # the snapshot is whole
    return size


async def _live(each: Served, ground: Ground, load: argparse.Namespace) -> dict[str, Any]:
    """Updates to one batch, and when its listeners hear of them."""
    written: dict[int, float] = {}
    lags: list[float] = []
    heard = [0]
    ready = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as group:
        listeners = [
            group.create_task(_listen(each, written, lags, heard, ready, sample=n < 20))
            for n in range(load.listeners)
        ]
        for _ in range(load.listeners):
            await ready.acquire()
        await asyncio.sleep(2)
        lags.clear()
        before, events, began = each.cpu_s(), heard[0], time.monotonic()
        if each.name == "ours":
            await asyncio.to_thread(_update, ground, written, load)
        else:
            await asyncio.sleep(load.seconds)
        span = time.monotonic() - began
        await asyncio.sleep(1)
        cpu_s = each.cpu_s() - before
        for listener in listeners:
            listener.cancel()
    return {
        "listeners": load.listeners,
        "updatesASecond": round(len(written) / span, 1) if written else load.updates,
        "eventsASecondEach": round((heard[0] - events) / load.listeners / span, 1),
        "cores": round(cpu_s / span, 3),
        "lagMs": _times(lags, scale=1000),
    }


async def _listen(
    each: Served,
    written: dict[int, float],
    lags: list[float],
    heard: list[int],
    ready: asyncio.Semaphore,
    *,
    sample: bool,
) -> None:
    """One listener over a plain socket; those of the sample look into what they hear."""
    host, _, port = each.address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=2**22)
    writer.write(
        f"GET /api/batch/big-0/events HTTP/1.1\r\nhost: {host}\r\n"
        f"authorization: Bearer {each.key}\r\n\r\n".encode()
    )
    known: dict[str, int] = {}
    told = False
    try:
        while line := await reader.readline():
            if not told and (line.startswith(b"data:") or each.name == "bare"):
                told = True
                ready.release()
            if not line.startswith(b"data:"):
                continue
            heard[0] += 1
            if sample and len(line) < 50_000:
                _take(json.loads(line[5:]), known, written, lags)
    finally:
        writer.close()


def _take(
    data: dict[str, Any], known: dict[str, int], written: dict[int, float], lags: list[float]
) -> None:
    now = time.time()
    if "at" in data:
        lags.append(now - data["at"])
        return
    for video in data["videos"]:
        attempt = video["attempt"]
        if attempt in written and known.get(video["combinationId"]) != attempt:
            known[video["combinationId"]] = attempt
            lags.append(now - written[attempt])


def _update(ground: Ground, written: dict[int, float], load: argparse.Namespace) -> None:
    """Change a video of the batch so often a second, as a worker would; each by its own number."""
    with psycopg.connect(ground.url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT g.id, c.id FROM spotloom.generation g JOIN spotloom.campaign c"
            " ON c.id = g.campaign_id WHERE c.batch_key = 'big-0' ORDER BY g.id"
        ).fetchall()
        began = time.monotonic()
        for number in range(int(load.seconds * load.updates)):
            time.sleep(max(0.0, began + number / load.updates - time.monotonic()))
            generation, campaign = found[number % len(found)]
            mark = 1000 + number
            with connection.transaction():
                connection.execute(
                    "UPDATE spotloom.generation SET attempt = %s, status = 'generating'"
                    " WHERE id = %s",
                    (mark, generation),
                )
                connection.execute("SELECT pg_notify('spotloom_campaigns', %s)", (str(campaign),))
                written[mark] = time.time()


def _client(each: Served) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=each.address, headers=each.headers, timeout=60, trust_env=False
    )


def _times(took: list[float], *, scale: float = 1000) -> dict[str, float]:
    if len(took) < 2:
        return {"p50": 0, "p95": 0, "worst": 0}
    return {
        "p50": round(statistics.median(took) * scale, 1),
        "p95": round(statistics.quantiles(took, n=20, method="inclusive")[-1] * scale, 1),
        "worst": round(max(took) * scale, 1),
    }


def _ratios(figures: dict[str, Any]) -> dict[str, float]:
    """Ours over the bare one's."""
    submit, status, live = (figures[name] for name in ("submit660", "status660", "live"))

    def over(ours: float, bare: float) -> float:
        return round(ours / bare, 2) if bare else 0

    return {
        "submitP50": over(submit["ours"]["p50"], submit["bare"]["p50"]),
        "submitCpu": over(submit["ours"]["cpuMs"], submit["bare"]["cpuMs"]),
        "rowsP50": over(status["ours"]["rows"]["p50"], status["bare"]["rows"]["p50"]),
        "rowsCpu": over(status["ours"]["rows"]["cpuMs"], status["bare"]["rows"]["cpuMs"]),
        "liveCores": over(live["ours"]["cores"], live["bare"]["cores"]),
    }


if __name__ == "__main__":
    main()

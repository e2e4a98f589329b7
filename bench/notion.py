"""Measures the Notion mirror beside the stock client: pages, requests, lag, and what submits feel.

A server that speaks Notion's API, held to the types of its official SDK, deals the faults: 180
requests in each 60 seconds and no more, three in a hundred creates committed and then answered
with 504, some cut off, some refused with 529. The same faults fall on the stock Python client,
with the retries that it comes with, at a second such server in the same minutes. Prints JSON.
`--videos 120 --window 40x10` is a quick run.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the tests' scaffolding, which this shares

from tests.integration import generating  # noqa: E402 - found by the line above
from tests.integration.conftest import data_home  # noqa: E402 - as above
from tests.integration.notion_peer import measuring, running, stock  # noqa: E402 - as above
from tests.integration.notion_peer.mirroring import (  # noqa: E402 - as above
    REAL,
    Drained,
    Mirrored,
    hard,
)

from spotloom import embedded  # noqa: E402 - as above

WHOLE = 660
BESIDE = {
    "mirror": "ideal: a request for each page",
    "stock": "notion-client 3.1 as it comes, four creates at a time, then those that failed again",
    "submit": "the same batch into a database without a mirror, in turn with the others",
    "lag": "ideal 0; the mirror looks once a second and asks three times a second at most",
}


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=WHOLE)
    parser.add_argument("--window", default="180x60", help="requests x seconds (default: 180x60)")
    parser.add_argument("--kills", type=int, default=10_000, help="at most")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two kills")
    parser.add_argument("--changes", type=int, default=40, help="to measure the lag with")
    parser.add_argument("--rounds", type=int, default=9, help="of submits in each mood of Notion")
    parser.add_argument("--only", action="append", help="filled, killed, lagSeconds or submit")
    given = parser.parse_args()
    requests, seconds = given.window.split("x")
    script = hard(requests=int(requests), seconds=float(seconds))
    figures: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "load": {"videos": given.videos, "window": given.window},
        "beside": BESIDE,
    }
    with _scenery() as scenery:
        parts: dict[str, Any] = {
            "filled": lambda: _filled(scenery, given.videos, script),
            "killed": lambda: _killed(scenery, given, script),
            "lagSeconds": lambda: _lag(scenery, given.changes),
            "submit": lambda: _submits(scenery, given.videos, given.rounds),
        }
        for name in given.only or parts:
            figures[name] = asyncio.run(parts[name]())
            print(name, json.dumps(figures[name]), file=sys.stderr)  # each takes minutes
    print(json.dumps(figures, indent=2))


@contextlib.contextmanager
def _scenery() -> Iterator[generating.Scenery]:
    with data_home() as home:
        server = embedded.start(home)
        try:
            with generating.scenery(server.url) as scenery:
                yield scenery
        finally:
            server.stop()


@contextlib.asynccontextmanager
async def _mirrored(scenery: generating.Scenery) -> Any:
    with (
        tempfile.TemporaryDirectory(prefix="spotloom-bench-") as folder,
        scenery.stage(Path(folder)) as stage,
        running.running(Path(folder)) as peer,
    ):
        one = Mirrored(stage, peer)
        await one.connect()
        yield one


async def _filled(
    scenery: generating.Scenery, videos: int, script: dict[str, Any]
) -> dict[str, Any]:
    """Ours and the stock client's, at the same time."""
    with (
        tempfile.TemporaryDirectory(prefix="spotloom-bench-") as folder,
        running.running(Path(folder)) as other,
    ):
        async with _mirrored(scenery) as mirrored:
            mirrored.peer.faults(**script)
            other.faults(**script)
            ours, theirs = await asyncio.gather(
                mirrored.drain(videos, deadline_s=videos * 3 + 300, timing=REAL),
                stock.fill(other, videos),
            )
    return {"mirror": _told(ours), "stock": dataclasses.asdict(theirs)}


async def _killed(
    scenery: generating.Scenery, given: argparse.Namespace, script: dict[str, Any]
) -> dict[str, Any]:
    async with _mirrored(scenery) as mirrored:
        mirrored.peer.faults(**script)
        told = await mirrored.drain(
            given.videos,
            deadline_s=given.videos * 6 + 900,
            timing=REAL,
            kills=given.kills,
            every_s=given.every,
        )
    return _told(told)


def _told(drained: Drained) -> dict[str, Any]:
    return dataclasses.asdict(drained) | {"overMinimum": round(drained.over_minimum, 3)}


async def _lag(scenery: generating.Scenery, changes: int) -> dict[str, float]:
    async with _mirrored(scenery) as mirrored:
        await mirrored.drain(20, deadline_s=120, timing=REAL)
        with mirrored.lives(REAL):
            found = await measuring.lags(mirrored, changes)
    return {
        "p50": round(statistics.median(found), 2),
        "p95": round(measuring.percentile(found, 0.95), 2),
        "worst": round(max(found), 2),
    }


async def _submits(scenery: generating.Scenery, videos: int, rounds: int) -> dict[str, Any]:
    """Median milliseconds of a submit, while a process mirrors."""
    with tempfile.TemporaryDirectory(prefix="spotloom-bench-") as folder:
        async with _mirrored(scenery) as mirrored:
            with scenery.stage(Path(folder)) as plain, mirrored.lives(REAL):
                taken = await measuring.submits(mirrored, plain, videos=videos, rounds=rounds)
    medians = {mood: round(1000 * statistics.median(times), 1) for mood, times in taken.items()}
    return {"videos": videos, "medianMs": medians}


if __name__ == "__main__":
    main()

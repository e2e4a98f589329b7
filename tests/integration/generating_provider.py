"""A provider to generate at: a real sandbox process, its ledger, and its scripted faults."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import httpx2
import numpy as np

ROOT = Path(__file__).parents[2]
SHAPE = "720x1280-4"  # of the videos ordered here: 9:16, 4 seconds
PLENTY = 1000  # jobs that the provider would take: only our own limit holds us back


def environment(**settings: str) -> dict[str, str]:
    """What a process of ours is started with."""
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    return {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", **settings}


def write_clip(target: Path) -> None:
    """A real, tiny video: decoding it costs next to nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(target), "w") as out:
        stream = out.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 72, 128, "yuv420p"
        for shade in range(20):
            picture = np.full((128, 72, 3), shade * 10, dtype=np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """One line of the provider's ledger."""

    n: int
    id: str
    prompt: str
    accepted_at: float
    running: int


class Sandbox:
    """A provider process of our own, with its ledger and its scripted faults."""

    def __init__(
        self, home: Path, *, instant_s: float = 0.2, limit: int = PLENTY, more: Sequence[str] = ()
    ) -> None:
        self.home = home
        clip = home / "stock" / f"{SHAPE}.mp4"
        if not clip.exists():
            write_clip(clip)
        self._command = [sys.executable, "-m", "spotloom.sandbox", "--home", str(home)]
        self._command += ["--instant-seconds", str(instant_s), "--limit", str(limit), *more]
        self._mark = 0
        self._log_mark = 0
        self.start()

    def start(self) -> None:
        """Start it, on the port it had before."""
        port = ["--port", str(self.port)] if hasattr(self, "port") else []
        self.process = subprocess.Popen(
            self._command + port, stdout=subprocess.PIPE, text=True, env=environment()
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said.startswith("sandbox: listening on "), said or "the sandbox did not start"
        self.url = said.removeprefix("sandbox: listening on ").strip()
        self.port = urlsplit(self.url).port

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def mark(self) -> None:
        """Forget what was sold so far, and every fault; jobs still running are dropped."""
        self.misbehave()
        for job in self._ask("/sandbox/ledger")["jobs"]:
            if job["status"] == "in_progress":
                self._ask(f"/v1/videos/{job['id']}", method="DELETE")
        self._mark = max((sold.n for sold in self._read(0)), default=0)
        self._log_mark = (self.home / "sandbox.log").stat().st_size

    def misbehave(self, *rules: dict[str, Any], seed: int = 0) -> None:
        """Deal these faults from now on; jobs are counted from the last mark."""
        told = [self._from_mark(rule) for rule in rules]
        self._ask("/sandbox/faults", {"seed": seed, "rules": told})

    def sold(self) -> list[Sold]:
        """What was accepted since the mark, in order."""
        return self._read(self._mark)

    def struck(self, where: str) -> int:
        """How often a fault struck there since the mark."""
        with (self.home / "sandbox.log").open() as log:
            log.seek(self._log_mark)
            lines = [json.loads(line) for line in log if '"sandbox.fault"' in line]
        return sum(line["where"] == where for line in lines)

    @property
    def peak(self) -> int:
        """The most that were at work at once since the mark."""
        return max((sold.running for sold in self.sold()), default=0)

    def _read(self, after: int) -> list[Sold]:
        db = sqlite3.connect(f"file:{self.home / 'sandbox.sqlite'}?mode=ro", uri=True, timeout=10)
        try:
            rows = db.execute(
                "SELECT n, id, prompt, accepted_at, running FROM ledger WHERE n > ? ORDER BY n",
                (after,),
            ).fetchall()
        finally:
            db.close()
        return [
            Sold(n=n - after, id=i, prompt=p, accepted_at=a, running=r) for n, i, p, a, r in rows
        ]

    def _from_mark(self, rule: dict[str, Any]) -> dict[str, Any]:
        jobs = rule.get("jobs", {})
        if "only" not in jobs:
            return rule
        return rule | {"jobs": {"only": [n + self._mark for n in jobs["only"]]}}

    def _ask(self, path: str, body: object = None, *, method: str | None = None) -> Any:
        url = self.url.removesuffix("/v1") + path
        answer = httpx2.request(
            method or ("GET" if body is None else "POST"), url, json=body, trust_env=False
        )
        answer.raise_for_status()
        return answer.json()

"""A sandbox server as a real process, for the tests that talk to it."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx2

import spotloom

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(spotloom.__file__).parents[1])}
INSTANT = ("--instant-seconds", "0.05", "--processes", "1")
_T = TypeVar("_T")


def until(ask: Callable[[], _T], *, what: str, deadline_s: float = 90) -> _T:
    """The first true answer; fails loudly when none comes in time."""
    end = time.monotonic() + deadline_s
    while not (answer := ask()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline_s} s for {what}")
        time.sleep(0.02)
    return answer


class Server:
    """A running sandbox and a client at its root."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.home, self._arguments = home, arguments
        self.start()

    def start(self) -> None:
        ready = self.home.with_suffix(".ready")
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "spotloom.sandbox", "--home", str(self.home)]
        command += ["--ready-file", str(ready), *self._arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
        until(lambda: ready.exists() or self.process.poll() is not None, what="the sandbox")
        assert self.process.poll() is None, "the sandbox ended at once"
        self.url = json.loads(ready.read_text())["url"]
        self.http = httpx2.Client(base_url=self.url, trust_env=False, timeout=30)

    def stop(self, *, kill: bool = False) -> None:
        self.http.close()
        if self.process.poll() is None:
            self.process.kill() if kill else self.process.terminate()
        self.process.wait(30)

    def create(self, prompt: str = "Tea at dawn", **members: Any) -> dict[str, Any]:
        answer = self.http.post("/v1/videos", json={"prompt": prompt, **members})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def get(self, job: str) -> dict[str, Any]:
        answer = self.http.get(f"/v1/videos/{job}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ended(self, job: str) -> dict[str, Any]:
        def over() -> dict[str, Any] | None:
            shown = self.get(job)
            return shown if shown["status"] in {"completed", "failed"} else None

        return until(over, what=f"the end of {job}")  # type: ignore[return-value] # it is true

    def ledger(self) -> dict[str, Any]:
        return dict(self.http.get("/sandbox/ledger").json())

    def faults(self, *rules: dict[str, Any]) -> None:
        answer = self.http.post("/sandbox/faults", json={"rules": rules})
        assert answer.status_code == 200, answer.text


@contextlib.contextmanager
def serving(home: Path, *arguments: str) -> Iterator[Server]:
    """A sandbox on a free port, stopped at the end."""
    server = Server(home, *arguments)
    try:
        yield server
    finally:
        server.stop()

"""Workers in processes of their own, forked from one that has imported everything once.

The import takes more than a second of processor time, and a worker that is killed meanwhile
proves nothing. Run as a program, this is the parent: it answers a line of JSON with a line of JSON.
"""

import asyncio
import atexit
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.integration.generating_provider import environment


class Forked:
    """A worker, with what is used of `subprocess.Popen`."""

    def __init__(self, settings: Mapping[str, str], log: Path, ready: Path) -> None:
        self.returncode: int | None = None
        asked = {"environment": settings, "log": str(log), "ready": str(ready)}
        self.pid = int(_parent().ask(asked))
        self._ready = ready

    @property
    def ready(self) -> bool:
        """Whether it has said that it works."""
        return self._ready.exists() and self._ready.read_bytes() == b"working\n"

    def poll(self) -> int | None:
        """How it ended, as `subprocess` tells it; None while it runs."""
        if self.returncode is None:
            self.returncode = _parent().ask({"pid": self.pid})
        return self.returncode

    def wait(self) -> int:
        """Return when it has ended."""
        while (code := self.poll()) is None:
            time.sleep(0.005)
        return code

    def send_signal(self, number: int) -> None:
        """Signal it, unless it has ended: its number is its own until its parent tells of that."""
        if self.poll() is None:
            os.kill(self.pid, number)


class _Parent:
    """The process that has them all."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        atexit.register(self.end)

    def ask(self, question: Mapping[str, Any]) -> Any:
        """Its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        with self._process:  # closes its standard input, and waits
            pass


@cache
def _parent() -> _Parent:
    return _Parent()


# The program


def _serve() -> None:
    from tests.integration import generating_worker

    children: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        if "pid" in asked:
            answer = _end_of(asked["pid"], children)
        else:
            answer = os.fork()
            if not answer:
                _live(generating_worker.work, **asked)
            children.add(answer)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for child in children:
        os.kill(child, signal.SIGKILL)


def _end_of(pid: int, children: set[int]) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    if not ended:
        return None
    children.remove(pid)
    return os.waitstatus_to_exitcode(status)


def _live(work: Any, *, environment: Mapping[str, str], log: str, ready: str) -> None:
    """One worker's life; it returns nowhere."""
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for stream in (1, 2):
            os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), stream)
        os.environ.clear()
        os.environ.update(environment)
        asyncio.run(work(os.open(ready, os.O_WRONLY | os.O_CREAT)))
        code = 0
    except BaseException:  # noqa: BLE001 - top of the process: its last words
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()

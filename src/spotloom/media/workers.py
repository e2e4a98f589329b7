"""Keeps worker processes that look at video files, so that no decoding happens in this one.

They are plain programs on pipes, not multiprocessing: that would run the caller's main module
again, fail every other file when one process dies, and leave workers behind a killed parent.
"""

import asyncio
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import spotloom
from spotloom.errors import SetupError, SpotloomError, Transient
from spotloom.media.disk import DiskFull
from spotloom.media.inspected import BadFile, Inspected, Probe, Unplayable

PATIENCE_S = 600.0  # of the wall clock, on a busy machine; the processor time is bounded inside
# All that a worker gets of our environment: it reads strangers' files, so it holds no secret.
ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")


class Workers:
    """A pool of worker processes, started when first needed."""

    def __init__(self, count: int | None = None, *, patience_s: float = PATIENCE_S) -> None:
        self.count = count or _cores()
        self._patience_s = patience_s
        # One thread waits for one process, so this bounds the processes, too.
        self._threads = ThreadPoolExecutor(self.count, thread_name_prefix="media")
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._lock = threading.Lock()
        self._alive: set[_Worker] = set()
        self._closed = False

    @property
    def pids(self) -> frozenset[int]:
        """The processes that are there now."""
        with self._lock:
            return frozenset(worker.pid for worker in self._alive)

    async def inspect(self, path: Path, folder: Path) -> Inspected:
        """Measure the file and write `poster.webp` and `sprite.webp` into the folder.

        BadFile when the file is cut or damaged, Unplayable when it is no video; Transient when
        a worker died over it twice.
        """
        loop = asyncio.get_running_loop()
        with self._lock:
            self._refuse_when_closed()
            # Under the lock, or the threads could be gone between the question and the answer.
            seeing = loop.run_in_executor(self._threads, self._inspect, path, folder)
        return await seeing

    def close(self) -> None:
        """End every worker; what is under way ends with Transient."""
        with self._lock:
            self._closed = True
            for worker in self._alive:
                worker.kill()
        self._threads.shutdown(wait=True)
        while not self._idle.empty():
            self._bury(self._idle.get_nowait())

    def _inspect(self, path: Path, folder: Path) -> Inspected:
        ends = []
        for _ in range(2):  # the first death may be a stranger's kill; the second is the file's
            worker = self._take()
            answer = worker.ask(
                {"path": str(path), "folder": str(folder)}, patience_s=self._patience_s
            )
            if answer is not None:
                self._idle.put(worker)
                return _inspected(path, answer)
            ends.append(self._bury(worker))
            if ends[-1] == -signal.SIGXCPU:
                raise Unplayable(f"{path.name} takes too much processor time to decode.")
        raise Transient(f"The worker process died twice over {path.name} (exits {ends}).")

    def _take(self) -> "_Worker":
        while True:
            with self._lock:
                self._refuse_when_closed()
                try:
                    worker = self._idle.get_nowait()
                except queue.Empty:
                    worker = _Worker()
                    self._alive.add(worker)
            if worker.is_alive():
                return worker
            self._bury(worker)  # killed while idle: no file is to blame

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise Transient("The media workers are closing; the file was not looked at.")

    def _bury(self, worker: "_Worker") -> int:
        with self._lock:
            self._alive.discard(worker)
        return worker.end()


class _Worker:
    """One process that answers one question at a time."""

    def __init__(self) -> None:
        source = str(Path(spotloom.__file__).parents[1])
        environment = {k: os.environ[k] for k in ENVIRONMENT if k in os.environ}
        try:
            self._process = subprocess.Popen(
                # -P: a file named av.py in the working folder is not ours.
                [sys.executable, "-P", "-m", "spotloom.media.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # FFmpeg's chatter would break the progress display
                env=environment | {"PYTHONPATH": source, "OPENBLAS_NUM_THREADS": "1"},
            )
        except OSError as error:
            raise Transient(f"No worker process could be started: {error.strerror}.") from error
        self.pid = self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, question: dict[str, str], *, patience_s: float) -> dict[str, Any] | None:
        """The answer; None when the process died instead."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise ValueError("A worker is started with pipes.")
        timer = threading.Timer(patience_s, self.kill)
        timer.start()
        try:
            stdin.write(json.dumps(question).encode() + b"\n")
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            return None
        finally:
            timer.cancel()
        answer: dict[str, Any] | None = json.loads(line) if line.endswith(b"\n") else None
        return answer

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> int:
        """Make sure that it is gone; its exit status."""
        self._process.kill()
        status = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # an unsent question to a dead process
        return status


def _inspected(path: Path, answer: dict[str, Any]) -> Inspected:
    if "error" not in answer:
        measured = answer["probe"]
        return Inspected(
            video=path,
            probe=Probe(**measured | {"seconds": Decimal(measured["seconds"])}),
            poster=Path(answer["poster"]),
            sprite=Path(answer["sprite"]),
        )
    raise _error(answer["error"], answer["message"], Path(answer["folder"]))


def _error(kind: str, message: str, folder: Path) -> SpotloomError:
    match kind:
        case "BadFile":
            return BadFile(message)
        case "Unplayable":
            return Unplayable(message)
        case "DiskFull":
            return DiskFull(folder)
        case "SetupError":
            return SetupError(message)
    return Transient(f"The media worker failed: {kind}: {message}")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


__all__ = ["BadFile", "Inspected", "Unplayable", "Workers"]

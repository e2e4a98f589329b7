"""A few workers, of which one or another is always being killed, stopped or replaced."""

import asyncio
import random
import signal
import time
from collections.abc import Callable

from tests.faults.tally import Run
from tests.integration.generating import PATIENCE, Stage, Worker, until

from spotloom.creative.status import ACTIVE, Status

_UNDER_WAY = [status.value for status in ACTIVE if status is not Status.UNKNOWN]


class Crew:
    """The workers of a stage; whoever ends is replaced."""

    def __init__(self, stage: Stage, size: int, start: Callable[[], Worker] | None = None) -> None:
        self._stage = stage
        self._start = start or stage.spawn
        self.workers: list[Worker] = [self._start() for _ in range(size)]

    def kill_one(self) -> None:
        """Kill any of those at work, and start another in its place."""
        self._replace(self.workers.index(self._any()))

    async def suffer(self, run: Run, *, videos: int, every_s: tuple[float, float]) -> None:
        """One of them killed after another, for as long as the run has time."""
        while await self.under_fire(run, videos=videos):
            await asyncio.sleep(random.uniform(*every_s))
            self.kill_one()
            run.struck("workers killed")

    def kill_all(self) -> None:
        """Kill every one at the same moment, and start others."""
        for worker in self.workers:
            worker.send(signal.SIGKILL)
        for n in range(len(self.workers)):
            self._replace(n)

    async def stop_one(self, seconds: float) -> None:
        """Stop any of them for so long."""
        worker = self._any()
        worker.send(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        worker.send(signal.SIGCONT)
        self.replace_ended()

    def replace_ended(self) -> None:
        """Start another for each that ended because its work was taken over."""
        ended = [n for n, worker in enumerate(self.workers) if worker.process.poll() is not None]
        for n in ended:
            assert self.workers[n].process.returncode == 70, self.workers[n].log.read_text()[-2000:]
            self._replace(n)

    async def finish(self, deadline_s: float) -> None:
        """Wait for the end, with every worker alive."""
        end = time.monotonic() + deadline_s * PATIENCE
        while not self._stage.over():
            self.replace_ended()
            assert time.monotonic() < end, f"not over: {self._stage.told()}"
            await asyncio.sleep(0.2)

    async def under_fire(self, run: Run, *, videos: int) -> bool:
        """Whether there is time for another blow; meanwhile about so many videos are under way."""
        if not run.time_left:
            return False
        told = self._stage.statuses()
        if sum(told[word] for word in _UNDER_WAY) < videos / 2:
            await self._stage.submit(self._stage.order(videos))
        self.replace_ended()
        # Who is killed while it starts proves little.
        await until(lambda: any(worker.ready for worker in self.workers), 60)
        return True

    def _any(self) -> Worker:
        return random.choice([w for w in self.workers if w.ready] or self.workers)

    def _replace(self, n: int) -> None:
        self.workers[n].end()
        self._stage.workers.remove(self.workers[n])
        self.workers[n] = self._start()

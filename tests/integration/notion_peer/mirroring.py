"""A batch whose pages processes of ours write to the peer, some of them killed on the way."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.generating import Stage, until
from tests.integration.generating_provider import environment
from tests.integration.notion_peer.running import Peer

from spotloom.campaigns import database
from spotloom.campaigns.submit import LOCAL, ensure_workspace
from spotloom.campaigns.tenancy import Scope
from spotloom.forms import load_vocabulary
from spotloom.generation.mirrors.notion import Desk
from spotloom.generation.mirrors.notion.connecting import connect
from spotloom.notion.api import Key, Notion

PROGRAM = Path(__file__).with_name("mirror_worker.py")
# The mirror's own waits, shortened where a test has no minutes; never what it decides.
QUICK: dict[str, Any] = {
    "tick_s": 0.1,
    "fastest_s": 1 / 45,
    "lease_s": 4.0,
    "poll_s": 60.0,
    "busy_poll_s": 60.0,
    "trash_s": 60.0,
    "look_up_s": 1.0,
    "lag_s": 0.3,
    "believed_s": 4.0,
    "delays_s": [0.1, 0.2, 0.5],
}
REAL: dict[str, Any] = {}  # as the product ships


def hard(*, requests: int, seconds: float, seed: int = 0) -> dict[str, Any]:
    """The faults of the acceptance: a fixed window, lost answers of creates, and overload."""
    lost = {"where": "createPage", "committed": True}
    overload = {"where": "any", "fault": "status", "status": 529, "retryAfter": 1}
    return {
        "seed": seed,
        "window": {"requests": requests, "seconds": seconds},
        "lagSeconds": 0.2,
        "rules": [
            lost | {"fault": "status", "status": 504, "calls": {"share": 0.03}},
            lost | {"fault": "drop", "calls": {"share": 0.005}},
            overload | {"calls": {"share": 0.01}},
        ],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What a batch's way to Notion came to."""

    videos: int
    pages: int
    doubled: int
    requests: int
    refused: int
    peak: int
    seconds: float
    kills: int
    problems: tuple[str, ...]

    @property
    def over_minimum(self) -> float:
        """The requests, where one for each page is the least."""
        return self.requests / self.videos


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A stage with a database in the peer."""

    stage: Stage
    peer: Peer

    async def connect(self) -> None:
        """Make the database in Notion, as `spotloom notion setup` does."""
        async with (
            Notion(Key(token=self.peer.token, address=self.peer.url)) as notion,
            self.sessions() as sessions,
        ):
            async with sessions.begin() as session:
                await ensure_workspace(session)
            desk = Desk(sessions=sessions, notion=notion, vocabulary=load_vocabulary(), links=None)
            await connect(desk, Scope(sessions, LOCAL), page=self.peer.home, database=None)
        self.peer.reset()

    @asynccontextmanager
    async def sessions(self) -> AsyncIterator[database.Sessions]:
        engine, sessions = database.connect(self.stage.url, pool=2, role=database.Role.WORKER)
        try:
            yield sessions
        finally:
            await engine.dispose()

    @contextmanager
    def lives(self, timing: dict[str, Any]) -> Iterator["Lives"]:
        """A process that mirrors and does nothing else, and can be killed and follow itself."""
        told = {"PEER_URL": self.peer.url, "PEER_TOKEN": self.peer.token}
        told |= {"DATABASE_URL": self.stage.url, "PEER_TIMING": json.dumps(timing)}
        lives = Lives(self.stage.folder / "mirror.log", told)
        try:
            lives.begin()
            yield lives
        finally:
            lives.close()

    def waiting(self) -> int:
        """How many pages do not yet say what they should."""
        return self.stage.count(
            "SELECT (SELECT count(*) FROM spotloom.mirror_change)"
            " + (SELECT count(*) FROM spotloom.mirror_outbox WHERE state = 'pending')"
        )

    async def drain(
        self,
        videos: int,
        *,
        deadline_s: float,
        timing: dict[str, Any],
        kills: int = 0,
        every_s: float = 2.0,
    ) -> Drained:
        """Submit so many videos and wait for their pages; meanwhile the process is killed.

        The seconds between two kills run from the first request of each process: where a machine
        is busy with other things, a process that asks nothing would prove nothing.
        """
        await self.stage.submit(self.stage.order(videos))
        with self.lives(timing) as lives:
            begun, killed = time.monotonic(), 0
            first, at_work = self.peer.count(), begun
            while self.waiting():
                if killed < kills and self.peer.count() == first:
                    at_work = time.monotonic()
                elif killed < kills and time.monotonic() - at_work >= every_s:
                    lives.kill()
                    first, at_work, killed = self.peer.count(), time.monotonic(), killed + 1
                    lives.begin()
                assert time.monotonic() - begun < deadline_s, f"{self.told()}\n{lives.log_tail()}"
                await asyncio.sleep(0.1)
        return self._drained(videos, seconds=time.monotonic() - begun, kills=killed)

    def _drained(self, videos: int, *, seconds: float, kills: int) -> Drained:
        told = self.peer.ledger()
        refused = {"429", "529"}
        return Drained(
            videos=videos,
            pages=told["pages"],
            doubled=len(told["duplicates"]),
            requests=told["requests"],
            refused=sum(
                count
                for answers in told["answers"].values()
                for status, count in answers.items()
                if status in refused
            ),
            peak=told["peakPerSecond"],
            seconds=round(seconds, 1),
            kills=kills,
            problems=tuple(told["problems"]),
        )

    async def settled(self, deadline_s: float) -> None:
        """Wait until every page says what it should; tells why not."""
        try:
            await until(lambda: self.waiting() == 0, deadline_s, every_s=0.1)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.told()}") from error

    def told(self) -> str:
        """Where the outbox stands, for whoever reads a failure."""
        rows = self.stage.query(
            "SELECT state, error, count(*) AS n, min(next_at)::text AS next,"
            " count(creating_at) AS in_doubt FROM spotloom.mirror_outbox GROUP BY state, error"
        )
        place = self.stage.query(
            "SELECT trouble, creates_from, paused_until, interval_s, setbacks, throttled"
            " FROM spotloom.mirror"
        )
        return "\n".join(map(str, [*rows, *place, self.peer.ledger()]))


class Lives:
    """One mirroring process after another."""

    def __init__(self, log: Path, told: dict[str, str]) -> None:
        self._log = log
        with log.open("ab") as file:
            self._parent = subprocess.Popen(
                [sys.executable, str(PROGRAM)],
                env=environment(**told),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
            )
        self._pid = 0
        self._read("ready")

    def begin(self) -> None:
        """Start the next one, at once."""
        assert self._parent.stdin is not None
        self._parent.stdin.write("go\n")
        self._parent.stdin.flush()
        self._pid = int(self._read("a process id"))

    def kill(self) -> None:
        """End it without a word."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
        self._pid = 0

    def close(self) -> None:
        self.kill()
        with self._parent:
            self._parent.kill()

    def log_tail(self) -> str:
        """Its last words."""
        return self._log.read_text(errors="replace")[-3000:]

    def _read(self, what: str) -> str:
        assert self._parent.stdout is not None
        line = self._parent.stdout.readline()
        assert line, f"the mirror ended where it should say {what}: {self.log_tail()}"
        return line.strip()

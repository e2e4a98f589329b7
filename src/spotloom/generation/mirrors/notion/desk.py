"""What the mirror works with, and its one way to ask Notion: in its turn, and never faster."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.database import Sessions
from spotloom.campaigns.mirrors import places
from spotloom.creative.dimensions import Vocabulary
from spotloom.errors import Transient
from spotloom.media.links import Standing
from spotloom.notion.api import Notion, NotionSlow
from spotloom.notion.pace import REQUESTS_A_SECOND, Pace
from spotloom.notion.properties import Property, properties

T = TypeVar("T")
TARGET = "notion"
SOON_S = 0.05  # a wait that short sees no news


class NotNow(Transient):
    """No request may leave: Notion wants a pause, or a person must act. Nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How often it looks, how long it waits, and how sure it wants to be."""

    tick_s: float = 1.0
    lease_s: float = 120.0  # of a claim: longer than a request may take
    fastest_s: float = 1 / REQUESTS_A_SECOND
    at_once: int = 4
    poll_s: float = 30.0  # between two questions about what people did
    busy_poll_s: float = 60.0  # while much is to be told
    trash_s: float = 300.0
    look_up_s: float = 20.0  # between two questions about creates whose answers were lost
    fresh_s: float = 5.0  # a create leaves so soon after it was noted, or not at all
    lag_s: float = 2.0  # a page just made may not be found before
    # Notion gives up on a request after 60 s, and its index may lag: absent since then is absent.
    believed_s: float = 75.0
    trouble_s: float = 300.0
    full_s: float = 3600.0
    delays_s: tuple[float, ...] = (2, 5, 15, 60, 300)


def awake_or_asleep() -> float:
    """Seconds that have passed for everybody: where it can be told, also while this machine slept.

    A process that was stopped, or its whole machine, finds that out by nothing else.
    """
    boot_time: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The open connections of the mirror in this process."""

    sessions: Sessions
    notion: Notion
    vocabulary: Vocabulary
    links: Standing | None  # None: nobody outside this machine can follow one
    database: str | None = None  # the one to use while none is connected
    timing: Timing = field(default_factory=Timing)
    clock: Callable[[], float] = awake_or_asleep

    @property
    def properties(self) -> tuple[Property, ...]:
        """Every property of a page."""
        return properties(self.vocabulary)

    async def ask(
        self,
        request: Callable[[], Awaitable[T]],
        *,
        writes: bool = False,
        before: Callable[[AsyncSession], Awaitable[None]] | None = None,
    ) -> T:
        """The answer to one request, sent when it is our turn; NotNow when there is none.

        `before` is written down before it leaves, and it leaves soon after or not at all: others
        trust that what was noted long ago has arrived by now, or never will. `writes` says that it
        changes a page: only that proves that pages are taken again.
        """
        noted_at: list[float] = []

        async def note(session: AsyncSession) -> None:
            noted_at.append(self.clock())
            if before is not None:
                await before(session)

        turn = await self._turn(None if before is None else note)
        if noted_at and self.clock() - noted_at[-1] > self.timing.fresh_s:
            raise NotNow("This process slept before it could send; it is looked up first.")
        try:
            answer = await request()
        except NotionSlow as slow:
            await self._slow_down(turn, slow.retry_after_s)
            raise
        if turn.setbacks or turn.interval_s > self.timing.fastest_s:
            pace = Pace(turn.interval_s, turn.setbacks).well(fastest_s=self.timing.fastest_s)
            async with self.sessions.begin() as session:
                await places.speed_up(session, TARGET, interval_s=pace.interval_s)
        if writes and turn.trouble is not None:
            await self.go_on(made=False)
        return answer

    async def go_on(self, *, made: bool) -> None:
        """Notion does what we ask again; `made` says that it took a new page."""
        async with self.sessions.begin() as session:
            await places.go_on(session, TARGET, made=made)

    async def _turn(self, before: Callable[[AsyncSession], Awaitable[None]] | None) -> places.Turn:
        async with self.sessions.begin() as session:
            turn = await places.turn(session, TARGET, fastest_s=self.timing.fastest_s)
            if turn is None:
                raise NotNow("Notion is not asked at the moment.")
            if turn.wait_s <= SOON_S:
                if before is not None:
                    await before(session)
                return turn
        # Whoever is killed while it waits has sent nothing, and left nothing in doubt.
        await asyncio.sleep(turn.wait_s)
        async with self.sessions.begin() as session:
            if await places.paused(session, TARGET):
                raise NotNow("Notion is not asked at the moment.")
            if before is not None:
                await before(session)
        return turn

    async def _slow_down(self, turn: places.Turn, retry_after_s: float | None) -> None:
        pace = Pace(turn.interval_s, turn.setbacks)
        slower, wait_s = pace.refused(retry_after_s, fastest_s=self.timing.fastest_s)
        async with self.sessions.begin() as session:
            await places.slow_down(
                session,
                TARGET,
                interval_s=slower.interval_s,
                setbacks=slower.setbacks,
                wait_s=wait_s,
            )

    def delay_s(self, attempts: int) -> float:
        """Seconds until the next try, after so many in vain."""
        delays = self.timing.delays_s
        return delays[min(max(attempts, 1), len(delays)) - 1]

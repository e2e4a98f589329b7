"""What the durable work works with; process-wide, because a recovered workflow has no caller."""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from spotloom.campaigns.database import Sessions
from spotloom.campaigns.tables import Lane
from spotloom.errors import SetupError
from spotloom.generation.lanes import Admitted
from spotloom.media.store import Store
from spotloom.media.workers import Workers
from spotloom.providers.provider import Provider

BEGIN_WITHIN_S = 2.0
TOGETHER_S = 0.1  # waits that end within it end at once: each waking has its price


class UnknownLane(SetupError):
    """This process has no key for the lane, or has not heard of it yet."""


class News:
    """Whether news of one generation came, and a wait for it: one future and one timer.

    Thousands wait at once, and an Event with a timeout around it takes three times the memory.
    """

    __slots__ = ("_came", "_over")

    def __init__(self) -> None:
        self._came = False
        self._over: asyncio.Future[None] | None = None

    def tell(self) -> None:
        """News is here: end the wait, or the next one before it begins."""
        self._came = True
        self._end()

    async def within(self, seconds: float) -> bool:
        """Wait that long, or until news comes; whether it came since the last wait."""
        if not self._came:
            loop = asyncio.get_running_loop()
            self._over = loop.create_future()
            tick = min(TOGETHER_S, seconds / 100)
            timer = loop.call_at(math.ceil((loop.time() + seconds) / tick) * tick, self._end)
            try:
                await self._over
            finally:
                timer.cancel()
        came, self._came = self._came, False
        return came

    def _end(self) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_result(None)


class Wakes:
    """Lets a notification end the wait of the one generation it names."""

    def __init__(self) -> None:
        self._news: dict[UUID, News] = {}

    def __len__(self) -> int:
        """How many wait here."""
        return len(self._news)

    def wake(self, generation_id: UUID) -> None:
        """End the wait of that generation, if it waits here."""
        if news := self._news.get(generation_id):
            news.tell()

    def begin(self, generation_id: UUID) -> News:
        """The news of that generation from now on, also between two waits."""
        news = self._news[generation_id] = News()
        return news

    def end(self, generation_id: UUID, news: News) -> None:
        """Keep its news no longer."""
        if self._news.get(generation_id) is news:
            del self._news[generation_id]


@dataclass(kw_only=True)
class Tools:
    """The open connections and limits of this process."""

    sessions: Sessions
    providers: Mapping[tuple[str, str], Provider]  # by (name, account): a lane's key
    store: Store
    workers: Workers
    scratch: Path
    max_bytes: int
    longest_call_s: float  # how long a provider may take over one answer
    automatic_retries: int  # new attempts after the provider's own failures
    poll_s: float | None  # overrides the provider's own interval
    still_mine: Callable[[], Awaitable[None]]  # returns only while nobody acts in our name
    wakes: Wakes = field(default_factory=Wakes)
    lanes: dict[UUID, Provider] = field(default_factory=dict)
    admitting: bool = False  # a worker here starts what is put into `admitted`
    # How many seconds videos took lately, by lane, model and length.
    took: dict[tuple[UUID, str, int], deque[float]] = field(default_factory=dict)
    risen: dict[UUID, int] = field(default_factory=dict)  # per cent, not yet written down
    share: float = 0  # of the videos at a provider; with more, a free slot is the other workers'
    admitted: asyncio.Queue[Admitted] = field(default_factory=asyncio.Queue)
    _paying: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def provider(self, lane_id: UUID) -> Provider:
        """The provider behind the lane; the worker keeps the table of lanes up to date."""
        if lane_id not in self.lanes:
            raise UnknownLane(
                f"Lane {lane_id} belongs to a provider account that this process has no key for."
            )
        return self.lanes[lane_id]

    async def find_lanes(self) -> None:
        """Learn which lanes there are, and which of our providers each belongs to."""
        async with self.sessions() as session:
            rows = (await session.execute(select(Lane.id, Lane.provider, Lane.account))).all()
        for row in rows:
            if provider := self.providers.get((row.provider, row.account)):
                self.lanes[row.id] = provider

    def serves(self, lane_id: UUID) -> bool:
        """Whether this process has the key to that lane's provider."""
        return lane_id in self.lanes

    def interval_s(self, lane_id: UUID) -> float:
        """Seconds between two questions about one video at that provider."""
        return self.poll_s or self.provider(lane_id).limits().poll_s

    def list_lag_s(self, lane_id: UUID) -> float:
        """Seconds by which that provider's list of jobs may be late."""
        return self.provider(lane_id).limits().list_lag_s

    @contextlib.asynccontextmanager
    async def paid_call(self) -> AsyncIterator[None]:
        """Marks the time in which a stop would leave a paid call without its answer."""
        await self.still_mine()
        self._paying += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._paying -= 1
            if not self._paying:
                self._idle.set()

    async def nothing_admitted(self) -> None:
        """Return once all that was admitted here has begun, or soon, for another to adopt it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEGIN_WITHIN_S):
                await self.admitted.join()

    async def nothing_paid(self) -> None:
        """Return once no paid call is under way."""
        if self._paying:
            await self._idle.wait()


_current: list[Tools] = []


def use(tools: Tools | None) -> None:
    """Make these the process's tools; None takes them away."""
    _current[:] = [] if tools is None else [tools]


def tools() -> Tools:
    """The process's tools."""
    if not _current:
        raise SetupError("This process does no durable work: start a worker first.")
    return _current[0]

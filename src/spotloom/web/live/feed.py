"""Watches one campaign for all its listeners: one look at the database serves them all.

A listener holds no queue. It stands somewhere, and is told the difference from there to now when
it can take it: the slower it is, the more one event holds, and nobody waits for it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from spotloom.campaigns.changes import Changes, Position
from spotloom.web.live.picture import Frame, Picture, Standing

log = structlog.get_logger()

GAP_S = 0.14  # between two looks: at most 7 a second
NET_S = 5.0  # between looks without news, should a notice be lost
DEAF_S = 0.5  # the same while the listening connection is away
AWAY = (SQLAlchemyError, psycopg.Error, OSError)

# Since a position: the changes, and the campaign as a whole if there are any; None without it.
Look = Callable[[Position | None], Awaitable[tuple[Changes, dict[str, Any] | None] | None]]


class Feed:
    """One watched campaign."""

    def __init__(self, look: Look, *, deaf: Callable[[], bool]) -> None:
        self._look, self._deaf = look, deaf
        self._news, self._turn = asyncio.Event(), asyncio.Event()
        self._picture: Picture | None = None
        self._begun = self._done = self._asked = 0  # looks
        self.listeners = 0
        self.ended = False  # nothing more will be told here: come again
        self.gone = False  # and there is no such campaign any more

    def hear(self) -> None:
        """Look soon: something may have changed."""
        self._news.set()

    def end(self) -> None:
        """Let every listener go."""
        self.ended = True
        self._news.set()
        self._turn.set()

    def ask(self) -> int:
        """A look that begins from now on, to be named to `frame`."""
        self._asked = self._begun + 1
        self._news.set()
        return self._asked

    def frame(self, standing: Standing, *, after: int) -> Frame | None:
        """What is new to that listener.

        One that stands ahead of us, as told by another process, is answered `after` that look.
        """
        picture = self._picture
        if picture is None:
            return None
        unknown = standing.at is not None and not standing.at.within(picture.at)
        return None if unknown and self._done < after else picture.frame(standing)

    async def turned(self, within_s: float) -> bool:
        """Wait for news; false when there was none for so long."""
        turn = self._turn
        try:
            async with asyncio.timeout(within_s):
                await turn.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Look whenever there is news, until nobody listens."""
        while self.listeners and not self.ended:
            self._news.clear()
            try:
                await self._once()
                rest_s = DEAF_S if self._deaf() else NET_S
            except AWAY as error:
                log.warning("database.away", reason=type(error).__name__)
                rest_s = DEAF_S
            await asyncio.sleep(GAP_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest_s):
                    await self._news.wait()

    async def _once(self) -> None:
        self._begun += 1
        number = self._begun
        last = None if self._picture is None else self._picture.at
        seen = await self._look(last)
        self._done = number
        if seen is None:
            self.gone = True
            self.end()
        elif self._took(*seen) or number <= self._asked:
            turn, self._turn = self._turn, asyncio.Event()
            turn.set()

    def _took(self, changes: Changes, header: dict[str, Any] | None) -> bool:
        """Whether any listener has something to hear."""
        if self._picture is None or changes.whole:
            assert header is not None  # noqa: S101 - a whole look reads everything
            self._picture = Picture(changes, header)
            return True
        return self._picture.take(changes, header)

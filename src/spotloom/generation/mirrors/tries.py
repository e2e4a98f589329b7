"""Keeps some tries going at once: claims what is due, works on it, and looks again."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

log = structlog.get_logger()

C = TypeVar("C")


class Tries(Generic[C]):
    """Works on whatever `claim` hands out, `at_once` at a time, for as long as it runs.

    What is cut off by a stop is claimed again when its lease has ended.
    """

    def __init__(
        self,
        claim: Callable[[], Awaitable[C | None]],
        work: Callable[[C], Awaitable[None]],
        *,
        at_once: int,
        tick_s: float,
    ) -> None:
        self._claim, self._work = claim, work
        self._at_once, self._tick_s = at_once, tick_s
        self._under_way = 0
        self._room = asyncio.Event()

    async def run(self) -> None:
        """Go on until cancelled; a database that is away is waited for."""
        async with asyncio.TaskGroup() as tries:
            while True:
                self._room.clear()
                try:
                    while self._under_way < self._at_once and (claim := await self._claim()):
                        self._under_way += 1
                        tries.create_task(self._try(claim))
                except (SQLAlchemyError, OSError) as error:
                    _tell_away(error)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._tick_s):
                        await self._room.wait()

    async def _try(self, claim: C) -> None:
        try:
            await self._work(claim)
        except (SQLAlchemyError, OSError) as error:  # the lease ends, and it is tried again
            _tell_away(error)
        finally:
            self._under_way -= 1
            self._room.set()


def _tell_away(error: Exception) -> None:
    said = str(getattr(error, "orig", error)).strip().partition("\n")[0]
    log.warning("database.away", reason=f"{type(error).__name__}: {said}")

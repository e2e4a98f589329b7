"""Ends a long answer soon after its asker would no longer be let in."""

import time
from collections.abc import AsyncIterator
from typing import TypeVar

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from spotloom.auth.gate import Gate
from spotloom.auth.roles import Actor

T = TypeVar("T")

log = structlog.get_logger()


class PutOut(Exception):
    """The asker was let in when the answer began, and would not be now; it breaks off."""


class LetIn:
    """Whether somebody would still be let in: asked of the gate now and then, not each time."""

    def __init__(self, gate: Gate, actor: Actor, *, every_s: float) -> None:
        self._gate, self._actor, self.every_s = gate, actor, every_s
        self._at = time.monotonic()

    async def still(self) -> bool:
        """Whether it was so, as of at most `every_s` ago."""
        if time.monotonic() - self._at < self.every_s:
            return True
        self._at = time.monotonic()
        try:
            well = await self._gate.still(self._actor)
        except (SQLAlchemyError, psycopg.Error, OSError) as error:
            # Nobody can say now: ask again in a while.
            log.warning("database.away", reason=type(error).__name__)
            return True
        if not well:
            log.warning("stream.ended", actor=self._actor.text, reason="no longer let in")
        return well

    async def while_let_in(self, parts: AsyncIterator[T]) -> AsyncIterator[T]:
        """The parts of an answer, for as long as it is so; PutOut where it is no longer."""
        async for part in parts:
            if not await self.still():
                # Not an ordinary end: who reads it must see that something is missing.
                raise PutOut
            yield part

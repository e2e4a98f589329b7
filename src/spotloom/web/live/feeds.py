"""Keeps a feed for each campaign that is watched here, and one connection that hears the news."""

import asyncio
import contextlib
import contextvars
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from uuid import UUID

import psycopg
import structlog

from spotloom.campaigns.channels import CAMPAIGNS
from spotloom.web.live.feed import Feed, Look

log = structlog.get_logger()

RETRY_S = 0.5


class Feeds:
    """The campaigns that this process watches, each for as long as anybody listens."""

    def __init__(self, address: Callable[[], str], *, ending: asyncio.Event) -> None:
        self._address, self._ending = address, ending
        self._feeds: dict[UUID, Feed] = {}
        self._attending: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._hearing = False

    @contextlib.contextmanager
    def joined(self, campaign_id: UUID, look: Look) -> Iterator[Feed]:
        """The campaign's feed, for one listener more."""
        feed = self._feeds.get(campaign_id)
        if feed is None or feed.ended:
            feed = self._feeds[campaign_id] = Feed(look, deaf=lambda: not self._hearing)
        feed.listeners += 1
        if feed.listeners == 1:
            self._start(feed.run()).add_done_callback(lambda _: feed.end())
        if self._attending is None:
            self._attending = self._start(self._attend())
        try:
            yield feed
        finally:
            feed.listeners -= 1
            if not feed.listeners:
                self._leave(campaign_id, feed)

    def _leave(self, campaign_id: UUID, feed: Feed) -> None:
        feed.end()
        if self._feeds.get(campaign_id) is feed:
            del self._feeds[campaign_id]
        if not self._feeds and self._attending is not None:
            self._attending.cancel()
            self._attending = None

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        # Nothing of the request that happened to come first: not its log fields, nor its trace.
        task = asyncio.create_task(work, context=contextvars.Context())
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("live.fault", reason=repr(fault))

    async def _attend(self) -> None:
        """Hear the news until the server is about to stop, then let all listeners go."""
        listening = self._start(self._listen())
        try:
            await self._ending.wait()
            for feed in list(self._feeds.values()):
                feed.end()
        finally:
            listening.cancel()

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except (psycopg.Error, OSError) as error:
                log.warning("database.away", reason=str(error).strip())
            finally:
                self._hearing = False
            self._rouse()
            await asyncio.sleep(RETRY_S)

    async def _hear(self) -> None:
        async with await psycopg.AsyncConnection.connect(
            self._address(), autocommit=True, connect_timeout=5, application_name="spotloom live"
        ) as connection:
            await connection.execute(f"LISTEN {CAMPAIGNS}")
            self._hearing = True
            self._rouse()  # whatever happened before we listened
            async for note in connection.notifies():
                with contextlib.suppress(ValueError):
                    if feed := self._feeds.get(UUID(note.payload)):
                        feed.hear()

    def _rouse(self) -> None:
        for feed in self._feeds.values():
            feed.hear()

"""Tells whoever watches a batch what changes: server-sent events, from a snapshot on."""

import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse
from starlette.types import Receive, Scope, Send

from spotloom.campaigns import changes, reads
from spotloom.campaigns.changes import Changes, Position
from spotloom.campaigns.database import Sessions
from spotloom.contract.batches import BatchStatus
from spotloom.web.door.answers import Responses, problems
from spotloom.web.door.asking import CampaignName, ThePace, Viewer, found, let_in_of
from spotloom.web.door.let_in import LetIn
from spotloom.web.live.feed import Feed, Look
from spotloom.web.live.feeds import Feeds
from spotloom.web.live.picture import Standing
from spotloom.web.parts import Parts

HEARTBEAT_S = 15.0
LONGEST_S = 600.0  # then the client comes again
_HEARTBEAT = b": heartbeat\n\n"
_HELLO = b"retry: 1000\n\n"  # milliseconds until a browser comes again
_GONE = b"event: gone\ndata: {}\n\n"
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would collect the events
}
_DOCUMENTED: Responses = {
    200: {
        "description": "The events, until the client goes.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    **problems(404),
}


def router(parts: Parts, *, heartbeat_s: float = HEARTBEAT_S) -> APIRouter:
    """The route of a batch's events."""
    routes = APIRouter(tags=["batches"])
    feeds = Feeds(lambda: _address(parts.web), ending=parts.ending)

    # Not the framework's own generator route: it would write each event anew for each listener.
    @routes.get(
        "/api/batch/{batch_id}/events",
        operation_id="watchBatch",
        response_class=StreamingResponse,
        responses=_DOCUMENTED,
    )
    async def events(
        asked: Viewer,
        pace: ThePace,
        batch_id: CampaignName,
        last_event_id: Annotated[str, Header()] = "",
        since: Annotated[str, Query()] = "",
    ) -> EventSourceResponse:
        """Follow a batch live, as server-sent events.

        First a `snapshot`, then a `delta` whenever videos change, and `over` when all have ended.
        `Last-Event-ID`, or `since`, resumes after that event. Each event repeats the figures; the
        videos of a delta replace those of the same id. Whoever is put out is let go within 15 s;
        20 streams may be open at once for one person or key, and 429 answers the next.
        """
        async with asked.scope.read() as session:
            campaign = await found(session, asked, batch_id)
        look = _look(parts.web, asked.actor.workspace_id, campaign)
        told = partial(
            _told,
            standing=Standing.parse(last_event_id or since),
            beat_s=heartbeat_s,
            asker=let_in_of(parts, asked),
        )
        one_more = pace.streams.one_more(asked.actor.text)
        return _Events(one_more, feeds.joined(campaign.id, look), told)

    return routes


class _Events(EventSourceResponse):
    """The events of one campaign, for as long as the client stays."""

    def __init__(
        self,
        one_more: AbstractContextManager[None],
        joined: AbstractContextManager[Feed],
        told: Callable[[Feed], AsyncIterator[bytes]],
    ) -> None:
        self._one_more, self._joined, self._told = one_more, joined, told
        super().__init__(content=(), headers=_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._one_more, self._joined as feed:
            self.body_iterator = self._told(feed)
            await super().__call__(scope, receive, send)


async def _told(
    feed: Feed, *, standing: Standing, beat_s: float, asker: LetIn
) -> AsyncIterator[bytes]:
    """What the listener is sent; it is asked for the next when it has taken the last."""
    # Not all that came together come again together.
    until = time.monotonic() + LONGEST_S * random.uniform(0.8, 1)  # noqa: S311 - no secret
    after = feed.ask()
    yield _HELLO
    beat_at = time.monotonic() + beat_s
    while not feed.ended and time.monotonic() < until and await asker.still():
        if frame := feed.frame(standing, after=after):
            standing = frame.to
            yield frame.data
            beat_at = time.monotonic() + beat_s
        elif await feed.turned(min(asker.every_s, max(0.0, beat_at - time.monotonic()))):
            beat_at = time.monotonic() + beat_s
        elif time.monotonic() >= beat_at:
            yield _HEARTBEAT
            beat_at = time.monotonic() + beat_s
    if feed.gone:
        yield _GONE


def _look(sessions: Sessions, workspace_id: UUID, campaign: reads.Header) -> Look:
    """Reads what is new about the campaign, at one moment."""

    async def look(last: Position | None) -> tuple[Changes, dict[str, Any] | None] | None:
        async with changes.moment(sessions, workspace_id) as session:
            news = await changes.since(session, workspace_id, campaign.id, last=last)
            if news is None:
                return None
            campaign_changed = last is None or not last.sees(news.campaign_changed)
            if not (news.whole or news.videos or campaign_changed):
                return news, None
            now = await reads.find(session, str(campaign.id), workspace_id=workspace_id)
            progress = await reads.progress(session, campaign.id, workspace_id=workspace_id)
            status = BatchStatus.of(now, progress)
            return news, status.model_dump(mode="json", by_alias=True, exclude={"lanes"})

    return look


def _address(sessions: Sessions) -> str:
    """Where the sessions' database is, as libpq reads it."""
    url = sessions.kw["bind"].url
    return str(url.set(drivername="postgresql").render_as_string(hide_password=False))

"""Webhooks: gathered for a moment, signed, sent, and lost or out of order where a test says so."""

import asyncio
import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2
from tests.integration.notion_peer import schemas
from tests.integration.notion_peer.conditions import Conditions
from tests.integration.notion_peer.records import (
    INTEGRATION,
    PERSON,
    WORKSPACE,
    DataSource,
    Page,
    Thing,
)

MOST_ATTEMPTS = 8
_FIRST_RETRY_S = 0.2
_OPPOSITE = {"page.deleted": "page.undeleted", "page.undeleted": "page.deleted"}


@dataclass(slots=True, kw_only=True)
class Subscription:
    """One endpoint that a person entered, and whether they confirmed its token."""

    url: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    token: str = field(default_factory=lambda: f"secret_{secrets.token_urlsafe(32)}")
    verified: bool = False


@dataclass(slots=True, kw_only=True)
class Event:
    """Changes of one thing in a moment, of one kind."""

    type: str
    thing: Thing
    at: str
    authors: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


class Hooks:
    """The subscriptions of the connection and what is on its way to them."""

    def __init__(self, conditions: Callable[[], Conditions], complain: Callable[[str], Any]):
        self._conditions, self._complain = conditions, complain
        self.subscriptions: dict[str, Subscription] = {}
        self.log: list[dict[str, Any]] = []
        self._waiting: dict[tuple[str, str], Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._http = httpx2.AsyncClient(trust_env=False, timeout=10)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    async def subscribe(self, url: str) -> Subscription:
        """A person enters a URL: Notion sends the token there, once."""
        made = Subscription(url=url)
        self.subscriptions[made.id] = made
        await self._send(made, {"verification_token": made.token}, token=None)
        return made

    def tell(self, kind: str, thing: Thing, by: str, names: list[str]) -> None:
        """A change: events of one thing and kind within the delay become one."""
        if not any(one.verified for one in self.subscriptions.values()):
            return
        if self._waiting.pop((thing.id, _OPPOSITE.get(kind, "")), None) is not None:
            return  # back to what it was: Notion may tell nothing at all
        if not self._waiting:
            self._start(self._flush_later())
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        event = self._waiting.setdefault((thing.id, kind), Event(type=kind, thing=thing, at=now))
        event.authors = sorted({*event.authors, by})
        event.names = sorted({*event.names, *names})

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _flush_later(self) -> None:
        script = self._conditions().script.hooks
        await asyncio.sleep(script.delaySeconds)
        events, self._waiting = list(self._waiting.values()), {}
        for event in reversed(events) if script.reordered else events:
            await self._deliver(event)

    async def _deliver(self, event: Event) -> None:
        conditions = self._conditions()
        script = conditions.script.hooks
        conditions.events += 1
        ordinal = conditions.events
        if conditions.picks(script.lost, ordinal, what="lost"):
            self.log.append({"type": event.type, "entity": event.thing.id, "lost": True})
            return
        forged = conditions.picks(script.forged, ordinal, what="forged")
        times = 2 if conditions.picks(script.doubled, ordinal, what="doubled") else 1
        for subscription in list(self.subscriptions.values()):
            if subscription.verified:
                body = self._body(event, subscription)
                token = "secret_of_a_stranger" if forged else subscription.token
                for _ in range(times):
                    if not await self._send(subscription, body, token=token):
                        self._start(self._again(subscription, body, token=token))

    async def _again(self, subscription: Subscription, body: dict[str, Any], *, token: str) -> None:
        for attempt in range(2, MOST_ATTEMPTS + 1):
            await asyncio.sleep(_FIRST_RETRY_S * 2 ** (attempt - 2))
            if await self._send(subscription, body | {"attempt_number": attempt}, token=token):
                return

    async def _send(self, to: Subscription, body: dict[str, Any], *, token: str | None) -> bool:
        raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        if token is not None:  # the request that brings the token is not signed
            digest = hmac.new(token.encode(), raw, hashlib.sha256).hexdigest()
            headers["X-Notion-Signature"] = f"sha256={digest}"
        told = {"type": body.get("type"), "entity": body.get("entity", {}).get("id")}
        try:
            answer = await self._http.post(to.url, content=raw, headers=headers)
        except httpx2.HTTPError as error:
            self.log.append(told | {"error": type(error).__name__})
            return False
        self.log.append(told | {"status": answer.status_code})
        return answer.is_success

    def _body(self, event: Event, subscription: Subscription) -> dict[str, Any]:
        kinds = {author: "person" if author == PERSON else "bot" for author in event.authors}
        body = {
            "id": str(uuid.uuid4()),
            "timestamp": event.at,
            "workspace_id": WORKSPACE,
            "workspace_name": "Spotloom's tests",
            "subscription_id": subscription.id,
            "integration_id": INTEGRATION,
            "authors": [{"id": author, "type": kind} for author, kind in kinds.items()],
            "attempt_number": 1,
            "api_version": "2026-03-11",
            "type": event.type,
            "entity": {"id": event.thing.id, "type": _entity(event.thing)},
            "data": {"parent": _parent(event.thing), **_changes(event)},
        }
        if (wrong := schemas.problem("events", event.type, body)) is not None:
            self._complain(f"webhook {event.type}: {wrong}")
        return body


def _entity(thing: Thing) -> str:
    return "page" if isinstance(thing, Page) else "data_source"


def _parent(thing: Thing) -> dict[str, Any]:
    if isinstance(thing, Page) and thing.source is not None:
        ids = {"id": thing.source.database.id, "data_source_id": thing.source.id}
        return ids | {"type": "database"}
    assert isinstance(thing, DataSource)
    return {"id": thing.database.id, "type": "database"}


def _changes(event: Event) -> dict[str, Any]:
    if event.type == "page.properties_updated":
        return {"updated_properties": event.names}
    return {}

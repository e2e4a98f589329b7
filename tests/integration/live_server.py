"""A web process over a ground, and those who watch it."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import uvicorn
from fastapi import FastAPI
from tests.integration.live_stage import Ground

from spotloom.auth import keys
from spotloom.auth.gate import Gate
from spotloom.auth.keys import Wanted
from spotloom.auth.roles import EVERYTHING, Role
from spotloom.auth.sign_in import SignIn
from spotloom.campaigns import database
from spotloom.campaigns.submit import LaneKey
from spotloom.forms import load_vocabulary
from spotloom.media.store import Store
from spotloom.providers.catalog import catalog
from spotloom.web import errors, live
from spotloom.web.app import app
from spotloom.web.door.asking import Pace
from spotloom.web.limits import Rates
from spotloom.web.pages.shell import refused
from spotloom.web.parts import Parts

NARROW = 8192  # bytes in a socket; the system doubles it


@dataclass(kw_only=True)
class Door:
    """A served application, and a key of its workspace."""

    url: str
    parts: Parts
    key: str
    server: uvicorn.Server

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    def client(self, **more: Any) -> httpx2.AsyncClient:
        """A client that is let in."""
        given = {"base_url": self.url, "headers": self.headers, "trust_env": False, "timeout": 20}
        return httpx2.AsyncClient(**(given | more))


async def key(ground: Ground, role: Role, *, workspace_id: UUID | None = None) -> str:
    """A key of the workspace."""
    engine, sessions = database.connect(ground.url, pool=1, role=database.Role.GATE)
    wanted = Wanted(name="test", role=role, scopes=frozenset({EVERYTHING}))
    try:
        async with sessions.begin() as session:
            workspace = ground.workspace(workspace_id)
            return (await keys.create(session, workspace, wanted, by="test"))[1]
    finally:
        await engine.dispose()


@contextlib.asynccontextmanager
async def parts(
    ground: Ground, folder: Path, *, url: str = "http://127.0.0.1"
) -> AsyncIterator[Parts]:
    """What an application over that ground is made of."""
    web, web_sessions = database.connect(ground.url, pool=5, role=database.Role.WEB)
    worker, worker_sessions = database.connect(ground.url, pool=2, role=database.Role.WORKER)
    gates, gate_sessions = database.connect(ground.url, pool=5, role=database.Role.GATE)
    gate = Gate(gate_sessions, SignIn(local=True, password_set=False, public_url=url))
    provider = "openai-videos"
    try:
        yield Parts(
            web=web_sessions,
            worker=worker_sessions,
            gate=gate,
            store=Store.open(str(folder / "media")),
            secret=bytes(range(32)),
            provider=provider,
            webhook_secret=None,
            trusted_hosts=frozenset({"127.0.0.1"}),
            public_url=None,
            vocabulary=lambda: load_vocabulary(None),
            offers=lambda: catalog().capabilities(provider),
            lane=lambda: LaneKey(provider=provider, account="bench", slot_limit=4),
            most_videos=660,
            rates=Rates(streams=100),
        )
    finally:
        await gate.close()
        await web.dispose()
        await gates.dispose()
        await worker.dispose()


def application(made: Parts, heartbeat_s: float | None) -> FastAPI:
    """The product's application; the events alone, where their heart is to beat faster."""
    if heartbeat_s is None:
        return app(made)
    alone = FastAPI()
    alone.state.parts, alone.state.pace = made, Pace(made.rates)
    errors.install(alone, page=refused)
    alone.include_router(live.router(made, heartbeat_s=heartbeat_s))
    return alone


@contextlib.asynccontextmanager
async def served(
    made: Parts,
    ground: Ground,
    *,
    role: Role = Role.EDITOR,
    heartbeat_s: float | None = None,
    narrow: bool = False,
) -> AsyncIterator[Door]:
    """The application on a free port, served as the product serves it; `narrow` keeps little."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if narrow:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, NARROW)
        config = uvicorn.Config(
            application(made, heartbeat_s),
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None
        task = asyncio.create_task(server.serve([listener]))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            yield Door(url=address, parts=made, key=await key(ground, role), server=server)
        finally:
            made.ending.set()
            server.should_exit = True
            await task


@dataclass(frozen=True, slots=True)
class Event:
    """One event as a browser takes it."""

    name: str
    id: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cut:
    """What somebody knew who lost the line after an event."""

    last: str
    videos: dict[str, dict[str, Any]]
    over: bool


@dataclass(kw_only=True)
class Watcher:
    """Somebody who watches a batch, and what they make of it."""

    door: Door
    batch: str
    last: str = ""
    events: list[Event] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    videos: dict[str, dict[str, Any]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    status: int = 0
    over: bool = False
    ended: bool = False
    cuts: list["Cut"] = field(default_factory=list)  # how it stood after each event

    async def watch(self) -> None:
        """Follow the events until the server ends them."""
        more = {"last-event-id": self.last} if self.last else {}
        address = f"/api/batch/{self.batch}/events"
        async with (
            self.door.client(timeout=None) as client,
            client.stream("GET", address, headers=more) as answer,
        ):
            self.status = answer.status_code
            if answer.status_code != 200:
                return
            assert answer.headers["content-type"].startswith("text/event-stream")
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                self._line(line, fields)
        self.ended = True

    def _line(self, line: str, fields: dict[str, str]) -> None:
        name, _, value = line.partition(":")
        if line.startswith(":"):
            self.comments.append(value.strip())
        elif line:
            fields[name] = value.removeprefix(" ")
        elif fields:
            if "data" in fields:
                self._take(Event(fields["event"], fields.get("id", ""), json.loads(fields["data"])))
            fields.clear()

    def _take(self, event: Event) -> None:
        self.last = event.id
        self.events.append(event)
        if event.name == "over":
            self.over = True
        if event.name in ("snapshot", "delta"):
            if event.name == "snapshot":
                self.videos = {}
            self.videos |= {each["combinationId"]: each for each in event.data["videos"]}
            self.figures = {k: v for k, v in event.data.items() if k != "videos"}
            self.over = self.over and self.figures["over"] == self.figures["totalVideos"]
        self.cuts.append(Cut(self.last, dict(self.videos), self.over))

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.events]

    def progress(self) -> dict[str, int | None]:
        return {key: each.get("progress") for key, each in self.videos.items()}


@contextlib.asynccontextmanager
async def watching(door: Door, batch: str, *, after: Cut | None = None) -> AsyncIterator[Watcher]:
    """Somebody who watches while the context is open, from where they were cut off if they were."""
    watcher = Watcher(door=door, batch=batch)
    if after is not None:
        watcher.last, watcher.videos, watcher.over = after.last, dict(after.videos), after.over
    task = asyncio.create_task(watcher.watch())
    try:
        yield watcher
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

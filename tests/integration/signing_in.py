"""A house with doors: the whole web application over an empty database, and browsers before it."""

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import psycopg
import uvicorn
from psycopg.rows import dict_row
from tests.integration.live_stage import PROVIDER, Ground

from spotloom.auth.gate import Gate
from spotloom.auth.sign_in import ClerkSettings, OidcSettings, SignIn
from spotloom.campaigns.database import Role, connect
from spotloom.campaigns.submit import LaneKey
from spotloom.forms import load_vocabulary
from spotloom.media.store import Store
from spotloom.providers.catalog import catalog
from spotloom.web.app import app
from spotloom.web.parts import Parts


@dataclass(frozen=True, slots=True)
class House:
    """A served application."""

    url: str
    database: str
    gate: Gate

    def run(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        """Run it as the database's owner; its rows."""
        with psycopg.connect(self.database, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement, arguments or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, *arguments: Any) -> Any:
        """The only value that the statement gives."""
        return next(iter(self.run(statement, *arguments)[0].values()))

    def browser(self, **more: Any) -> httpx2.AsyncClient:
        """Somebody's browser, on a page of ours."""
        headers = {"origin": self.url, "user-agent": "Test Browser", **more.pop("headers", {})}
        return httpx2.AsyncClient(
            base_url=self.url, headers=headers, trust_env=False, timeout=20, **more
        )

    @contextlib.asynccontextmanager
    async def owner(self) -> AsyncIterator[httpx2.AsyncClient]:
        """The owner's browser, signed in by a link."""
        async with self.browser() as browser:
            reply = await enter(browser, await self.gate.login_link())
            assert reply.status_code == 200, reply.text
            yield browser

    @contextlib.asynccontextmanager
    async def invited(self, role: str, email: str) -> AsyncIterator[httpx2.AsyncClient]:
        """The browser of somebody who has followed the owner's invitation."""
        async with self.owner() as owner:
            reply = await owner.post("/api/invitations", json={"email": email, "role": role})
            assert reply.status_code == 201, reply.text
        async with self.browser() as browser:
            reply = await browser.post(
                "/auth/invitations",
                json={
                    "secret": secret_of(reply.json()["link"]),
                    "name": email.partition("@")[0],
                    "password": f"correct horse of {email}",
                },
            )
            assert reply.status_code == 200, reply.text
            yield browser

    def audited(self) -> list[str]:
        """What was done, in order."""
        return [row["action"] for row in self.run("SELECT action FROM spotloom.audit ORDER BY id")]


def secret_of(link: str) -> str:
    return link.partition("#")[2]


async def enter(browser: httpx2.AsyncClient, link: str) -> httpx2.Response:
    """Follow a one-time link."""
    return await browser.post("/auth/link", json={"secret": secret_of(link)})


@contextlib.contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener


@contextlib.asynccontextmanager
async def house(
    ground: Ground,
    *,
    oidc: OidcSettings | None = None,
    clerk: ClerkSettings | None = None,
    local: bool = True,
    public_url: str | None = None,
    listener: socket.socket | None = None,
    ask_gate_every_s: float = 15,
) -> AsyncIterator[House]:
    """The application on a free port of this machine."""
    async with contextlib.AsyncExitStack() as stack:
        listener = listener or stack.enter_context(listening())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="spotloom-house-"))
        sessions = {}
        for role in Role:
            engine, sessions[role] = connect(ground.url, pool=5, role=role)
            stack.push_async_callback(engine.dispose)
        sign_in = SignIn(
            local=local, password_set=False, oidc=oidc, clerk=clerk, public_url=public_url or url
        )
        gate = Gate(sessions[Role.GATE], sign_in)
        stack.push_async_callback(gate.close)
        parts = Parts(
            web=sessions[Role.WEB],
            worker=sessions[Role.WORKER],
            gate=gate,
            store=Store.open(folder),
            secret=bytes(32),
            provider=PROVIDER,
            webhook_secret=None,
            trusted_hosts=frozenset({"127.0.0.1", "localhost"}),
            public_url=public_url or url,
            vocabulary=lambda: load_vocabulary(None),
            offers=lambda: catalog().capabilities(PROVIDER),
            lane=lambda: LaneKey(provider=PROVIDER, account="test", slot_limit=4),
            most_videos=660,
            ask_gate_every_s=ask_gate_every_s,
        )
        server = uvicorn.Server(
            uvicorn.Config(app(parts), log_level="warning", lifespan="off", access_log=False)
        )
        server.install_signal_handlers = lambda: None
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield House(url, ground.url, gate)
        finally:
            parts.ending.set()
            server.should_exit = True
            await task

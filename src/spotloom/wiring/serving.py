"""Opens the web application: the gate, the parts, and the server that listens."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import uvicorn
from fastapi.telemetry import TelemetryConfig
from prometheus_client import Histogram
from pydantic import SecretStr

from spotloom.auth import passwords
from spotloom.auth.gate import Gate
from spotloom.auth.sign_in import ClerkSettings, OidcSettings, SignIn, may_bind
from spotloom.campaigns import database
from spotloom.campaigns.submit import LaneKey
from spotloom.creative.dimensions import Vocabulary
from spotloom.errors import SetupError
from spotloom.forms import load_vocabulary
from spotloom.providers.catalog import catalog
from spotloom.providers.provider import Capability, Provider
from spotloom.settings import Settings
from spotloom.web.app import app
from spotloom.web.edge.telemetry import telemetry
from spotloom.web.parts import KnownProvider, Parts
from spotloom.wiring import OPENAI_VIDEOS, Base, lane_key, notion
from spotloom.wiring.known import known_providers
from spotloom.wiring.secret import secret

OURSELVES = frozenset({"127.0.0.1", "localhost", "[::1]"})
PORT = 8765


@dataclass(frozen=True, slots=True)
class Served:
    """The web application at work: where it listens, and who it lets in."""

    address: str
    gate: Gate


@contextlib.asynccontextmanager
async def served(
    settings: Settings,
    base: Base,
    using: Sequence[Provider],
    *,
    host: str,
    port: int,
    or_free: bool = False,
    calls: Histogram | None = None,
) -> AsyncIterator[Served]:
    """The web application while the context is open; it tells of this process's `calls`.

    `or_free`: elsewhere if the port is taken.
    """
    with _listening(host, port, or_free=or_free) as listener:
        address = f"http://{host}:{listener.getsockname()[1]}"
        collector = settings.otlp_endpoint
        told = telemetry(None if collector is None else str(collector))
        async with (
            contextlib.AsyncExitStack() as stack,
            gate(settings, base, address=address) as people,
        ):
            may_bind(host, people.sign_in)
            making = _Making.of(settings, using)
            parts = await stack.enter_async_context(
                _parts(settings, base, making, people, host=host, config=told.config, calls=calls)
            )
            server = uvicorn.Server(
                uvicorn.Config(
                    app(parts),
                    log_level="warning",
                    access_log=False,
                    server_header=False,
                    lifespan="off",
                    timeout_graceful_shutdown=2,
                )
            )
            # The process has its own handlers; uvicorn offers no other way, and hides this one.
            server.install_signal_handlers = lambda: None  # type: ignore[attr-defined] # see above
            task = asyncio.create_task(server.serve([listener]))
            try:
                yield Served(address, people)
            finally:
                parts.ending.set()
                server.should_exit = True
                await task
                await asyncio.to_thread(told.close)


@contextlib.asynccontextmanager
async def gate(settings: Settings, base: Base, *, address: str) -> AsyncIterator[Gate]:
    """The gate, in the role that sees who may come in and nothing else."""
    engine, sessions = database.connect(base.url, role=database.Role.GATE, pool=5)
    try:
        async with sessions() as session:
            password_set = await passwords.any_set(session)
        public_url = settings.public_url
        sign_in = SignIn(
            local=True,
            password_set=password_set,
            oidc=_oidc(settings),
            clerk=clerk(settings),
            public_url=address if public_url is None else str(public_url).rstrip("/"),
        )
        opened = Gate(sessions, sign_in)
        try:
            yield opened
        finally:
            await opened.close()
    finally:
        await engine.dispose()


@contextlib.contextmanager
def _listening(host: str, port: int, *, or_free: bool) -> Iterator[socket.socket]:
    # With the protocol named, asyncio turns Nagle's delay off: 40 ms less for every answer.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            if or_free and error.errno == errno.EADDRINUSE:
                listener.bind((host, 0))
                yield listener
                return
            raise SetupError(
                f"Port {port} of {host} cannot be used: {error.strerror}. "
                "Choose another with --port."
            ) from error
        yield listener


@dataclass(frozen=True, slots=True)
class _Making:
    """What new batches are made with, read once."""

    vocabulary: Vocabulary
    offers: tuple[Capability, ...]
    lane: LaneKey
    known: tuple[KnownProvider, ...]

    @classmethod
    def of(cls, settings: Settings, using: Sequence[Provider]) -> Self:
        """SetupError when the provider of the settings is not among those in use."""
        provider = next((p for p in using if p.name == settings.provider), None)
        if provider is None:
            raise SetupError(
                f"SPOTLOOM_PROVIDER is {settings.provider}, which needs SORA_BASE_URL to be set."
            )
        return cls(
            vocabulary=load_vocabulary(settings.vocabulary),
            offers=tuple(catalog().capabilities(settings.provider)),
            lane=lane_key(settings, provider),
            known=known_providers(settings, using),
        )


@contextlib.asynccontextmanager
async def _parts(
    settings: Settings,
    base: Base,
    making: _Making,
    people: Gate,
    *,
    host: str,
    config: TelemetryConfig,
    calls: Histogram | None,
) -> AsyncIterator[Parts]:
    engine, sessions = database.connect(base.url, role=database.Role.WEB)
    webhooks = settings.webhook_secret
    public_url = settings.public_url
    try:
        async with notion.desk(settings, base.home, base.sessions) as desk:
            yield Parts(
                web=sessions,
                worker=base.sessions,
                gate=people,
                store=base.store,
                secret=secret(settings, base.home),
                provider=OPENAI_VIDEOS,
                webhook_secret=None if webhooks is None else webhooks.get_secret_value(),
                trusted_hosts=OURSELVES | {host},
                public_url=None if public_url is None else str(public_url),
                vocabulary=lambda: making.vocabulary,
                offers=lambda: making.offers,
                lane=lambda: making.lane,
                most_videos=settings.max_videos,
                known=making.known,
                places=_places(settings, base),
                notion=desk,
                calls=calls,
                telemetry=config,
            )
    finally:
        await engine.dispose()


def _places(settings: Settings, base: Base) -> dict[str, str]:
    """Where things are kept, without a secret."""
    given = settings.database_url is not None
    return {
        "Data folder": str(base.home),
        "Database": "the server in DATABASE_URL" if given else "PostgreSQL in the data folder",
        "Store": base.store.name,
    }


def _oidc(settings: Settings) -> OidcSettings | None:
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None:
        raise SetupError("SPOTLOOM_OIDC_ISSUER is set; set SPOTLOOM_OIDC_CLIENT_ID, too.")
    return OidcSettings(
        issuer=str(settings.oidc_issuer).rstrip("/"),
        client_id=settings.oidc_client_id,
        client_secret=_plain(settings.oidc_client_secret),
        admin_email=settings.oidc_admin_email,
    )


def clerk(settings: Settings) -> ClerkSettings | None:
    """The Clerk application of the settings; SetupError when half of it is given."""
    key, public = settings.clerk_publishable_key, _plain(settings.clerk_jwt_key)
    if key is None:
        return None
    if public is None:
        raise SetupError("CLERK_PUBLISHABLE_KEY is set; set CLERK_JWT_KEY, too: its tokens' key.")
    return ClerkSettings(
        publishable_key=key,
        jwt_key=public,
        secret_key=_plain(settings.clerk_secret_key),
        webhook_secret=_plain(settings.clerk_webhook_secret),
        organizations=_organizations(settings.clerk_organizations),
    )


def _organizations(given: str | None) -> frozenset[str] | None:
    """The ids in the setting; SetupError when one is none: a name would let nobody in."""
    if given is None:
        return None
    named = [each.strip() for each in given.split(",")]
    for each in named:
        if not each.startswith("org_"):
            raise SetupError(
                f"CLERK_ORGANIZATIONS holds {each!r}; write the ids of organisations in Clerk, "
                "org_…, apart by commas."
            )
    return frozenset(named)


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()

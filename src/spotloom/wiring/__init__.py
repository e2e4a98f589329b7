"""Calls the constructors: from settings to open connections, and closes them in order."""

import asyncio
import contextlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from prometheus_client import Histogram

from spotloom import embedded
from spotloom.campaigns import database
from spotloom.campaigns.database import Sessions
from spotloom.campaigns.submit import LaneKey
from spotloom.errors import SetupError
from spotloom.generation import worker
from spotloom.generation.mirrors import outbound
from spotloom.generation.mirrors.notion import Mirror
from spotloom.generation.tools import Tools
from spotloom.guarded import Allow, GuardedClient
from spotloom.media.store import Store
from spotloom.media.workers import Workers
from spotloom.providers.catalog import catalog
from spotloom.providers.measured import Measured
from spotloom.providers.openai_videos import OpenAIVideos, Timeouts
from spotloom.providers.provider import Provider
from spotloom.sandbox import launcher
from spotloom.settings import Settings
from spotloom.wiring import notion

log = structlog.get_logger()

SANDBOX = "sandbox"
OPENAI_VIDEOS = "openai-videos"
SANDBOX_LOOK_S = 5.0
LEAST_FREE_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Base:
    """The data folder and the database, ready for use."""

    home: Path
    url: str
    sessions: Sessions
    store: Store


def prepare_home(settings: Settings) -> Path:
    """The data folder, made if absent; SetupError when it cannot be written or is full."""
    home = settings.data
    try:
        # Root's database runs as another account, which must be able to pass through.
        home.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        probe = home / f".writable-{secrets.token_hex(6)}"
        probe.write_bytes(b"ok")
        probe.unlink()
        free = shutil.disk_usage(home).free
    except OSError as error:
        raise SetupError(
            f"The data folder {home} cannot be written: {error.strerror}. "
            "Set SPOTLOOM_HOME to a folder that this user may write."
        ) from error
    if free < LEAST_FREE_BYTES:
        raise SetupError(
            f"The disk of the data folder {home} has {free // 2**20} MB left; at least "
            f"{LEAST_FREE_BYTES // 2**20} MB are needed. Free some, or set SPOTLOOM_HOME."
        )
    return home


@contextlib.contextmanager
def database_url(settings: Settings, home: Path) -> Iterator[str]:
    """The database to use: DATABASE_URL, else the one that comes with us, started here."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    server = embedded.start(home)
    try:
        yield server.url
    finally:
        server.stop()


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Base]:
    """Data folder, database with its tables up to date, and store."""
    home = prepare_home(settings)
    store = Store.open(settings.store or str(home / "media"))
    with database_url(settings, home) as url:
        await asyncio.to_thread(database.check, url)
        await asyncio.to_thread(database.migrate, url)
        engine, sessions = database.connect(url, role=database.Role.WORKER)
        try:
            yield Base(home, url, sessions, store)
        finally:
            await engine.dispose()


@contextlib.asynccontextmanager
async def providers(
    settings: Settings, home: Path, *, names: set[str], calls: Histogram | None = None
) -> AsyncIterator[list[Provider]]:
    """The providers of these names, reachable; the sandbox is started when it is among them.

    `calls` learns how long each call to them takes, and how it ends.
    """
    async with contextlib.AsyncExitStack() as stack:
        opened: list[Provider] = []
        for name in sorted(names):
            provider = (
                await _sandbox(settings, home, stack)
                if name == SANDBOX
                else _openai_videos(settings)
            )
            stack.push_async_callback(provider.close)
            opened.append(provider if calls is None else Measured(provider, calls))
        yield opened


@contextlib.asynccontextmanager
async def worker_of(
    settings: Settings, base: Base, using: list[Provider], *, finishes: int | None = None
) -> AsyncIterator[None]:
    """This process works on the lanes of those providers while the context is open."""
    scratch = base.home / "scratch"
    scratch.mkdir(exist_ok=True)
    workers = Workers()
    liveness = worker.new_liveness(base.url)
    tools = Tools(
        sessions=base.sessions,
        providers={(p.name, p.account): p for p in using},
        store=base.store,
        workers=workers,
        scratch=scratch,
        max_bytes=settings.max_file_mb * 2**20,
        longest_call_s=settings.request_timeout_seconds,
        automatic_retries=settings.automatic_retries,
        poll_s=settings.poll_seconds,
        still_mine=liveness.still_mine,
    )
    sender = outbound.Sender(base.sessions, GuardedClient(allow=_reach(settings)))
    try:
        async with notion.desk(settings, base.home, base.sessions) as desk:
            beside = [sender.run, *([] if desk is None else [Mirror(desk).run])]
            async with worker.working(base.url, tools, liveness, finishes=finishes, beside=beside):
                yield
    finally:
        workers.close()


def _reach(settings: Settings) -> Allow:
    """Where webhooks of our own may go: public addresses, and what the operator named."""
    named = settings.reach.split()
    origins = frozenset(name for name in named if "://" in name)
    return Allow(origins=origins, networks=tuple(n for n in named if "://" not in n))


def configured(settings: Settings) -> set[str]:
    """The providers that a standing worker serves: the sandbox, and what has an address."""
    return {SANDBOX} | ({OPENAI_VIDEOS} if settings.sora_base_url is not None else set())


def lane_key(settings: Settings, provider: Provider) -> LaneKey:
    """Where batches for this provider queue."""
    return LaneKey(
        provider=provider.name,
        account=provider.account,
        slot_limit=settings.max_concurrent,
    )


def _openai_videos(settings: Settings) -> OpenAIVideos:
    key = settings.sora_api_key
    return catalog().openai_videos(
        OPENAI_VIDEOS,
        base_url=settings.videos_address,
        api_key=None if key is None else key.get_secret_value(),
        dialect=settings.dialect,
        concurrent=settings.max_concurrent,
        list_lag_s=settings.list_lag_seconds,
        timeouts=Timeouts(
            read_s=settings.request_timeout_seconds,
            reply_s=2 * settings.request_timeout_seconds,
        ),
    )


async def _sandbox(
    settings: Settings, home: Path, stack: contextlib.AsyncExitStack
) -> OpenAIVideos:
    limit = settings.max_concurrent
    running = await asyncio.to_thread(launcher.ensure, home / "sandbox", limit=limit)
    stack.callback(running.stop)
    guard = asyncio.create_task(_guard(running, limit=limit))
    stack.callback(guard.cancel)
    return catalog().openai_videos(
        SANDBOX,
        base_url=running.base_url,
        api_key=None,
        concurrent=settings.max_concurrent,
        # The port differs from start to start, and every machine has a sandbox of its own.
        account_name=_home_id(home),
    )


async def _guard(running: launcher.Running, *, limit: int) -> None:
    """Start the sandbox again when it has died, for as long as this process uses it."""
    while True:
        await asyncio.sleep(SANDBOX_LOOK_S)
        try:
            if not await asyncio.to_thread(running.revive, limit=limit):
                log.error("sandbox.moved")
        except (SetupError, OSError) as error:
            log.warning("sandbox.away", reason=str(error))


def _home_id(home: Path) -> str:
    """This data folder's own name, made once."""
    path = home / "id"
    if not path.exists():
        draft = home / f".id.{secrets.token_hex(6)}"
        draft.write_text(draft.suffix[1:])
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # never replaces: of two starters, the first decides
        draft.unlink()
    return path.read_text()

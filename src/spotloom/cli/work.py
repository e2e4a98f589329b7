"""`spotloom worker` and `spotloom up`: processes that work until they are stopped."""

import asyncio
import contextlib
import ctypes
import signal
from typing import Annotated

import structlog
import typer

from spotloom import settings as setting
from spotloom.cli.say import err
from spotloom.settings import Settings

log = structlog.get_logger()

M_ARENA_MAX = -8  # of malloc.h


def worker_command(
    slots: Annotated[
        int | None, typer.Option(help="Videos finished at once here. [4 per core]", min=1)
    ] = None,
) -> None:
    """Work on every campaign in the database, until stopped; as many of these as you like.

    Each machine needs the same DATABASE_URL, SPOTLOOM_STORE and provider settings.

    Example: DATABASE_URL=postgresql://… SPOTLOOM_STORE=s3://… spotloom worker
    """
    _share_memory()
    asyncio.run(_work(setting.load(), slots=slots))


def up_command(
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 8765,
) -> None:
    """Serve the studio, the API and the webhooks, with one worker beside them, until stopped.

    The first time, it prints a one-time link that signs you in; `spotloom login-link` prints more.

    Example: spotloom up --port 8765
    """
    _share_memory()
    asyncio.run(_serve(setting.load(), host=host, port=port))


def _share_memory() -> None:
    """Let the threads share two heaps: with one for each, a worker keeps 10 MB more (glibc)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


async def _work(settings: Settings, *, slots: int | None) -> None:
    from spotloom import wiring

    async with wiring.opened(settings) as base:
        names = wiring.configured(settings)
        async with (
            wiring.providers(settings, base.home, names=names) as using,
            wiring.worker_of(settings, base, using, finishes=slots),
        ):
            err.print(f"Working with {', '.join(sorted(names))}. Ctrl-C stops.")
            await _stopped()


async def _serve(settings: Settings, *, host: str, port: int) -> None:
    from spotloom import wiring
    from spotloom.cli.access import first_link
    from spotloom.providers.measured import new_calls
    from spotloom.wiring import serving

    async with wiring.opened(settings) as base:
        names, calls = wiring.configured(settings), new_calls()
        async with (
            wiring.providers(settings, base.home, names=names, calls=calls) as using,
            wiring.worker_of(settings, base, using),
            serving.served(settings, base, using, host=host, port=port, calls=calls) as served,
        ):
            working = ", ".join(sorted(names))
            err.print(f"Serving {served.address}, working with {working}. Ctrl-C stops.")
            if link := await first_link(served.gate):
                err.print(f"Sign in, once and within 15 minutes: {link}", soft_wrap=True)
            await _stopped()


async def _stopped() -> None:
    """Return when the process is asked to stop; what is under way stays for the next worker."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    with contextlib.suppress(NotImplementedError):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    log.info("worker.stopping")

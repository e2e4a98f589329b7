"""`python -m spotloom.sandbox`: the sandbox in the foreground, or detached for a launcher."""

import argparse
import asyncio
import contextlib
import errno
import fcntl
import logging
import logging.handlers
import os
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spotloom.creative.request import Seconds, Size
from spotloom.errors import SetupError
from spotloom.leases import exclusively, in_use
from spotloom.sandbox.launcher import LOG, READY, Address

if TYPE_CHECKING:  # each worker process runs this module's imports again
    from spotloom.sandbox.server import Options

_UNUSED_S = 3.0
_LOG_BYTES = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox until it is stopped, or unused when detached; the process's exit code."""
    given = _parser().parse_args(arguments)
    try:
        home = _home(given.home)
        with _listening(given.port) as listener:
            address = Address.new(listener.getsockname()[1])
            options = _options(given, home=home, secret=address.secret)
            if given.detached and os.fork():
                os._exit(0)  # the launcher waits for this one, and is no parent of the other
            with _only_server(home):
                _log_to(home)
                asyncio.run(_serve(options, given, listener=listener, address=address))
    except SetupError as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spotloom sandbox", description=__doc__)
    add = parser.add_argument
    add("--home", type=Path, required=True, help="folder for its jobs, ledger and files")
    add("--port", type=int, default=0, help="loopback port (default: any free one)")
    add("--limit", type=int, default=4, help="jobs queued or in progress at once (default: 4)")
    add("--faults", type=Path, help="YAML or JSON file of scripted faults")
    add("--instant-seconds", type=float, help="each job takes this long and yields a stock clip")
    add(
        "--warm",
        action="append",
        type=_shape,
        default=[],
        metavar="WIDTHxHEIGHT:SECONDS",
        help="draw this stock clip before listening is announced; may be repeated",
    )
    add("--webhook-url", help="where to announce ends")
    add("--webhook-secret", default="", help="signs the webhooks (whsec_… or plain text)")
    add("--idempotency", action=argparse.BooleanOptionalAction, default=False)
    add("--keep-hours", type=float, default=24.0, help="life of finished files (default: 24)")
    add("--processes", type=int, default=os.cpu_count() or 1, help="drawing processes")
    add("--ready-file", type=Path, help="written once the server listens: its url")
    add("--detached", action="store_true", help=argparse.SUPPRESS)
    return parser


def _shape(text: str) -> tuple[Size, Seconds]:
    size, _, seconds = text.partition(":")
    return Size.parse(size), Seconds(int(seconds))


def _home(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path.resolve()
    except OSError as error:
        raise SetupError(f"The folder {path} cannot be used: {error.strerror}.") from error


def _options(given: argparse.Namespace, *, home: Path, secret: str) -> "Options":
    from spotloom.sandbox.faults import Script, read_script
    from spotloom.sandbox.making import Manner
    from spotloom.sandbox.server import Options

    return Options(
        home=home,
        secret=secret,
        limit=given.limit,
        script=read_script(given.faults) if given.faults else Script(),
        idempotency=given.idempotency,
        manner=Manner(
            instant_s=given.instant_seconds,
            keep_s=given.keep_hours * 3600,
            webhook_url=given.webhook_url,
            webhook_secret=given.webhook_secret,
            processes=max(given.processes, 1),
        ),
    )


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    # asyncio turns Nagle's delay off only when told the protocol; else an answer takes 40 ms.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            used = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            reason = "is in use" if used else f"cannot be used ({error})"
            raise SetupError(f"Port {port} {reason}; choose another with --port.") from error
        yield listener


@contextlib.contextmanager
def _only_server(home: Path) -> Iterator[None]:
    """One server for a home: the next waits until the last has closed its files."""
    with (home / "serving.lock").open("a") as file:
        for _ in range(100):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.1)
        else:
            raise SetupError(f"Another sandbox serves {home}; stop it, or choose another --home.")
        yield


def _log_to(home: Path) -> None:
    import structlog

    handler = logging.handlers.RotatingFileHandler(home / LOG, maxBytes=_LOG_BYTES, backupCount=1)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler], force=True)
    for noisy in ("httpx2", "httpcore2"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


async def _serve(
    options: "Options", given: argparse.Namespace, *, listener: socket.socket, address: Address
) -> None:
    import uvicorn

    from spotloom.sandbox.jobs import Disk
    from spotloom.sandbox.server import Sandbox, Transports, build, protocol

    transports: Transports = {}
    try:
        disk = await Disk.open(options.home / "sandbox.sqlite")
    except sqlite3.Error as error:
        raise SetupError(f"The jobs in {options.home} cannot be opened: {error}.") from error
    sandbox = Sandbox(options, disk=disk, transports=transports)
    await sandbox.making.resume()
    for size, seconds in given.warm:
        await sandbox.making.stock(size, seconds)
    config = uvicorn.Config(
        build(sandbox),
        http=protocol(transports),
        lifespan="on",
        proxy_headers=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    listener.listen(128)  # from here on callers wait in line instead of being refused
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    address.write(options.home / READY)
    if given.ready_file:
        address.write(given.ready_file)
    _say_ready(address, detached=given.detached)
    if given.detached:
        await _until_unused(options.home, serving, address=address)
        server.should_exit = True
    await serving
    address.forget(options.home)


def _say_ready(address: Address, *, detached: bool) -> None:
    if not detached:
        sys.stdout.write(f"sandbox: listening on {address.url}/v1\n")
        sys.stdout.flush()
        return
    os.write(1, b"ready\n")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)  # the launcher waits for the end of this pipe
    os.close(nothing)


async def _until_unused(home: Path, serving: asyncio.Task[None], *, address: Address) -> None:
    used_at = time.monotonic()
    while not serving.done():
        await asyncio.wait([serving], timeout=1.0)
        if in_use(home):
            used_at = time.monotonic()
            continue
        # In a thread: whoever holds the start lock may be asking us for our health.
        unused = time.monotonic() - used_at >= _UNUSED_S
        if unused and await asyncio.to_thread(_leave, home, address):
            return


def _leave(home: Path, address: Address) -> bool:
    with exclusively(home):
        if in_use(home):
            return False
        address.forget(home)
        return True


if __name__ == "__main__":
    sys.exit(main())

"""Keeps every test on this machine and away from the user's data, and waits with deadlines."""

import asyncio
import ipaddress
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import pytest

T = TypeVar("T")

# The user's home and settings are out of reach.
# Set before any test module is imported, so that nothing can have read the real ones.

_HOME = Path(tempfile.mkdtemp(prefix="spotloom-test-"))
_HOME.chmod(0o711)  # root's database runs as another account, which must be able to pass
_OURS = ("SPOTLOOM_", "SORA_", "NOTION_", "CLERK_", "QDRANT_", "DATABASE_URL", "XDG_", "PG")
_KEPT = ("SPOTLOOM_TEST_", "SPOTLOOM_FAULTS_", "SPOTLOOM_NO_BROWSER", "XDG_RUNTIME_DIR")


def _leave_the_users_settings() -> None:
    for name in list(os.environ):
        if name.startswith(_OURS) and not name.startswith(_KEPT):
            del os.environ[name]
    os.environ["HOME"] = str(_HOME)
    os.environ["SPOTLOOM_HOME"] = str(_HOME / "spotloom")


_leave_the_users_settings()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, or the other processes would wait for it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("longest") is None)


def pytest_unconfigure() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


# The network ends at loopback.
# An audit hook sees every connection Python makes, whatever library makes it. It cannot see
# compiled clients (libpq, obstore) nor child processes.


class OutsideNetworkError(RuntimeError):
    """A test tried to leave this machine."""


_attempts: list[str] = []


def _stays_here(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    text = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse_outside(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        # The unspecified addresses are what a server binds to; looking them up sends nothing.
        if _stays_here(args[0]) or args[0] in ("0.0.0.0", "::"):  # noqa: S104 - not bound here
            return
        target = f"look up {args[0]!r}"
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        sock, address = args
        inet = sock.family in (socket.AF_INET, socket.AF_INET6)
        if not inet or address is None or _stays_here(address[0]):
            return
        target = f"reach {address[0]}:{address[1]}"
    else:
        return
    _attempts.append(target)
    msg = f"A test tried to {target}; tests talk to 127.0.0.1 only."
    raise OutsideNetworkError(msg)


sys.addaudithook(_refuse_outside)


@pytest.fixture(autouse=True)
def outside_attempts() -> Iterator[list[str]]:
    """What this test tried to reach outside; anything left in it fails the test.

    Code that swallows the refusal would otherwise hide it.
    """
    _attempts.clear()
    yield _attempts
    assert not _attempts, f"the test tried to {_attempts}; tests talk to 127.0.0.1 only"


# Generated examples are the same on every run.
# `./run test --hypothesis-profile=search` looks for new ones.

_settled = hypothesis.settings(derandomize=True, deadline=None, database=None, print_blob=True)
hypothesis.settings.register_profile("ci", _settled)
hypothesis.settings.register_profile(
    "search", deadline=None, print_blob=True, max_examples=2000, derandomize=False
)
hypothesis.settings.load_profile("ci")


_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.002, 0.05


def _wait_until(condition: Callable[[], T], deadline_s: float = 30) -> T:
    end, pause_s = time.monotonic() + deadline_s, _FIRST_PAUSE_S
    while not (value := condition()):
        if time.monotonic() > end:
            pytest.fail(f"still {value!r} after {deadline_s} s: {condition}")
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
    return value


async def _wait_until_async(condition: Callable[[], T | Awaitable[T]], deadline_s: float = 30) -> T:
    end, pause_s = time.monotonic() + deadline_s, _FIRST_PAUSE_S
    while True:
        answer = condition()
        value = await answer if isinstance(answer, Awaitable) else answer
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"still {value!r} after {deadline_s} s: {condition}")
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


_DAY_S, _ENOUGH_S = 86_400, 120


@pytest.fixture(scope="session")
def one_day() -> Callable[[], None]:
    """`one_day()` returns when what is of today stays so for two minutes: midnight UTC is far."""
    return lambda: _wait_until(lambda: time.time() % _DAY_S < _DAY_S - _ENOUGH_S, 2 * _ENOUGH_S)


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Any]:
    """`wait_until(condition, deadline_s=30)`: the condition's first true value, or a failure."""
    return _wait_until


@pytest.fixture(scope="session")
def wait_until_async() -> Callable[..., Awaitable[Any]]:
    """`await wait_until_async(condition, deadline_s=30)`; the condition may be a coroutine."""
    return _wait_until_async

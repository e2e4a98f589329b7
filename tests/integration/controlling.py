"""What the tests of control share: hands on a stage's database, and the command line."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from tests.integration.generating import Stage
from tests.integration.generating_provider import environment

from spotloom.campaigns.database import Sessions, connect

T = TypeVar("T")


@contextlib.asynccontextmanager
async def hands(stage: Stage, *, pool: int = 4) -> AsyncIterator[Sessions]:
    """Sessions on the stage's database, as a command or a page opens them."""
    engine, sessions = connect(stage.url, pool=pool)
    try:
        yield sessions
    finally:
        await engine.dispose()


async def act(stage: Stage, what: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Do one thing in one transaction, as a command does."""
    async with hands(stage, pool=1) as sessions, sessions.begin() as session:
        return await what(session)


def key_of(stage: Stage, generation_id: UUID) -> str:
    """The combination id of that generation."""
    rows = stage.query(
        "SELECT c.key FROM spotloom.combination c JOIN spotloom.generation g"
        " ON g.combination_id = c.id WHERE g.id = %s",
        generation_id,
    )
    return str(rows[0]["key"])


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


async def spotloom(*words: str, **settings: str) -> Said:
    """Run the command line in a process of its own."""

    def run() -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "spotloom", *words],
            env=environment(**settings),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    with ThreadPoolExecutor(1) as thread:
        return await asyncio.get_running_loop().run_in_executor(thread, run)

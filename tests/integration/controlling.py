"""What the tests of control share: hands on a stage's database, and the command line."""

import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from tests.integration.command_line import Said
from tests.integration.generating import Stage
from tests.integration.generating_provider import environment

from spotloom.campaigns.database import Role, Sessions, connect

T = TypeVar("T")


@contextlib.asynccontextmanager
async def hands(stage: Stage, *, pool: int = 4) -> AsyncIterator[Sessions]:
    """Sessions on the stage's database, as a command or a page opens them."""
    engine, sessions = connect(stage.url, pool=pool, role=Role.WORKER)
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


class Person:
    """Somebody at a terminal of this stage."""

    def __init__(self, stage: Stage) -> None:
        self._terminal = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("controlling_terminal.py"))],
            env=environment(**stage.environment),
            cwd=stage.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def types(self, *words: str) -> Said:
        """What the command answers."""
        assert self._terminal.stdin is not None
        assert self._terminal.stdout is not None
        self._terminal.stdin.write(json.dumps(words) + "\n")
        self._terminal.stdin.flush()
        return Said(**json.loads(self._terminal.stdout.readline()))

    def reads(self, *words: str) -> Any:
        """The JSON answer of a command that must succeed."""
        said = self.types(*words, "--json")
        assert said.code == 0, said.words
        return said.json

    def leaves(self) -> None:
        with self._terminal:  # closes its standard input, and waits
            pass

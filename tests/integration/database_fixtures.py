"""What tests of the embedded database share: another process that uses it, and questions."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest

from spotloom import embedded, leases

ROOT = os.geteuid() == 0
STARTER = Path(__file__).with_name("embedded_starter.py")

WaitUntil = Callable[..., Any]


class Starter:
    """Another process that uses the home's database."""

    def __init__(self, home: Path, *, user: int | None = None, site: Path | None = None) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, str(STARTER), str(home)),
                *(str(os.geteuid() if user is None else user), str(site or "")),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def says(self) -> dict[str, str]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            self.leave()
            pytest.fail("the starter ended without a word")
        words: dict[str, str] = json.loads(line)
        return words

    def leave(self) -> None:
        with self.process:  # closes its standard input, and waits
            pass

    def kill(self) -> None:
        self.process.kill()
        self.leave()


def ask(url: str, question: str) -> Any:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        cursor = connection.execute(question)
        row = cursor.fetchone() if cursor.description else None
        return row and row[0]


def born(url: str) -> Any:
    return ask(url, "SELECT pg_postmaster_start_time()")


def postmaster(home: Path) -> int:
    return int((home / "postgres/data/postmaster.pid").read_text().splitlines()[0])


def runs(home: Path) -> bool:
    claim = leases.claim(home / "postgres/server.lock")
    if claim is None:
        return True
    os.close(claim)
    return False


@contextlib.contextmanager
def started(home: Path) -> Iterator[str]:
    server = embedded.start(home)
    try:
        yield server.url
    finally:
        server.stop()

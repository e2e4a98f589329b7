"""Gives every integration test a real, empty PostgreSQL database."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration import databases

from spotloom import embedded


@contextlib.contextmanager
def data_home() -> Iterator[Path]:
    """An empty data folder in which even root's database can live."""
    # Not tmp_path, which is closed to the account that runs root's database.
    home = Path(tempfile.mkdtemp(prefix="spotloom-home-"))
    home.chmod(0o711)
    try:
        yield home
    finally:
        for name in ("moved-to", "sockets"):  # both name a folder that is elsewhere
            for note in home.rglob(f"postgres/{name}"):
                shutil.rmtree(note.read_text().strip(), ignore_errors=True)
        shutil.rmtree(home)


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty data folder in which even root's database can live."""
    with data_home() as folder:
        yield folder


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A server on which we may create databases: SPOTLOOM_TEST_DATABASE_URL, else our own."""
    if given := os.environ.get("SPOTLOOM_TEST_DATABASE_URL"):
        yield given
        databases.drop_templates(given)
        return
    with data_home() as folder:
        server = embedded.start(folder)
        try:
            yield server.url
        finally:
            server.stop()


@pytest.fixture
def fresh_database(database_url: str) -> Iterator[str]:
    """The URL of a new, empty database, which is dropped with all its connections afterwards."""
    with databases.database(database_url) as url:
        yield url

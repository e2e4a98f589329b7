"""Gives every integration test a real, empty PostgreSQL database."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from spotloom import embedded


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A server on which we may create databases: SPOTLOOM_TEST_DATABASE_URL, else our own."""
    if given := os.environ.get("SPOTLOOM_TEST_DATABASE_URL"):
        yield given
        return
    # Not tmp_path: root's database runs as another account, which must be able to pass.
    home = Path(tempfile.mkdtemp(prefix="spotloom-test-"))
    home.chmod(0o711)
    try:
        server = embedded.start(home)
        try:
            yield server.url
        finally:
            server.stop()
    finally:
        shutil.rmtree(home)


@pytest.fixture
def fresh_database(database_url: str) -> Iterator[str]:
    """The URL of a new, empty database, which is dropped with all its connections afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlsplit(database_url)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(database_url, autocommit=True) as connection:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))

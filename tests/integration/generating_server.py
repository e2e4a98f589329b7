"""Kills the database server under everybody, and starts it again."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from spotloom import embedded
from spotloom.campaigns.database import plain_url


def restart(home: Path, url: str, number: int) -> None:
    """End the server as a crash does, and start it again at the same address."""
    with psycopg.connect(plain_url(url), autocommit=True) as connection:
        row = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
    assert row is not None
    os.kill(int(row[0].splitlines()[0]), number)
    again = embedded.start(home)
    again.stop()  # the first user still holds it
    assert urlsplit(again.url).query == urlsplit(url).query

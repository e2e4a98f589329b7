"""New databases on a server of the tests, and the ones that others are made from."""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

# Not DROP … WITH (FORCE): that may not end the autovacuum of a server that is not ours.
_EVERYBODY_OUT = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
 WHERE datname = %s AND usename = current_user"""

_templates: dict[tuple[str, Callable[[str], object]], str] = {}


@contextlib.contextmanager
def database(server_url: str, *, like: str = "template1") -> Iterator[str]:
    """The URL of a new database made from that one, dropped with its connections afterwards."""
    url = _made(server_url, like)
    try:
        yield url
    finally:
        _dropped(server_url, _name(url))


def template(server_url: str, furnish: Callable[[str], object]) -> str:
    """The name of a database that `furnish` was given, to make others from.

    It is made once for all tests of this process, and stays as long as its server.
    """
    asked = (server_url, furnish)
    if asked not in _templates:
        url = _made(server_url, "template1")
        furnish(url)
        _templates[asked] = _name(url)
    return _templates[asked]


def drop_templates(server_url: str) -> None:
    """Take them from a server that goes on without us."""
    for asked in [asked for asked in _templates if asked[0] == server_url]:
        _dropped(server_url, _templates.pop(asked))


def _made(server_url: str, like: str) -> str:
    name = f"test_{uuid.uuid4().hex}"
    making = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(making.format(sql.Identifier(name), sql.Identifier(like)))
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


def _dropped(server_url: str, name: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(_EVERYBODY_OUT, (name,))
        connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def _name(url: str) -> str:
    return urlsplit(url).path[1:]

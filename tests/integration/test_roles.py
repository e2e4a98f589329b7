"""The roles belong to a whole server: made once, by whoever may, beside others that do the same."""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege
from tests.integration import generating, tenants

from spotloom import embedded
from spotloom.campaigns import database, ids
from spotloom.campaigns.database import Role
from spotloom.errors import SetupError

ROLES = [role.value for role in Role]


class Server:
    """A server of our own, on which no Spotloom has been yet."""

    def __init__(self, url: str) -> None:
        self.url = url

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def database(self, name: str, *, login: str | None = None) -> str:
        """A new database's URL, for its owner's login."""
        self.run(f"CREATE DATABASE {name} OWNER {login or 'DEFAULT'}")
        parts = urlsplit(self.url)._replace(path=f"/{name}")
        at = parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=f"{login}@{at}").geturl() if login else parts.geturl()

    def clear(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            names = connection.execute("SELECT datname FROM pg_database WHERE datname ~ '^test_'")
            for (name,) in names.fetchall():
                drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
                connection.execute(drop.format(sql.Identifier(name)))
            roles = connection.execute(
                "SELECT rolname FROM pg_roles WHERE rolname ~ '^(test_|spotloom_)'"
            )
            for (name,) in roles.fetchall():
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="spotloom-roles-") as home:
        Path(home).chmod(0o711)
        running = embedded.start(Path(home))
        try:
            yield Server(running.url)
        finally:
            running.stop()


@pytest.fixture
def server(own_server: Server) -> Iterator[Server]:
    try:
        yield own_server
    finally:
        own_server.clear()


def _works(url: str) -> None:
    """The tables are there, and row security holds the roles, whoever owns the tables."""
    assert not database.pending(url)
    mine, others = ids.new(), ids.new()
    with psycopg.connect(url) as connection:
        tenants.fill(connection, mine)
        tenants.fill(connection, others)
        for role in ROLES:
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
            tenants.enter(connection, mine)
            seen = connection.execute("SELECT id FROM spotloom.workspace").fetchall()
            assert len(seen) == (1 if role == Role.WEB else 2)
        connection.rollback()


def _migrate_together(urls: Sequence[str]) -> list[bool]:
    # Processes, because Alembic keeps its state in modules.
    with ProcessPoolExecutor(len(urls), mp_context=get_context("spawn")) as processes:
        for warm in [processes.submit(database.plain_url, url) for url in urls]:
            warm.result()
        return list(processes.map(database.migrate, urls))


def test_databases_of_one_server_may_migrate_at_the_same_moment(server: Server) -> None:
    urls = [server.database(f"test_{number}") for number in range(4)]
    assert all(_migrate_together(urls))
    for url in urls:
        _works(url)


def test_processes_may_migrate_one_database_at_the_same_moment(server: Server) -> None:
    url = server.database("test_one")
    assert sorted(_migrate_together([url] * 4)) == [False, False, False, True]
    _works(url)


def test_a_login_that_may_make_roles_needs_no_administrator(server: Server) -> None:
    server.run("CREATE ROLE test_maker LOGIN CREATEROLE")
    url = server.database("test_made", login="test_maker")
    assert database.migrate(url)
    assert not database.migrate(url)
    _works(url)


def test_a_login_that_may_not_tells_what_an_administrator_must_run(server: Server) -> None:
    server.run("CREATE ROLE test_guest LOGIN")
    url = server.database("test_guests", login="test_guest")
    with pytest.raises(SetupError, match="administrator") as refused:
        database.migrate(url)
    statements = str(refused.value).splitlines()[1:]
    assert statements == [
        *(f"CREATE ROLE {role} NOLOGIN;" for role in ROLES),
        *(f"GRANT {role} TO test_guest;" for role in ROLES),
    ]
    server.run(*statements)
    assert database.migrate(url)
    _works(url)


def test_roles_of_another_login_are_asked_for_alone(server: Server) -> None:
    database.migrate(server.database("test_first"))
    server.run("CREATE ROLE test_second LOGIN")
    url = server.database("test_seconds", login="test_second")
    with pytest.raises(SetupError) as refused:
        database.migrate(url)
    statements = str(refused.value).splitlines()[1:]
    assert statements == [f"GRANT {role} TO test_second;" for role in ROLES]
    server.run(*statements)
    assert database.migrate(url)
    _works(url)


def test_workers_see_what_the_engine_carries_and_the_web_does_not(database_url: str) -> None:
    carried = "SELECT count(*) FROM dbos.workflow_status"
    with (
        generating.furnished(database_url) as url,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        connection.execute(f"SET ROLE {Role.WORKER}")
        with pytest.raises(InsufficientPrivilege):
            connection.execute(carried)
        for _ in range(2):
            database.grant_engine(url)
        assert connection.execute(carried).fetchone() == (0,)
        for role in (Role.WEB, Role.GATE):
            connection.execute(f"SET ROLE {role}")
            with pytest.raises(InsufficientPrivilege):
                connection.execute(carried)

"""The tables that the program makes are the tables that the code describes."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import create_engine, text
from tests.integration import tenants
from tests.integration.migrating import bring_to

import spotloom.auth.tables  # noqa: F401 - its tables belong to the tables of the code
from spotloom.campaigns import database
from spotloom.campaigns.database import upgrade
from spotloom.campaigns.tables import SCHEMA, Table
from spotloom.campaigns.tenancy import LOCAL
from spotloom.errors import SetupError


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    """The tables of the code; Alembic's own table and other schemas are no concern here."""
    if kind == "schema":
        return name == SCHEMA
    return name != "alembic_version"


def test_the_newest_migration_is_the_one_the_program_asks_for() -> None:
    config = Config()
    config.set_main_option("script_location", "spotloom.campaigns:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == database.HEAD


def test_migrations_make_the_tables_of_the_code(fresh_database: str) -> None:
    assert database.pending(fresh_database)
    assert database.migrate(fresh_database)
    assert not database.migrate(fresh_database)
    assert not database.pending(fresh_database)
    # Our own server's account is called like our schema, which would hide the schema's name.
    public = {"options": "-csearch_path=public"}
    engine = create_engine(database.driver_url(fresh_database), connect_args=public)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table_schema": SCHEMA,
                "include_schemas": True,
                "include_name": _ours,
            },
        )
        assert compare_metadata(context, Table.metadata) == []
    engine.dispose()


def test_a_database_of_a_newer_version_is_left_alone(fresh_database: str) -> None:
    database.migrate(fresh_database)
    engine = create_engine(database.driver_url(fresh_database))
    with engine.begin() as connection:
        connection.execute(text("UPDATE spotloom.alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(SetupError, match="newer Spotloom"):
        database.migrate(fresh_database)


@pytest.fixture
def first_release(fresh_database: str) -> str:
    """A database of the first release, with a row in every table."""
    bring_to(fresh_database, "0001")
    with psycopg.connect(fresh_database) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'spotloom'"
        ).fetchall()
        tenants.fill(connection, LOCAL, {name for (name,) in names})
    return fresh_database


def test_an_older_database_keeps_what_it_holds(first_release: str) -> None:
    assert database.migrate(first_release)
    with psycopg.connect(first_release) as connection:
        connection.execute(f"SET ROLE {database.Role.WEB}")
        tenants.enter(connection, LOCAL)
        for table in ("campaign", "combination", "generation", "lane", "ledger", "asset"):
            everything = sql.SQL("SELECT * FROM {}").format(tenants.name_of(table))
            assert len(connection.execute(everything).fetchall()) == 1, table
        row = connection.execute("SELECT review, winner, version FROM spotloom.combination")
        assert row.fetchone() == ("none", False, 1)


def test_a_migration_can_be_taken_back(first_release: str) -> None:
    database.migrate(first_release)
    bring_to(first_release, "0001")
    assert database.migrate(first_release)
    with psycopg.connect(first_release) as connection:
        (count,) = connection.execute("SELECT count(*) FROM spotloom.ledger").fetchone() or ()
    assert count == 1


def test_a_migration_waits_for_work_that_holds_the_tables(first_release: str) -> None:
    with ThreadPoolExecutor(1) as thread, psycopg.connect(first_release) as worker:
        worker.execute("UPDATE spotloom.generation SET progress = 1")
        migrating = thread.submit(database.migrate, first_release)
        with pytest.raises(TimeoutError):  # it has tried, and tries again
            migrating.result(timeout=upgrade.LOCK_TIMEOUT_S + 1)
        worker.commit()
        assert migrating.result(timeout=30)


@pytest.mark.parametrize("table", ["campaign", "combination", "generation"])
def test_every_change_is_noted_under_its_transaction(fresh_database: str, table: str) -> None:
    database.migrate(fresh_database)
    with psycopg.connect(fresh_database) as connection:
        tenants.fill(connection, LOCAL)
        now = sql.SQL("changed = pg_current_xact_id()")
        made = sql.SQL("SELECT {} FROM {}").format(now, tenants.name_of(table))
        assert connection.execute(made).fetchall() == [(True,)]
        connection.commit()
        forged = sql.SQL("UPDATE {} SET changed = '3' RETURNING {}, changed = '3'")
        changed = connection.execute(forged.format(tenants.name_of(table), now))
        assert changed.fetchall() == [(True, False)]

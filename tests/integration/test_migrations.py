"""The tables that the program makes are the tables that the code describes."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

import spotloom.auth.tables  # noqa: F401 - its tables belong to the tables of the code
from spotloom.campaigns import database
from spotloom.campaigns.tables import SCHEMA, Table
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

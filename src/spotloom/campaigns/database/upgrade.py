"""Brings the tables to this version's shape, one process at a time."""

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from spotloom.campaigns.database import roles
from spotloom.campaigns.database.address import driver_url
from spotloom.campaigns.tables import SCHEMA
from spotloom.errors import SetupError

HEAD = "0007"  # the newest revision under migrations/versions; a test holds it to that
MIGRATING = 7_046_112_001  # advisory lock: one process migrates at a time
TRIES = 10
# Whoever waits for a table's lock keeps everybody behind it waiting as well.
LOCK_TIMEOUT_S = 3
PAUSE_S = 0.2
_IN_EACH_OTHERS_WAY = {"40P01", "55P03"}  # deadlock_detected, lock_not_available

T = TypeVar("T")


def migrate(url: str) -> bool:
    """Bring the roles and the tables to this version; true when the tables changed."""
    return _migrating(url, _upgrade)


def grant_engine(url: str) -> None:
    """Let workers see what the engine carries; call it after the engine has been launched."""
    _migrating(url, roles.grant_engine)


def pending(url: str) -> bool:
    """Whether the tables are not yet of this version."""
    engine = create_engine(driver_url(url))
    try:
        with engine.connect() as connection:
            return _current(connection) != HEAD
    finally:
        engine.dispose()


def _migrating(url: str, work: Callable[[Connection], T]) -> T:
    engine = create_engine(driver_url(url))
    try:
        with engine.connect() as connection:
            connection.execute(text(f"SELECT pg_advisory_lock({MIGRATING})"))
            connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'"))
            connection.commit()
            try:
                done = _tried(connection, work)
            finally:
                connection.rollback()
                connection.execute(text(f"SELECT pg_advisory_unlock({MIGRATING})"))
                connection.commit()
            return done
    except OperationalError as error:
        raise SetupError(f"The tables could not be brought up to date: {error.orig}") from error
    finally:
        engine.dispose()


def _tried(connection: Connection, work: Callable[[Connection], T]) -> T:
    """The work done and committed, again where the work of others was in its way."""
    for left in reversed(range(TRIES)):
        try:
            done = work(connection)
            connection.commit()
        except OperationalError as error:
            if not left or getattr(error.orig, "sqlstate", None) not in _IN_EACH_OTHERS_WAY:
                raise
            connection.rollback()
            time.sleep(PAUSE_S)
        else:
            return done
    raise AssertionError("the last try returns or raises")


def _upgrade(connection: Connection) -> bool:
    roles.ensure(connection)
    current = _current(connection)
    if current == HEAD:
        return False
    # Needed about once in a version's life, so not worth every process's memory.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "spotloom.campaigns:migrations")
    known = {r.revision for r in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise SetupError(
            f"The database was made by a newer Spotloom (tables at {current}); upgrade Spotloom."
        )
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return True


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version", schema=SCHEMA):
        return None
    found = connection.execute(text("SELECT version_num FROM spotloom.alembic_version"))
    revision = found.scalar_one_or_none()
    return None if revision is None else str(revision)

"""Opens the database, and brings its tables to this version's shape."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from spotloom.campaigns.tables import SCHEMA
from spotloom.errors import SetupError

Sessions = async_sessionmaker[AsyncSession]
HEAD = "0001"  # the newest revision under migrations/versions; a test holds it to that
IDLE_IN_TRANSACTION_S = 4
MIGRATING = 7_046_112_001  # advisory lock: one process migrates at a time


def driver_url(url: str) -> str:
    """A libpq URL, as hosts hand it out, in SQLAlchemy's spelling."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise SetupError(
            f"DATABASE_URL starts with '{parts.scheme}:'; it must be a postgresql:// URL."
        )
    rebuilt = urlunsplit(parts._replace(scheme="postgresql+psycopg"))
    # urlunsplit drops the empty host that a unix-socket URL needs.
    return rebuilt if "://" in rebuilt else rebuilt.replace(":", "://", 1)


def connect(url: str, *, pool: int = 10) -> tuple[AsyncEngine, Sessions]:
    """An engine of at most `pool` connections, and the maker of its sessions."""
    engine = create_async_engine(
        driver_url(url),
        pool_size=pool,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10, "application_name": "spotloom"},
    )
    event.listen(engine.sync_engine, "connect", end_idle_transactions)
    return engine, async_sessionmaker(engine, expire_on_commit=False)


def end_idle_transactions(connection: Any, _record: object) -> None:
    """Let the server end a transaction whose process was stopped in it, with all its locks."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION_S}s'")
    connection.commit()


def check(url: str) -> str:
    """The server's version; SetupError when it cannot be reached or is too old."""
    try:
        with psycopg.connect(plain_url(url), connect_timeout=10) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise SetupError(
            f"The database cannot be reached: {reason}\n"
            "Check DATABASE_URL, or unset it to use the PostgreSQL that comes with Spotloom."
        ) from error
    if version < 150_000:
        raise SetupError(
            f"The database is PostgreSQL {version // 10_000}; Spotloom needs 15 or later."
        )
    return f"{version // 10_000}.{version % 10_000}"


def plain_url(url: str) -> str:
    """The URL as libpq reads it."""
    return driver_url(url).replace("postgresql+psycopg", "postgresql", 1)


def migrate(url: str) -> bool:
    """Bring the tables to this version; true when something changed."""
    return _migrating(url, _upgrade)


def pending(url: str) -> bool:
    """Whether the tables are not yet of this version."""
    engine = create_engine(driver_url(url))
    try:
        with engine.connect() as connection:
            return _current(connection) != HEAD
    finally:
        engine.dispose()


def _migrating(url: str, work: Callable[[Connection], bool]) -> bool:
    engine = create_engine(driver_url(url))
    try:
        with engine.connect() as connection:
            connection.execute(text(f"SELECT pg_advisory_lock({MIGRATING})"))
            try:
                changed = work(connection)
                connection.commit()
            finally:
                connection.rollback()
                connection.execute(text(f"SELECT pg_advisory_unlock({MIGRATING})"))
                connection.commit()
            return changed
    except OperationalError as error:
        raise SetupError(f"The tables could not be brought up to date: {error.orig}") from error
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> bool:
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

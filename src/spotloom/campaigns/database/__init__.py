"""Opens the database in one of its roles, and brings its tables to this version's shape."""

from collections.abc import Callable
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from spotloom.campaigns.database.address import driver_url, plain_url
from spotloom.campaigns.database.roles import Role
from spotloom.campaigns.database.upgrade import HEAD, MIGRATING, grant_engine, migrate, pending
from spotloom.errors import SetupError

__all__ = [
    "HEAD",
    "MIGRATING",
    "Role",
    "Sessions",
    "check",
    "connect",
    "driver_url",
    "end_idle_transactions",
    "grant_engine",
    "migrate",
    "pending",
    "plain_url",
]

Sessions = async_sessionmaker[AsyncSession]
IDLE_IN_TRANSACTION_S = 4
_END_IDLE = f"SET idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION_S}s'"


def connect(
    url: str, *, pool: int = 10, role: Role, ping: bool = True
) -> tuple[AsyncEngine, Sessions]:
    """An engine of at most `pool` connections that work as `role`, and the maker of its sessions.

    `ping` asks each connection whether it still lives before it is used.
    """
    engine = create_async_engine(
        driver_url(url),
        pool_size=pool,
        max_overflow=0,
        pool_pre_ping=ping,
        hide_parameters=True,  # prompts and hashes of tokens stay out of every log
        connect_args={"connect_timeout": 10, "application_name": "spotloom"},
    )
    event.listen(engine.sync_engine, "connect", _begin(f"{_END_IDLE}; SET ROLE {role}"))
    return engine, async_sessionmaker(engine, expire_on_commit=False)


def end_idle_transactions(connection: Any, record: object) -> None:
    """Let the server end a transaction whose process was stopped in it, with all its locks."""
    _begin(_END_IDLE)(connection, record)


def _begin(statement: str) -> Callable[[Any, object], None]:
    def begin(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.commit()

    return begin


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

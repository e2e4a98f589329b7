"""Keeps a step waiting while the database is away, instead of failing its video."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

log = structlog.get_logger()
P = ParamSpec("P")
R = TypeVar("R")

RETRY_S = 0.5


def steady(step: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """The same step, begun afresh whenever it lost its database; every step may run twice."""

    @wraps(step)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        while True:
            try:
                return await step(*args, **kwargs)
            except (OperationalError, InterfaceError, PoolTimeout) as error:
                log.warning("database.away", reason=type(error).__name__)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                log.warning("database.away", reason=type(error).__name__)
            await asyncio.sleep(RETRY_S)

    return run

"""Says whether this process can do its work: its database, its store, its lanes."""

import asyncio
import os
from collections.abc import Awaitable

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from spotloom.campaigns.database import HEAD, Sessions
from spotloom.campaigns.tables import Lane
from spotloom.errors import SpotloomError
from spotloom.media.store import Store

OK = "ok"
WITHIN_S = 3.0
_PROBE = "readyz.probe"  # never there: being told so proves the way, the key and the permission


async def checks(sessions: Sessions, store: Store) -> dict[str, str]:
    """Each part by name, `ok` or what is wrong with it; for strangers' eyes, so without details."""
    names = ("database", "store", "lanes")
    parts = (_database(sessions), _store(store), _lanes(sessions))
    return dict(zip(names, await asyncio.gather(*(_said(part) for part in parts)), strict=True))


async def _said(part: Awaitable[str]) -> str:
    try:
        async with asyncio.timeout(WITHIN_S):
            return await part
    except TimeoutError:
        return f"no answer within {WITHIN_S:g} s"
    except (SQLAlchemyError, SpotloomError, OSError) as error:
        return f"away ({type(error).__name__})"


async def _database(sessions: Sessions) -> str:
    async with sessions() as session:
        found = await session.scalar(text("SELECT version_num FROM spotloom.alembic_version"))
    # A newer one is a release that is rolling in; an older one lacks what this code asks for.
    return OK if found is not None and found >= HEAD else f"tables are of version {found}"


async def _store(store: Store) -> str:
    local = store.local_path(_PROBE)
    if local is not None:
        writable = await asyncio.to_thread(os.access, local.parent, os.W_OK | os.X_OK)
        return OK if writable else "cannot be written"
    await store.exists(_PROBE)
    return OK


async def _lanes(sessions: Sessions) -> str:
    """A blocked lane is told, but is no reason to send people away: they mend it here."""
    async with sessions() as session:
        row = (
            await session.execute(
                select(func.count().label("all"), func.count().filter(Lane.blocked).label("shut"))
            )
        ).one()
    return OK if not row.shut else f"ok, but {row.shut} of {row.all} wait for a person"

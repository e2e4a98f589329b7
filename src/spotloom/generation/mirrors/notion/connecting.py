"""Connects a workspace to a database in Notion: made, or checked and completed."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.mirrors import places
from spotloom.campaigns.mirrors.places import Left, Place
from spotloom.campaigns.tenancy import Scope
from spotloom.errors import BriefError, Conflict, Problem, SpotloomError
from spotloom.generation.mirrors.notion.desk import TARGET, Desk
from spotloom.notion import setup
from spotloom.notion.api import NotionRefused
from spotloom.notion.setup import Prepared

SETTING_UP = 7_046_112_012  # advisory lock: one at a time makes a database
_LOCK = text(f"SELECT pg_try_advisory_lock({SETTING_UP})")
_UNLOCK = text(f"SELECT pg_advisory_unlock({SETTING_UP})")


async def connect(desk: Desk, scope: Scope, *, page: str | None, database: str | None) -> Prepared:
    """Make the database under `page`, or check and complete `database`, and mirror from now on."""
    async with preparing(desk, scope, page=page, database=database) as prepared:
        async with scope.begin() as session:
            await keep(session, scope, prepared)
        return prepared


@contextlib.asynccontextmanager
async def preparing(
    desk: Desk, scope: Scope, *, page: str | None, database: str | None
) -> AsyncIterator[Prepared]:
    """A database that has all we need, to be kept while nobody else makes or checks one.

    Made under `page`, unless the one that the workspace is connected to is there already; or
    `database`. Without either, the one that is connected, or else the one of the settings.
    Conflict, before anything is asked of Notion, when the connection is another workspace's, or
    somebody is at it at this moment.
    """
    async with _alone(desk):
        yield await _prepared(desk, scope, page=page, database=database)


@contextlib.asynccontextmanager
async def _alone(desk: Desk) -> AsyncIterator[None]:
    """Hold the lock, outside any transaction: nothing is open while Notion is asked."""
    async with desk.sessions() as session:
        outside = {"isolation_level": "AUTOCOMMIT"}
        connection = await session.connection(execution_options=outside)
        if not await connection.scalar(_LOCK):
            raise Conflict("Notion is being set up at this moment. Look again when that is done.")
        try:
            yield
        finally:
            await connection.execute(_UNLOCK)


async def _prepared(
    desk: Desk, scope: Scope, *, page: str | None, database: str | None
) -> Prepared:
    place, left = await _standing(desk, scope)
    if page is None and database is None and place is None:
        database = desk.database
    database_id = None if database is None else setup.id_in(database, where="database")
    known: dict[str, str] = {}
    if place is not None and page is not None and await _is_under(desk, place, page):
        page = None  # as when the answer to the first time was lost
    if place is not None and database_id in {None, place.database_id} and page is None:
        database_id, known = place.database_id, dict(place.properties)
    elif left is not None and database_id == left.database_id:
        known = dict(left.properties)
    made = database_id is None
    if database_id is None:
        database_id = await _made(desk, page)
    prepared = await _completed(desk, database_id, known)
    if made:
        told = f"Made the database '{prepared.title}' with {len(prepared.properties)} properties."
        prepared = replace(prepared, done=(told, *prepared.done))
    return prepared


async def _is_under(desk: Desk, place: Place, page: str) -> bool:
    """Whether the database that is connected stands on that page, and not in the trash."""
    page_id = setup.id_in(page, where="page")
    try:
        database = await desk.notion.database(place.database_id)
    except NotionRefused as error:
        if not error.missing:
            raise
        return False
    return not database.in_trash and database.parent.page_id == page_id


async def _standing(desk: Desk, scope: Scope) -> tuple[Place | None, Left | None]:
    """The workspace's place, or where it was; the web itself sees no other workspace's."""
    async with desk.sessions() as session:
        place = await places.of_any(session, TARGET)
        if place is not None and place.workspace_id != scope.workspace_id:
            raise Conflict(places.ANOTHERS)
        return place, await places.left(session, TARGET, scope.workspace_id)


async def _completed(desk: Desk, database_id: str, known: dict[str, str]) -> Prepared:
    try:
        return await setup.complete(
            desk.notion, database_id=database_id, wanted=desk.properties, known=known
        )
    except BriefError:
        raise
    except SpotloomError as error:
        raise Conflict(
            f"The database {database_id} could not be checked to its end: {error} "
            f"Run `spotloom notion setup --database {database_id}`."
        ) from error


async def _made(desk: Desk, page: str | None) -> str:
    if page is None:
        raise BriefError(
            [
                Problem(
                    "page",
                    "is needed: the link of a Notion page that the connection may edit, under "
                    "which the database is made; or name a database that is there.",
                )
            ]
        )
    page_id = setup.id_in(page, where="page")
    return await setup.create(desk.notion, page_id=page_id, wanted=desk.properties)


async def keep(session: AsyncSession, scope: Scope, prepared: Prepared) -> None:
    """Show the workspace's videos there from now on; Conflict when another workspace's are."""
    await places.connect(
        session,
        scope.workspace_id,
        TARGET,
        now=dt.datetime.fromisoformat(prepared.now),
        database_id=prepared.database_id,
        data_source_id=prepared.data_source_id,
        title=prepared.title,
        url=prepared.url,
        bot_id=prepared.bot_id,
        properties=prepared.properties,
    )

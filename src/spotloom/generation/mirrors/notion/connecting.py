"""Connects a workspace to a database in Notion: made, or checked and completed."""

import datetime as dt
from dataclasses import replace

from spotloom.campaigns.mirrors import places
from spotloom.campaigns.mirrors.places import Left, Place
from spotloom.campaigns.tenancy import Scope
from spotloom.errors import BriefError, Conflict, Problem, SpotloomError
from spotloom.generation.mirrors.notion.desk import TARGET, Desk
from spotloom.notion import setup
from spotloom.notion.setup import Prepared


async def connect(desk: Desk, scope: Scope, *, page: str | None, database: str | None) -> Prepared:
    """Make the database under `page`, or check and complete `database`, and mirror from now on.

    Without either, the database that the workspace is connected to is checked again, or else the
    one of the settings is used. Conflict, before anything is asked of Notion, when the connection
    is another workspace's.
    """
    place, left = await _standing(desk, scope)
    if page is None and database is None and place is None:
        database = desk.database
    database_id = None if database is None else setup.id_in(database, where="database")
    known: dict[str, str] = {}
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
    await _keep(scope, prepared)
    return prepared


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


async def _keep(scope: Scope, prepared: Prepared) -> None:
    async with scope.begin() as session:
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

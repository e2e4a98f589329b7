"""Connects a workspace to a database in Notion: made, or checked and completed."""

import datetime as dt
from dataclasses import replace

from spotloom.campaigns.mirrors import places
from spotloom.campaigns.tenancy import Scope
from spotloom.errors import BriefError, Conflict, Problem, SpotloomError
from spotloom.generation.mirrors.notion.desk import TARGET, Desk
from spotloom.notion import setup
from spotloom.notion.setup import Prepared


async def connect(desk: Desk, scope: Scope, *, page: str | None, database: str | None) -> Prepared:
    """Make the database under `page`, or check and complete `database`, and mirror from now on.

    Without either, the database that the workspace is connected to is checked again.
    """
    database_id = None if database is None else setup.id_in(database, where="database")
    known: dict[str, str] = {}
    async with scope.read() as session:
        place = await places.place(session, TARGET)
    if place is not None and database_id in {None, place.database_id} and page is None:
        database_id, known = place.database_id, dict(place.properties)
    made = database_id is None
    if database_id is None:
        database_id = await _made(desk, page)
    try:
        prepared = await setup.complete(
            desk.notion, database_id=database_id, wanted=desk.properties, known=known
        )
    except BriefError:
        raise
    except SpotloomError as error:
        raise Conflict(
            f"The database {database_id} could not be checked to its end: {error} "
            f"Run `spotloom notion setup --database {database_id}`."
        ) from error
    if made:
        told = f"Made the database '{prepared.title}' with {len(prepared.properties)} properties."
        prepared = replace(prepared, done=(told, *prepared.done))
    await _keep(scope, prepared)
    return prepared


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

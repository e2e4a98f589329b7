"""The home page: the campaigns of the workspace, newest first."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from spotloom.campaigns import listing
from spotloom.web.api.shaping import campaign
from spotloom.web.pages.shell import Looking, page

routes = APIRouter()

SHOWN = 50


@routes.get("/")
async def home(request: Request, asked: Looking) -> Response:
    """The campaigns with their progress and spend; with none, the way to the first."""
    workspace_id = asked.actor.workspace_id
    async with asked.scope.read() as session:
        found = await listing.campaigns(session, workspace_id, limit=SHOWN)
        figures = await listing.figures(session, workspace_id, [row.id for row in found.rows])
    items = [
        campaign(row, figures[row.id]).model_dump(mode="json", by_alias=True) for row in found.rows
    ]
    return page(
        request,
        asked,
        "home.html",
        title="Campaigns",
        section="home",
        data={"campaigns": items, "nextCursor": found.next},
        empty=not items,
    )

"""The home page: the campaigns of the workspace, newest first."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from spotloom.web.api.budgets import get_budget
from spotloom.web.api.campaigns import list_campaigns
from spotloom.web.gate import parts_of
from spotloom.web.pages.shell import Looking, page, told

routes = APIRouter()

SHOWN = 30
FILTERS: dict[str, dict[str, Any]] = {
    "running": {"state": "active", "running": True},
    "paused": {"state": "paused"},
    "finished": {"state": "active", "running": False},
    "cancelled": {"state": "cancelled"},
}


@routes.get("/")
async def home(
    request: Request,
    asked: Looking,
    show: str = "",
    text: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """The campaigns with their progress and spend; with none, the way to the first."""
    found = await list_campaigns(asked, text=text or None, limit=SHOWN, **FILTERS.get(show, {}))
    data = told(found) | {
        "budget": told(await get_budget(asked)),
        "charges": any(offer.charges for offer in parts_of(request).offers()),
    }
    return page(
        request,
        asked,
        "home.html",
        title="Campaigns",
        section="home",
        data=data,
        empty=not data["items"] and not text and show not in FILTERS,
    )

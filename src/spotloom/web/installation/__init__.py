"""What this installation is, over HTTP."""

from fastapi import APIRouter

from spotloom.web.installation import about, providers


def router() -> APIRouter:
    """Every route of this room."""
    routes = APIRouter()
    for part in (providers, about):
        routes.include_router(part.routes)
    return routes

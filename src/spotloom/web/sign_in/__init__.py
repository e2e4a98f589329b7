"""Signing in and out over HTTP, and who may come in: sessions, keys, members, invitations."""

from fastapi import APIRouter

from spotloom.web.sign_in import clerk, doors, keys, members, oidc, session


def router() -> APIRouter:
    """All routes of this room; they reach for `app.state.parts`."""
    routes = APIRouter()
    for part in (doors, oidc, clerk, session, keys, members):
        routes.include_router(part.routes)
    return routes

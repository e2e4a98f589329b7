"""Signing in and out over HTTP, and who may come in: sessions, keys, members, invitations."""

import structlog
from fastapi import APIRouter

from spotloom.auth.sign_in import SignIn
from spotloom.web.sign_in import clerk, doors, keys, members, oidc, session

log = structlog.get_logger()


def router(configured: SignIn) -> APIRouter:
    """All routes of this room, which reach for `app.state.parts`; SetupError where one cannot."""
    for event, advice in clerk.check(configured.clerk).items():
        log.warning(event, advice=advice)
    routes = APIRouter()
    for part in (doors, oidc, clerk, session, keys, members):
        routes.include_router(part.routes)
    return routes

"""The release, the ways to sign in, and where things are kept."""

from fastapi import APIRouter, Response
from sqlalchemy import select

import spotloom
from spotloom.auth import passwords
from spotloom.auth.roles import Role
from spotloom.campaigns.tables import Workspace
from spotloom.campaigns.tenancy import LOCAL
from spotloom.contract.installation.about import About, Place, WaysIn
from spotloom.web.door.answers import problems, shaped
from spotloom.web.door.asking import TheParts, Viewer
from spotloom.web.gate import TheGate

routes = APIRouter(prefix="/api", tags=["installation"])


@routes.get("/about", operation_id="getAbout", response_model=About, responses=problems())
async def about(asked: Viewer, parts: TheParts, gate: TheGate) -> Response:
    """What runs here; the places of things only for those who run it."""
    sign_in, actor = gate.sign_in, asked.actor
    async with asked.scope.read() as session:
        workspace = await session.scalar(
            select(Workspace.name).where(Workspace.id == actor.workspace_id)
        )
    async with gate.sessions() as session:
        password_set = sign_in.local and await passwords.any_set(session)
    theirs = actor.workspace_id == LOCAL and actor.role.covers(Role.ADMIN)
    places = [Place(name=name, where=where) for name, where in parts.places.items()]
    return shaped(
        About(
            version=spotloom.__version__,
            workspace=workspace or "",
            sign_in=WaysIn(
                password=sign_in.local,
                password_set=password_set,
                oidc=None if sign_in.oidc is None else sign_in.oidc.issuer.partition("://")[2],
                clerk=sign_in.clerk is not None,
            ),
            public_url=sign_in.public_url,
            places=places if theirs else [],
        )
    )

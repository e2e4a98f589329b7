"""One's own sessions and workspaces: see them, end them, go from one to another."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy import ColumnElement

from spotloom.auth import people, sessions
from spotloom.auth.local import ISSUER
from spotloom.auth.tables import Person, Session
from spotloom.campaigns import audit
from spotloom.contract.shapes import Page
from spotloom.errors import NotFound
from spotloom.web import gate as web_gate
from spotloom.web.door.answers import problems, takes
from spotloom.web.door.asking import Anybody, SignedIn
from spotloom.web.door.bodies import Body
from spotloom.web.gate import Asked, TheGate
from spotloom.web.sign_in.begin import hand_over
from spotloom.web.sign_in.shapes import Browser, SessionState, Whom, WorkspaceChoice, WorkspacePart

routes = APIRouter(tags=["sign-in"])


@routes.get("/api/session", operation_id="getSession", responses=problems())
async def show(who: Anybody, gate: TheGate) -> SessionState:
    """Who asks."""
    actor = who.actor
    person = None
    if actor.person_id is not None:
        async with gate.sessions() as session:
            person = await session.get(Person, actor.person_id)
    ours = person is not None and person.issuer == ISSUER and gate.sign_in.local
    return SessionState(
        actor=Whom(
            kind="key" if actor.key_id else "person",
            id=_id(who),
            name=actor.name,
            role=actor.role,
            scopes=sorted(actor.scopes),
        ),
        workspace_id=actor.workspace_id,
        session_id=actor.session_id,
        may_set_password=ours and actor.session_id is not None,
        has_password=person is not None and person.password_hash is not None,
    )


@routes.delete("/api/session", operation_id="signOut", status_code=204, responses=problems())
async def leave(who: SignedIn, gate: TheGate, request: Request, response: Response) -> None:
    """Sign out here."""
    await _end(gate, who, Session.id == who.actor.session_id)
    _forget(request, response)


@routes.get("/api/sessions", operation_id="listSessions", responses=problems())
async def browsers(who: SignedIn, gate: TheGate) -> Page[Browser]:
    """Where one is signed in."""
    async with gate.sessions() as session:
        found = await sessions.mine(session, _id(who))
    items = [
        Browser(
            id=row.id,
            workspace_id=row.workspace_id,
            user_agent=row.user_agent,
            created_at=row.created_at,
            seen_at=row.seen_at,
            expires_at=row.expires_at,
            current=row.id == who.actor.session_id,
        )
        for row in found
    ]
    return Page(items=items, next_cursor=None)


@routes.delete(
    "/api/sessions", operation_id="signOutEverywhere", status_code=204, responses=problems()
)
async def leave_everywhere(
    who: SignedIn, gate: TheGate, request: Request, response: Response
) -> None:
    """Sign out everywhere, here too."""
    await _end(gate, who)
    _forget(request, response)


@routes.delete(
    "/api/sessions/{session_id}",
    operation_id="endSession",
    status_code=204,
    responses=problems(404),
)
async def end(
    session_id: UUID, who: SignedIn, gate: TheGate, request: Request, response: Response
) -> None:
    """Sign out in one of one's browsers."""
    if not await _end(gate, who, Session.id == session_id):
        raise NotFound(f"You have no session {session_id}.")
    if session_id == who.actor.session_id:
        _forget(request, response)


@routes.get("/api/workspaces", operation_id="listWorkspaces", responses=problems())
async def workspaces(who: SignedIn, gate: TheGate) -> Page[WorkspacePart]:
    """The workspaces where one has a part."""
    async with gate.sessions() as session:
        found = await people.parts(session, _id(who))
    items = [
        WorkspacePart(
            id=part.workspace_id,
            name=part.workspace,
            role=part.role,
            current=part.workspace_id == who.actor.workspace_id,
        )
        for part in found
    ]
    return Page(items=items, next_cursor=None)


@routes.post(
    "/api/session/workspace",
    operation_id="switchWorkspace",
    status_code=204,
    openapi_extra=takes(WorkspaceChoice),
    responses=problems(404, body=True),
)
async def switch(
    who: SignedIn, gate: TheGate, request: Request, response: Response, body: Body
) -> None:
    """Go on in another workspace of one's own."""
    asked = body.fit(WorkspaceChoice)
    assert who.actor.session_id is not None  # noqa: S101 - SignedIn has made sure
    async with gate.sessions.begin() as session:
        token = await people.switch(session, who.actor.session_id, asked.workspace_id)
        await audit.record(
            session,
            asked.workspace_id,
            actor=who.actor.text,
            action="session.moved",
            target=who.actor.text,
        )
    hand_over(request, response, token)


async def _end(gate: TheGate, who: Asked, *which: ColumnElement[bool]) -> int:
    async with gate.sessions.begin() as session:
        ended = await sessions.end(session, Session.person_id == _id(who), *which)
        if ended:
            await audit.record(
                session,
                who.actor.workspace_id,
                actor=who.actor.text,
                action="session.ended",
                target=who.actor.text,
                sessions=ended,
            )
    return ended


def _forget(request: Request, response: Response) -> None:
    secure = web_gate.is_secure(request)
    web_gate.drop(response, web_gate.cookie_name(secure=secure), secure=secure)
    response.headers["clear-site-data"] = '"cache", "storage"'  # drafts, and what a page keeps


def _id(who: Asked) -> UUID:
    found = who.actor.key_id or who.actor.person_id
    assert found is not None  # noqa: S101 - an actor is a key or a person
    return found

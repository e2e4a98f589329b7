"""Begins a session in a browser, however its person has signed in."""

from uuid import UUID

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import secrets, sessions
from spotloom.auth.sessions import Browser
from spotloom.campaigns import audit
from spotloom.web import gate
from spotloom.web.sign_in.shapes import Begun


async def begin(
    session: AsyncSession,
    request: Request,
    *,
    workspace_id: UUID,
    person_id: UUID,
    how: str,
    external_id: str | None = None,
) -> str:
    """The new session's token; the browser's session before it, if any, is over."""
    token = await sessions.create(
        session,
        workspace_id=workspace_id,
        person_id=person_id,
        browser=Browser(user_agent=_agent(request), external_id=external_id),
    )
    old = gate.cookie(request, gate.cookie_name(secure=gate.is_secure(request)))
    if old is not None and secrets.well_formed(old, secrets.SESSION):
        await sessions.end(session, sessions.of_token(old))
    person = f"person:{person_id}"
    await audit.record(
        session, workspace_id, actor=person, action="session.began", target=person, how=how
    )
    return token


def hand_over(request: Request, response: Response, token: str) -> None:
    """Have the browser keep the session's token."""
    secure = gate.is_secure(request)
    gate.keep(response, gate.cookie_name(secure=secure), token, secure=secure)


def begun(workspace_id: UUID, person_id: UUID) -> Begun:
    """What is answered."""
    return Begun(workspace_id=workspace_id, person_id=person_id)


def _agent(request: Request) -> str | None:
    agent = request.headers.get("user-agent")
    return None if agent is None else agent.replace("\x00", "")

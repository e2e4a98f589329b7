"""The round trip to an OpenID provider and back."""

import re
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from spotloom.auth import secrets
from spotloom.auth.gate import Gate
from spotloom.auth.issuers import admission, oidc
from spotloom.auth.issuers.oidc import Oidc
from spotloom.auth.issuers.tokens import Untrusted
from spotloom.errors import NotFound, Transient
from spotloom.web import gate as web_gate
from spotloom.web.door.answers import problems
from spotloom.web.gate import TheGate
from spotloom.web.sign_in.begin import begin, hand_over

log = structlog.get_logger()
routes = APIRouter(tags=["sign-in"])

HOME = "/"
_PURPOSE = "-sign-in"
_OURS = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}")  # a path of ours, nobody else's
Text = Annotated[str | None, Query(max_length=4096)]


def local_path(after: str | None) -> str:
    """The page to go on to: only one of ours."""
    return after if after is not None and _OURS.fullmatch(after) else HOME


@routes.get(
    "/auth/oidc",
    operation_id="beginOidc",
    status_code=303,
    response_class=RedirectResponse,
    responses=problems(404),
)
async def leave(request: Request, gate: TheGate, after: Text = None) -> RedirectResponse:
    """Go to the OpenID provider to sign in there."""
    line = _line(gate)
    secure = web_gate.is_secure(request)
    try:
        async with gate.sessions.begin() as session:
            departure = await line.leave(session, after=local_path(after))
    except (Untrusted, Transient) as error:
        log.warning("oidc.away", reason=str(error))
        return _back("provider")
    answer = RedirectResponse(departure.url, 303)
    web_gate.keep(
        answer,
        web_gate.cookie_name(_PURPOSE, secure=secure),
        departure.state,
        secure=secure,
        max_age=int(oidc.WITHIN.total_seconds()),
    )
    return answer


@routes.get(
    "/auth/oidc/callback",
    operation_id="endOidc",
    status_code=303,
    response_class=RedirectResponse,
    responses=problems(404),
)
async def come_back(
    request: Request,
    gate: TheGate,
    state: Text = None,
    code: Text = None,
    iss: Text = None,
    error: Text = None,
) -> RedirectResponse:
    """Come back from the OpenID provider, with a code."""
    line = _line(gate)
    secure = web_gate.is_secure(request)
    name = web_gate.cookie_name(_PURPOSE, secure=secure)
    # The state must be that of this browser: or somebody could sign a victim in as themselves.
    kept = web_gate.cookie(request, name)
    if not state or not kept or not secrets.same(state, kept):
        return _back("state")
    async with gate.sessions.begin() as session:
        trip = await oidc.come_back(session, state)
    if trip is None:
        return _back("state")
    if error is not None or code is None:
        log.warning("oidc.refused", reason=(error or "no code")[:100])
        answer = _back("refused")
    else:
        answer = await _enter(request, gate, line, trip, code=code, iss=iss)
    web_gate.drop(answer, name, secure=secure)
    return answer


async def _enter(
    request: Request, gate: Gate, line: Oidc, trip: oidc.Trip, *, code: str, iss: str | None
) -> RedirectResponse:
    try:
        identity = await line.identity(trip, code=code, iss=iss)
    except (Untrusted, Transient) as error:
        log.warning("oidc.untrusted", reason=str(error))
        return _back("provider" if isinstance(error, Transient) else "untrusted")
    settings = gate.sign_in.oidc
    admin_email = None if settings is None else settings.admin_email
    async with gate.sessions.begin() as session:
        admitted = await admission.admit(session, identity, admin_email=admin_email)
        if admitted is None:
            return _back("stranger" if identity.verified_email else "unverified")
        token = await begin(
            session,
            request,
            workspace_id=admitted.workspace_id,
            person_id=admitted.person_id,
            how="oidc",
        )
    answer = RedirectResponse(trip.after, 303)
    hand_over(request, answer, token)
    return answer


def _line(gate: Gate) -> Oidc:
    if gate.oidc is None:
        raise NotFound("No OpenID provider is configured here.")
    return gate.oidc


def _back(problem: str) -> RedirectResponse:
    return RedirectResponse(f"/sign-in?problem={problem}", 303)

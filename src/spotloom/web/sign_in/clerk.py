"""Signing in with Clerk, and what Clerk tells us later."""

import time

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from sqlalchemy.dialects.postgresql import insert as upsert

from spotloom.auth.issuers import clerk_events
from spotloom.auth.issuers.clerk import ClerkSession
from spotloom.auth.issuers.clerk_events import Event
from spotloom.auth.issuers.tokens import Untrusted
from spotloom.auth.sign_in import ClerkSettings
from spotloom.campaigns.tables import WebhookEvent
from spotloom.errors import NotFound
from spotloom.web import gate as web_gate
from spotloom.web.door.answers import problems, takes
from spotloom.web.door.bodies import Body
from spotloom.web.errors import Refused
from spotloom.web.gate import TheGate
from spotloom.web.sign_in.begin import begin, begun, hand_over
from spotloom.web.sign_in.shapes import Begun, ClerkToken
from spotloom.web.signatures import Forged, signing_key, verified_id

log = structlog.get_logger()
routes = APIRouter(tags=["sign-in"])

LARGEST_EVENT = 256 * 1024
SETTING = "CLERK_WEBHOOK_SECRET"
UNTOLD = (
    f"Clerk is used without {SETTING}: who is signed out or removed there stays signed in here for "
    "up to 30 days. Send Clerk's webhooks to /api/webhooks/clerk, and set it."
)
ORGANIZATIONS = "CLERK_ORGANIZATIONS"
OPEN = (
    f"Clerk is used without {ORGANIZATIONS}: each of its organisations gets a workspace here, and "
    "its admin orders videos on this installation's account. Turn \"Allow users to create "
    f'organizations" off in Clerk, or set {ORGANIZATIONS} to the ids of those that may come in.'
)
_PROVIDER = "clerk"


def check(settings: ClerkSettings | None) -> dict[str, str]:
    """What to warn of, by event; SetupError where Clerk's webhooks could never be believed."""
    warnings: dict[str, str] = {}
    if settings is None:
        return warnings
    if settings.webhook_secret is None:
        warnings["clerk.untold"] = UNTOLD
    else:
        signing_key(settings.webhook_secret, setting=SETTING)
    if settings.organizations is None:
        warnings["clerk.open"] = OPEN
    return warnings


@routes.post(
    "/auth/clerk",
    operation_id="useClerkToken",
    openapi_extra=takes(ClerkToken),
    responses=problems(404, body=True),
)
async def enter(request: Request, response: Response, gate: TheGate, body: Body) -> Begun:
    """Sign in with a session token of Clerk's."""
    asked = body.fit(ClerkToken)
    web_gate.is_secure(request)
    if gate.clerk is None:
        raise NotFound("Clerk is not configured here.")
    try:
        said, identity = await gate.believe(asked.token)
        async with gate.sessions.begin() as session:
            admitted = await gate.admit(session, said, identity)
            if admitted is None:
                raise _no_place(said)
            token = await begin(
                session,
                request,
                workspace_id=admitted.workspace_id,
                person_id=admitted.person_id,
                how="clerk",
                external_id=said.session,
            )
    except Untrusted as error:
        log.warning("clerk.refused", reason=str(error))
        raise Refused(
            401,
            "Not signed in",
            "The token is not one of Clerk's for this site, or it is over.",
            www_authenticate='Bearer realm="spotloom"',
        ) from error
    hand_over(request, response, token)
    return begun(admitted.workspace_id, admitted.person_id)


@routes.post(
    "/api/webhooks/clerk",
    operation_id="takeClerkWebhook",
    status_code=204,
    responses=problems(404),
)
async def take(request: Request, gate: TheGate) -> None:
    """Take an event of Clerk's, signed by Svix, once."""
    settings = gate.sign_in.clerk
    if gate.clerk is None or settings is None:
        raise NotFound("Clerk is not configured here.")
    if settings.webhook_secret is None:
        raise Refused(503, "Not taken", "Set CLERK_WEBHOOK_SECRET to take Clerk's webhooks.")
    body = await _body(request)
    # Clerk sends through Svix, whose older names for the headers are the same three.
    headers = {
        f"webhook-{part}": request.headers.get(f"svix-{part}")
        or request.headers.get(f"webhook-{part}", "")
        for part in ("id", "timestamp", "signature")
    }
    try:
        key = signing_key(settings.webhook_secret, setting=SETTING)
        event_id = verified_id(headers, body, key=key, now=time.time())
    except Forged as error:
        raise Refused(401, "Not believed", str(error)) from error
    try:
        event = Event.model_validate_json(body)
        async with gate.sessions.begin() as session:
            fresh = await session.scalar(
                upsert(WebhookEvent)
                .values(provider=_PROVIDER, event_id=event_id.replace("\x00", ""))
                .on_conflict_do_nothing()
                .returning(WebhookEvent.event_id)
            )
            if fresh is not None:
                await clerk_events.take(session, event, settings)
    except ValidationError as error:
        raise Refused(422, "Not understood", "The event lacks what its type needs.") from error


def _no_place(said: ClerkSession) -> Refused:
    if said.organization is None:
        why = "You belong to no workspace here. Choose an organisation in Clerk, or ask for"
        return Refused(403, "No place for you yet", f"{why} an invitation.")
    return Refused(
        403,
        "No place for your organisation",
        f"Your organisation {said.organization.name} is not among those that may come in here. "
        f"Whoever runs this can add its id, {said.organization.id}, to {ORGANIZATIONS}.",
    )


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_EVENT:
            raise Refused(413, "Too large", f"The body is over {LARGEST_EVENT:,} bytes.")
    return bytes(body)

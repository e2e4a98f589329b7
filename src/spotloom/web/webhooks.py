"""Takes providers' webhooks: a signed one wakes the poll of its video, and nothing more.

The provider's answer to our own question is the truth; a webhook is only ever a nudge to ask.
"""

import time

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.channels import WAKE, notify
from spotloom.campaigns.database import Sessions
from spotloom.campaigns.tables import Generation, Lane, WebhookEvent
from spotloom.web.signatures import Forged, verified_id

log = structlog.get_logger()

LARGEST_BODY = 64 * 1024


class _Data(BaseModel):
    id: str


class _Event(BaseModel):
    type: str
    data: _Data


def router(sessions: Sessions, *, provider: str, secret: str | None) -> APIRouter:
    """The webhook's route for that provider; without a secret every webhook is refused."""
    routes = APIRouter()

    @routes.post("/api/sora/webhook", status_code=204)
    @routes.post(f"/api/webhooks/{provider}", status_code=204)
    async def take(request: Request) -> Response:
        if secret is None:
            return Response("Set SPOTLOOM_WEBHOOK_SECRET to take webhooks.", status_code=503)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                return Response("The body is too large.", status_code=413)
        try:
            event_id = verified_id(request.headers, bytes(body), secret=secret, now=time.time())
        except Forged as error:
            log.warning("webhook.refused", provider=provider, reason=str(error))
            return Response(str(error), status_code=401)
        try:
            event = _Event.model_validate_json(bytes(body))
        except ValidationError:
            return Response("The event has no type or no data.id.", status_code=422)
        async with sessions.begin() as session:
            await _nudge(session, provider=provider, event_id=event_id, job=event.data.id)
        return Response(status_code=204)

    return routes


async def _nudge(session: AsyncSession, *, provider: str, event_id: str, job: str) -> None:
    """Wake the video of that job, once per event; a job of nobody's changes nothing."""
    generation_id = await session.scalar(
        select(Generation.id)
        .join(Lane, Lane.id == Generation.lane_id)
        .where(Lane.provider == provider, Generation.provider_job_id == job)
    )
    if generation_id is None:
        # Early, before our row knows the job, or a stranger's: the poll finds out by itself.
        log.info("webhook.unmatched", provider=provider)
        return
    fresh = await session.scalar(
        upsert(WebhookEvent)
        .values(provider=provider, event_id=event_id)
        .on_conflict_do_nothing()
        .returning(WebhookEvent.event_id)
    )
    if fresh is not None:
        await notify(session, WAKE, str(generation_id))

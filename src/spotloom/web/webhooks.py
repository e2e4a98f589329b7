"""Takes providers' webhooks: a signed one wakes the poll of its video, and nothing more.

The provider's answer to our own question is the truth; a webhook is only ever a nudge to ask.
"""

import asyncio
import time
from typing import Annotated

import structlog
from fastapi import APIRouter, Request
from pydantic import BaseModel, StringConstraints, ValidationError
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.channels import ANNOUNCED, WAKE, notify
from spotloom.campaigns.database import Sessions
from spotloom.campaigns.tables import Generation, Lane, WebhookEvent
from spotloom.creative.status import Status
from spotloom.web.door.answers import problems
from spotloom.web.errors import Refused
from spotloom.web.signatures import Forged, signing_key, verified_id

log = structlog.get_logger()

LARGEST_BODY = 64 * 1024
BODY_WITHIN_S = 10.0


# The event is kept, once, where the job is somebody's, and then its video is woken.
_WAKE = text(
    """
    WITH owner AS (
      SELECT g.id FROM spotloom.lane l JOIN spotloom.generation g ON g.lane_id = l.id
       WHERE l.provider = :provider AND g.provider_job_id = :job
    ), fresh AS (
      INSERT INTO spotloom.webhook_event (provider, event_id)
      SELECT :provider, :event_id WHERE EXISTS (SELECT FROM owner)
          ON CONFLICT DO NOTHING RETURNING event_id
    )
    SELECT CASE WHEN fresh.event_id IS NOT NULL THEN pg_notify(:channel, owner.id::text) END
      FROM owner LEFT JOIN fresh ON true
    """
)


class _Data(BaseModel):
    # PostgreSQL keeps no NUL in a text.
    id: Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[^\x00]+$")]


class _Event(BaseModel):
    type: str
    data: _Data


def router(sessions: Sessions, *, provider: str, secret: str | None) -> APIRouter:
    """The webhook's routes for that provider; without a secret every webhook is refused."""
    routes = APIRouter(tags=["webhooks"])
    key = None if secret is None else signing_key(secret)

    async def take(request: Request) -> None:
        """Take a provider's announcement of a job, signed as Standard Webhooks are, once.

        It only makes us ask the provider sooner: what it says of the job is not believed.
        """
        try:
            event_id, event = await _read(request, key)
        except Refused as refused:
            log.warning("webhook.refused", provider=provider, reason=refused.detail)
            raise
        async with sessions.begin() as session:
            await _nudge(session, provider=provider, event_id=event_id, job=event.data.id)

    for path, name in (
        ("/api/sora/webhook", "takeSoraWebhook"),
        (f"/api/webhooks/{provider}", "takeProviderWebhook"),
    ):
        routes.post(path, operation_id=name, status_code=204, responses=problems())(take)
    return routes


async def _read(request: Request, key: bytes | None) -> tuple[str, _Event]:
    """The event and its id, once they are known to be the provider's."""
    if key is None:
        raise Refused(503, "Not taken", "Set SPOTLOOM_WEBHOOK_SECRET to take webhooks.")
    body = await _body(request)
    try:
        event_id = verified_id(request.headers, body, key=key, now=time.time())
        return event_id, _Event.model_validate_json(body)
    except Forged as error:
        raise Refused(401, "Not believed", str(error)) from error
    except ValidationError as error:
        raise Refused(
            422, "Not understood", "The event has no type or no usable data.id."
        ) from error


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise Refused(413, "Too large", f"The body is over {LARGEST_BODY:,} bytes.")
    except TimeoutError as error:
        raise Refused(
            408, "Too slow", f"The body did not come within {BODY_WITHIN_S:g} s."
        ) from error
    return bytes(body)


async def _nudge(session: AsyncSession, *, provider: str, event_id: str, job: str) -> None:
    """Wake the video of that job, once per event; a job of nobody's changes nothing."""
    told = {"provider": provider, "event_id": event_id, "job": job, "channel": WAKE}
    if (await session.execute(_WAKE, told)).first() is not None:
        return
    # Early, before our row knows the job, or a stranger's: the poll finds out by itself. But an
    # order whose answer was lost may be this job: the worker asks the provider about it.
    log.info("webhook.unmatched", provider=provider)
    in_doubt = await _in_doubt(session, provider)
    if in_doubt and await _is_new(session, provider=provider, event_id=event_id, job=job):
        await notify(session, ANNOUNCED, provider)


async def _in_doubt(session: AsyncSession, provider: str) -> bool:
    """Whether an order to the provider has left, and no answer has come (yet)."""
    found = await session.scalar(
        select(Generation.id)
        .join(Lane, Lane.id == Generation.lane_id)
        .where(
            Lane.provider == provider,
            Generation.status.in_((Status.SUBMITTING.value, Status.UNKNOWN.value)),
            Generation.sent_at.is_not(None),
        )
        .limit(1)
    )
    return found is not None


async def _is_new(session: AsyncSession, *, provider: str, event_id: str, job: str) -> bool:
    """Keep the event; false when it was taken before."""
    fresh = await session.scalar(
        upsert(WebhookEvent)
        .values(provider=provider, event_id=event_id, job=job)
        .on_conflict_do_nothing()
        .returning(WebhookEvent.event_id)
    )
    return fresh is not None

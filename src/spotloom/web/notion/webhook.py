"""Takes Notion's webhooks: a signed one has the page it names read again, and nothing more."""

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.database import Sessions
from spotloom.campaigns.mirrors import outbox, places
from spotloom.campaigns.tables import CombinationRow, WebhookEvent
from spotloom.generation.mirrors.notion import TARGET
from spotloom.notion.webhooks import PAGES, SIGNATURE, Event, Pairing, is_signed
from spotloom.web.door.answers import problems
from spotloom.web.errors import Refused
from spotloom.web.notion.routes import WEBHOOK

log = structlog.get_logger()

LARGEST_BODY = 64 * 1024


class _Unsigned(BaseModel):
    verification_token: str | None = None


def router(sessions: Sessions) -> APIRouter:
    """The webhook's route; `sessions` see every workspace, for Notion names none of ours."""
    routes = APIRouter()

    @routes.post(
        WEBHOOK,
        operation_id="takeNotionWebhook",
        status_code=204,
        tags=["notion"],
        responses=problems(403),
    )
    async def take(request: Request) -> Response:
        """What Notion tells of its pages: signed with the token that came with the pairing."""
        body = await request.body()
        if len(body) > LARGEST_BODY:
            raise Refused(413, "Too large", f"The body is over {LARGEST_BODY:,} bytes.")
        signature = request.headers.get(SIGNATURE, "")
        async with sessions.begin() as session:
            if _is_pairing(body):
                await _pair(session, body)
            else:
                await _hear(session, body, signature)
        return Response(status_code=204)

    return routes


def _is_pairing(body: bytes) -> bool:
    try:
        return _Unsigned.model_validate_json(body).verification_token is not None
    except ValidationError:
        return False


async def _pair(session: AsyncSession, body: bytes) -> None:
    """Keep the token, if an admin waits for it; anybody may send one at any time."""
    try:
        token = Pairing.model_validate_json(body).verification_token
    except ValidationError as error:
        raise Refused(422, "No usable token", "The verification_token is no text.") from error
    if not await places.pair(session, TARGET, token):
        log.warning("notion.pairing_refused")
        raise Refused(403, "Not now", "No admin has opened the pairing, or it has ended.")
    log.info("notion.paired")


async def _hear(session: AsyncSession, body: bytes, signature: str) -> None:
    keys = await places.webhook_keys(session, TARGET)
    if keys is None:
        raise Refused(403, "Not paired", "Open the pairing, then enter this address in Notion.")
    token, bot_id = keys
    if not is_signed(body, signature=signature, token=token):
        log.warning("notion.webhook_forged")
        raise Refused(403, "Not signed", "The signature is not Notion's.")
    try:
        event = Event.model_validate_json(body)
    except ValidationError as error:
        raise Refused(422, "No usable event", "The event has no id, type or entity.") from error
    if event.type in PAGES and event.by_others_than(bot_id) and await _is_new(session, event.id):
        await _look(session, event.entity.id)


async def _is_new(session: AsyncSession, event_id: str) -> bool:
    fresh = await session.scalar(
        upsert(WebhookEvent)
        .values(provider=TARGET, event_id=event_id, job=None)
        .on_conflict_do_nothing()
        .returning(WebhookEvent.event_id)
    )
    return fresh is not None


async def _look(session: AsyncSession, page_id: str) -> None:
    """Have the page read; one that is nobody's may be one that came back from the trash."""
    row = (
        await session.execute(
            select(CombinationRow.id, CombinationRow.workspace_id).where(
                CombinationRow.notion_page_id == page_id
            )
        )
    ).one_or_none()
    if row is None:
        await places.hurry(session, TARGET)
        return
    await outbox.append(
        session, TARGET, kind="look", workspace_id=row.workspace_id, combinations=[row.id]
    )

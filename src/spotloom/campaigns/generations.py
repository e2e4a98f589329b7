"""Reads one generation, and moves it from state to state."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from spotloom.campaigns.channels import CAMPAIGNS, notify
from spotloom.campaigns.tables import (
    Asset,
    Campaign,
    CombinationRow,
    Generation,
    Lane,
    WebhookEvent,
)
from spotloom.creative.request import VideoRequest
from spotloom.creative.status import Status
from spotloom.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One generation as the durable work sees it."""

    id: UUID
    workspace_id: UUID
    campaign_id: UUID
    combination_key: str
    lane_id: UUID
    attempt: int
    admission: int
    request: VideoRequest
    status: Status
    cancelled: bool  # somebody wants it stopped
    note: str | None
    job: str | None
    sent_at: dt.datetime | None
    progress: int | None
    expires_at: dt.datetime | None
    estimated_cost: Decimal
    actual_cost: Decimal | None


async def load(session: AsyncSession, generation_id: UUID) -> Order:
    """The generation as it stands now."""
    g = Generation
    row = (
        await session.execute(
            select(g, CombinationRow.key, Campaign.state)
            .join(CombinationRow, CombinationRow.id == g.combination_id)
            .join(Campaign, Campaign.id == g.campaign_id)
            .where(g.id == generation_id)
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no generation {generation_id}.")
    stored = row[0]
    return Order(
        id=stored.id,
        workspace_id=stored.workspace_id,
        campaign_id=stored.campaign_id,
        combination_key=row.key,
        lane_id=stored.lane_id,
        attempt=stored.attempt,
        admission=stored.admissions,
        request=VideoRequest.from_json(stored.request),
        status=Status(stored.status),
        cancelled=row.state == "cancelled" or stored.cancel_asked_at is not None,
        note=stored.note,
        job=stored.provider_job_id,
        sent_at=stored.sent_at,
        progress=stored.progress,
        expires_at=stored.expires_at,
        estimated_cost=stored.estimated_cost,
        actual_cost=stored.actual_cost,
    )


async def move(
    session: AsyncSession,
    generation_id: UUID,
    *,
    expect: Collection[Status],
    to: Status,
    **values: Any,
) -> None:
    """Change the state, and the columns that belong to the change; Conflict if it was elsewhere."""
    campaign_id = await session.scalar(
        update(Generation)
        .where(Generation.id == generation_id, Generation.status.in_([s.value for s in expect]))
        .values(status=to.value, **values)
        .returning(Generation.campaign_id)
    )
    if campaign_id is None:
        words = " or ".join(sorted(expect))
        raise Conflict(f"generation {generation_id} is not {words} any more, so not {to}")
    await notify(session, CAMPAIGNS, str(campaign_id))


async def mark_sent(session: AsyncSession, generation_id: UUID, *, admission: int) -> bool:
    """Store the intent to pay, before the call; false when another hand has it."""
    sent = await session.scalar(
        update(Generation)
        .where(
            Generation.id == generation_id,
            Generation.status == Status.SUBMITTING.value,
            Generation.sent_at.is_(None),
            Generation.admissions == admission,
        )
        .values(sent_at=func.clock_timestamp())
        .returning(Generation.id)
    )
    return sent is not None


async def set_progress(session: AsyncSession, generation_id: UUID, progress: int) -> None:
    """Note how far the provider says it is; it only ever grows."""
    campaign_id = await session.scalar(
        update(Generation)
        .where(
            Generation.id == generation_id,
            Generation.status == Status.GENERATING.value,
            func.coalesce(Generation.progress, -1) < progress,
        )
        .values(progress=progress)
        .returning(Generation.campaign_id)
    )
    if campaign_id is not None:
        await notify(session, CAMPAIGNS, str(campaign_id))


async def owners(session: AsyncSession, lane_id: UUID, jobs: Collection[str]) -> set[str]:
    """Which of these provider jobs some generation already owns."""
    found = await session.scalars(
        select(Generation.provider_job_id).where(
            Generation.lane_id == lane_id, Generation.provider_job_id.in_(jobs)
        )
    )
    return {job for job in found if job is not None}


async def announced(session: AsyncSession) -> list[tuple[UUID, str]]:
    """Possibly charged generations, each with every job of nobody's that its provider told of."""
    g, owner = Generation, aliased(Generation)
    rows = await session.execute(
        select(g.id, WebhookEvent.job)
        .join(Lane, Lane.id == g.lane_id)
        .join(WebhookEvent, WebhookEvent.provider == Lane.provider)
        .where(
            g.status == Status.UNKNOWN.value,
            WebhookEvent.at >= g.sent_at,
            WebhookEvent.job.is_not(None),
            ~select(owner.id)
            .where(owner.lane_id == g.lane_id, owner.provider_job_id == WebhookEvent.job)
            .exists(),
        )
        .order_by(WebhookEvent.at)
    )
    return [(row.id, str(row.job)) for row in rows]


async def add_assets(session: AsyncSession, assets: Collection[Asset]) -> None:
    """Store what we keep of a finished generation."""
    session.add_all(assets)
    await session.flush()


async def note(session: AsyncSession, generation_id: UUID, text: str) -> None:
    """Keep what became of a wish about this generation."""
    await session.execute(
        update(Generation).where(Generation.id == generation_id).values(note=text)
    )

"""Reads one generation, and moves it from state to state."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row, Select, Table, Text, Update, and_, func, select, text, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from spotloom.campaigns.channels import CAMPAIGNS
from spotloom.campaigns.tables import (
    Asset,
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
    note: str | None  # what became of that wish
    held_up: bool  # says why it does not get on
    job: str | None
    sent_at: dt.datetime | None
    progress: int | None
    expires_at: dt.datetime | None
    estimated_cost: Decimal
    actual_cost: Decimal | None


# Written out: building such statements anew for each video took a sixth of a worker's time.
_ORDER = """
    g.id, g.workspace_id, g.campaign_id, k.key AS combination_key, g.lane_id, g.attempt,
    g.admissions AS admission, g.request, g.status, g.note, g.provider_job_id AS job, g.sent_at,
    g.error_text IS NOT NULL AS held_up, g.progress, g.expires_at, g.estimated_cost, g.actual_cost,
    c.state = 'cancelled' OR g.cancel_asked_at IS NOT NULL AS cancelled
"""
_LOAD = text(
    f"""
    SELECT {_ORDER} FROM spotloom.generation g
      JOIN spotloom.combination k ON k.id = g.combination_id
      JOIN spotloom.campaign c ON c.id = g.campaign_id
     WHERE g.id = :id
    """  # noqa: S608 - our own columns
)
_TAKE = text(
    f"""
    UPDATE spotloom.generation g SET sent_at = clock_timestamp()
      FROM spotloom.combination k, spotloom.campaign c
     WHERE g.id = :id AND k.id = g.combination_id AND c.id = g.campaign_id
       AND g.status = 'submitting' AND g.sent_at IS NULL AND g.admissions = :admission
       AND g.cancel_asked_at IS NULL AND c.state <> 'cancelled'
    RETURNING {_ORDER}
    """  # noqa: S608 - our own columns
)

# In any order, and never waiting: what changes several rows at once could wait for this one.
_RISE = text(
    """
    WITH free AS (
      SELECT g.id, risen.progress
        FROM spotloom.generation g
        JOIN unnest(CAST(:ids AS uuid[]), CAST(:progress AS int[])) AS risen (id, progress)
          ON risen.id = g.id
       WHERE g.status = 'generating' AND coalesce(g.progress, -1) < risen.progress
         FOR NO KEY UPDATE OF g SKIP LOCKED
    ), changed AS (
      UPDATE spotloom.generation g SET progress = free.progress FROM free WHERE g.id = free.id
      RETURNING g.campaign_id
    )
    SELECT pg_notify(:campaigns, campaign_id::text)
      FROM (SELECT DISTINCT campaign_id FROM changed) AS watched
    """
)


async def load(session: AsyncSession, generation_id: UUID) -> Order:
    """The generation as it stands now."""
    row = (await session.execute(_LOAD, {"id": generation_id})).one_or_none()
    if row is None:
        raise NotFound(f"There is no generation {generation_id}.")
    return _order(row)


async def held(session: AsyncSession, generation_id: UUID) -> Status:
    """The generation's state, which stays so for as long as the caller's transaction lasts."""
    row = select(Generation.status).where(Generation.id == generation_id)
    return Status((await session.scalars(row.with_for_update(key_share=True))).one())


async def take(session: AsyncSession, generation_id: UUID, *, admission: int) -> Order | None:
    """Store the intent to pay, before the call; None when it may not be sent, or not from here."""
    row = (
        await session.execute(_TAKE, {"id": generation_id, "admission": admission})
    ).one_or_none()
    return None if row is None else _order(row)


def _order(row: Row[Any]) -> Order:
    stored = dict(row._mapping)
    stored["request"] = VideoRequest.from_json(stored["request"])
    stored["status"] = Status(stored["status"])
    return Order(**stored)


# The table itself: an update by way of its class costs twice the processor time.
_ROWS = cast("Table", Generation.__table__)


def _told(change: Update) -> Select[UUID, None]:
    """The change, which in the same statement is told to whoever watches the campaign."""
    changed = change.returning(_ROWS.c.campaign_id).cte("changed")
    watched = changed.c.campaign_id
    return select(watched, func.pg_notify(CAMPAIGNS, sql_cast(watched, Text)))


async def move(
    session: AsyncSession,
    generation_id: UUID,
    *,
    expect: Collection[Status],
    to: Status,
    intent: dt.datetime | None = None,
    **values: Any,
) -> None:
    """Change the state, and the columns that belong to the change; Conflict if it was elsewhere.

    With an `intent`, the moment at which it was stored, also Conflict when it is not that one any
    more: another hand looked the order up, and began anew.
    """
    change = update(_ROWS).where(
        _ROWS.c.id == generation_id, _ROWS.c.status.in_([s.value for s in expect])
    )
    if intent is not None:
        change = change.where(_ROWS.c.sent_at == intent)
    moved = await session.scalar(_told(change.values(status=to.value, **values)))
    if moved is None:
        words = " or ".join(sorted(expect))
        raise Conflict(f"generation {generation_id} is not {words} any more, so not {to}")


async def rise(session: AsyncSession, risen: Mapping[UUID, int]) -> None:
    """Note how far in per cent their provider says those are; it only ever grows.

    A row that another hand holds is left as it is: the next step will say the same.
    """
    ids, progress = list(risen), list(risen.values())
    await session.execute(_RISE, {"ids": ids, "progress": progress, "campaigns": CAMPAIGNS})


async def hold_up(session: AsyncSession, generation_id: UUID, why: str | None) -> None:
    """Tell why a video that is under way does not get on; None when it does again."""
    under_way = (Status.GENERATING.value, Status.FINISHING.value)
    await session.execute(
        _told(
            update(_ROWS)
            .where(
                _ROWS.c.id == generation_id,
                _ROWS.c.status.in_(under_way),
                _ROWS.c.error_text.is_distinct_from(why),
            )
            .values(error_text=why and why[:2000])
        )
    )


async def owners(
    session: AsyncSession, lane_id: UUID, jobs: Collection[str]
) -> dict[str, dt.datetime | None]:
    """Which of these provider jobs some generation at the lane's account owns, and since when."""
    own, owner = aliased(Lane), aliased(Lane)
    found = await session.execute(
        select(Generation.provider_job_id, Generation.accepted_at)
        .join(owner, owner.id == Generation.lane_id)
        .join(own, and_(own.provider == owner.provider, own.account == owner.account))
        .where(own.id == lane_id, Generation.provider_job_id.in_(jobs))
    )
    return {str(row.provider_job_id): row.accepted_at for row in found}


async def announced(session: AsyncSession) -> list[tuple[UUID, str]]:
    """Possibly charged generations, each with every job of nobody's that its provider told of."""
    g, owner, whose = Generation, aliased(Generation), aliased(Lane)
    rows = await session.execute(
        select(g.id, WebhookEvent.job)
        .join(Lane, Lane.id == g.lane_id)
        .join(WebhookEvent, WebhookEvent.provider == Lane.provider)
        .where(
            g.status == Status.UNKNOWN.value,
            WebhookEvent.at >= g.sent_at,
            WebhookEvent.job.is_not(None),
            ~select(owner.id)
            .join(whose, whose.id == owner.lane_id)
            .where(
                whose.provider == Lane.provider,
                whose.account == Lane.account,
                owner.provider_job_id == WebhookEvent.job,
            )
            .exists(),
        )
        .order_by(WebhookEvent.at)
    )
    return [(row.id, str(row.job)) for row in rows]


async def in_doubt(session: AsyncSession, *, within: dt.timedelta) -> list[UUID]:
    """Possibly charged generations that were sent within that time, the latest first."""
    return list(
        await session.scalars(
            select(Generation.id)
            .where(
                Generation.status == Status.UNKNOWN.value,
                Generation.sent_at > func.clock_timestamp() - within,
            )
            .order_by(Generation.sent_at.desc())
        )
    )


async def add_assets(session: AsyncSession, assets: Collection[Asset]) -> None:
    """Store what we keep of a finished generation."""
    session.add_all(assets)
    await session.flush()


async def note(session: AsyncSession, generation_id: UUID, text: str) -> None:
    """Keep what became of a wish about this generation."""
    await session.execute(
        update(Generation).where(Generation.id == generation_id).values(note=text)
    )

"""Answers about campaigns: how far, how much, what came of each video."""

import contextlib
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from spotloom.campaigns import ledger
from spotloom.campaigns.ledger import Money
from spotloom.campaigns.tables import Campaign, Generation, Lane, LaneSlot
from spotloom.campaigns.tenancy import LOCAL
from spotloom.creative.pricing import expected_time
from spotloom.creative.status import Status
from spotloom.errors import NotFound

SANDBOX = "sandbox"
_RECENT = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a campaign is."""

    id: UUID
    batch_key: str
    brief: Mapping[str, Any]
    provider: str
    model: str
    state: str
    estimated_cost: Decimal
    budget: Decimal | None
    created_at: dt.datetime
    created_by: str | None = None  # "person:…" or "key:…"; None from this machine
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """How one provider account stands."""

    id: UUID
    provider: str
    account: str
    limit: int
    adapted_limit: int | None  # fewer, for as long as the provider takes fewer
    held: int
    waiting: int
    paused_until: dt.datetime | None
    blocked: bool
    reason: str | None
    starts_a_minute: int | None = None  # how fast videos may start; None is unbounded


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What is known of a campaign's speed."""

    recent: float | None  # videos over per minute of the last minutes; None where they were few
    each_s: float | None  # what its finished videos took on average; None until the first
    at_once: int  # how many are being made now


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a campaign is, at one moment."""

    counts: Mapping[Status, int]
    money: Money
    lanes: tuple[LaneState, ...]
    pace: Pace
    held_up: Mapping[Status, str]  # why videos under way do not get on: one reason of each state

    @property
    def total(self) -> int:
        """Videos in the campaign."""
        return sum(self.counts.values())

    @property
    def over(self) -> int:
        """Videos with which nothing more will happen by itself."""
        return sum(count for status, count in self.counts.items() if status.over)

    @property
    def finished_a_minute(self) -> float | None:
        """The observed pace: of the last minutes, else what the videos so far took; None before."""
        if self.pace.recent is not None or not self.pace.each_s or not self._at_once:
            return self.pace.recent
        return self._at_once / self.pace.each_s * 60

    @property
    def left_s(self) -> float | None:
        """Seconds until the last one: at the observed pace, else as planned; None where unknown."""
        left = self.total - self.over
        if pace := self.finished_a_minute:
            return left / pace * 60
        # A sandbox is quick: what a provider takes says nothing of it.
        planned = all(lane.provider != SANDBOX for lane in self.lanes)
        if not planned or not self._at_once or not left:
            return None
        return expected_time(left, slots=self._at_once).total_seconds()

    @property
    def _at_once(self) -> int:
        """Videos being made at once; where none has begun, as many as its open lanes take."""
        slots = sum(
            lane.limit if lane.adapted_limit is None else lane.adapted_limit
            for lane in self.lanes
            if not lane.blocked
        )
        return self.pace.at_once or slots


async def find(session: AsyncSession, name: str, *, workspace_id: UUID = LOCAL) -> Header:
    """The workspace's campaign with this campaign id or batch id; NotFound names what exists."""
    ours = select(Campaign).where(_listed(workspace_id))
    row = None
    with contextlib.suppress(ValueError):
        row = await session.scalar(ours.where(Campaign.id == UUID(name)))
    if row is None:
        row = await session.scalar(ours.where(Campaign.batch_key == name))
    if row is None:
        known = await session.scalars(
            select(Campaign.batch_key)
            .where(_listed(workspace_id))
            .order_by(Campaign.id.desc())
            .limit(5)
        )
        latest = ", ".join(known)
        raise NotFound(
            f"There is no campaign '{name}'. "
            + (f"The latest are: {latest}." if latest else "None has been made here yet.")
        )
    return header(row)


async def campaigns(
    session: AsyncSession, *, limit: int = 20, workspace_id: UUID = LOCAL
) -> list[Header]:
    """The workspace's latest campaigns, newest first."""
    ours = select(Campaign).where(_listed(workspace_id))
    rows = await session.scalars(ours.order_by(Campaign.id.desc()).limit(limit))
    return [header(row) for row in rows]


async def progress(
    session: AsyncSession, campaign_id: UUID, *, workspace_id: UUID = LOCAL
) -> Progress:
    """How far the campaign is now."""
    latest = _latest(campaign_id, workspace_id).subquery()
    states = await session.execute(
        select(latest.c.status, func.count(), func.max(latest.c.error_text)).group_by(
            latest.c.status
        )
    )
    rows = [(Status(status), count, why) for status, count, why in states]
    return Progress(
        counts={status: count for status, count, _ in rows},
        held_up={status: why for status, _, why in rows if why and not status.over},
        money=await ledger.money(session, campaign_id, workspace_id=workspace_id),
        lanes=await lanes(session, campaign_id=campaign_id, workspace_id=workspace_id),
        pace=await _pace(session, campaign_id, workspace_id),
    )


def header(row: Campaign) -> Header:
    """What the stored campaign is."""
    return Header(
        id=row.id,
        batch_key=row.batch_key,
        brief=row.brief,
        provider=row.provider,
        model=row.model,
        state=row.state,
        estimated_cost=row.estimated_cost,
        budget=row.budget,
        created_at=row.created_at,
        created_by=row.created_by,
        version=row.version,
    )


def _listed(workspace_id: UUID) -> ColumnElement[bool]:
    return (Campaign.workspace_id == workspace_id) & Campaign.deleted_at.is_(None)


def _latest(campaign_id: UUID, workspace_id: UUID) -> Any:
    g = Generation
    return (
        select(g.id, g.status, g.error_text)
        .where(g.workspace_id == workspace_id, g.campaign_id == campaign_id)
        .ext(distinct_on(g.combination_id))
        .order_by(g.combination_id, g.attempt.desc())
    )


async def lanes(
    session: AsyncSession,
    *,
    campaign_id: UUID | None = None,
    provider: str | None = None,
    workspace_id: UUID = LOCAL,
) -> tuple[LaneState, ...]:
    """How the workspace's lanes stand: all, or those of one campaign or provider."""
    wanted = select(Lane.id).where(Lane.workspace_id == workspace_id)
    if campaign_id is not None:
        used = select(Generation.lane_id).where(Generation.campaign_id == campaign_id)
        wanted = wanted.where(Lane.id.in_(used))
    if provider is not None:
        wanted = wanted.where(Lane.provider == provider)
    held = select(func.count()).where(LaneSlot.lane_id == Lane.id).correlate(Lane).scalar_subquery()
    waiting = (
        select(func.count())
        .where(Generation.lane_id == Lane.id, Generation.status == Status.QUEUED.value)
        .correlate(Lane)
        .scalar_subquery()
    )
    rows = await session.execute(
        select(Lane, held.label("held"), waiting.label("waiting")).where(Lane.id.in_(wanted))
    )
    return tuple(
        LaneState(
            id=row[0].id,
            provider=row[0].provider,
            account=row[0].account,
            limit=row[0].slot_limit,
            adapted_limit=row[0].adapted_limit,
            held=row.held,
            waiting=row.waiting,
            paused_until=row[0].paused_until,
            blocked=row[0].blocked,
            reason=row[0].reason,
            starts_a_minute=row[0].starts_a_minute,
        )
        for row in rows
    )


async def _pace(session: AsyncSession, campaign_id: UUID, workspace_id: UUID) -> Pace:
    """What is known of the campaign's speed."""
    g = Generation
    since = func.clock_timestamp() - _RECENT
    made = g.status == Status.COMPLETED.value
    seconds = func.extract("epoch", g.over_at - g.admitted_at)
    row = (
        await session.execute(
            select(
                func.count().filter(g.over_at > since).label("recent"),
                func.extract(
                    "epoch", func.clock_timestamp() - func.greatest(func.min(g.admitted_at), since)
                ).label("span_s"),
                func.avg(seconds).filter(made, g.admitted_at.is_not(None)).label("each_s"),
                func.count().filter(g.admitted_at.is_not(None), g.over_at.is_(None)).label("held"),
            ).where(g.workspace_id == workspace_id, g.campaign_id == campaign_id)
        )
    ).one()
    # Slow videos end together, a slot each: only more than one turn of the slots is a pace.
    enough = row.recent > max(row.held, 1) and row.span_s
    recent = row.recent / row.span_s * 60 if enough else None
    return Pace(
        recent=None if recent is None else float(recent),
        each_s=float(row.each_s) if row.each_s else None,
        at_once=row.held,
    )

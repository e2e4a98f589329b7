"""Keeps the place where a workspace's videos are shown, and the one pace at which it is asked."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.tables import CombinationRow, Mirror, MirrorOutbox
from spotloom.errors import Conflict, NotFound

PAIRING = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the videos of a workspace are shown."""

    target: str
    workspace_id: UUID
    database_id: str
    data_source_id: str
    title: str
    url: str
    bot_id: str
    properties: Mapping[str, str]
    polled_to: dt.datetime
    trouble: str | None


async def place(session: AsyncSession, target: str) -> Place | None:
    """The place, or None while there is none."""
    row = await session.get(Mirror, target, populate_existing=True)
    return None if row is None else _told(row)


async def connect(
    session: AsyncSession, workspace_id: UUID, target: str, *, now: dt.datetime, **what: Any
) -> None:
    """Show the workspace's videos there from now on; Conflict when another workspace's are.

    Pages of an earlier database are left behind: they are no pages of this one.
    """
    before = await session.scalar(
        select(Mirror.data_source_id).where(
            Mirror.target == target, Mirror.workspace_id == workspace_id
        )
    )
    statement = upsert(Mirror).values(
        target=target, workspace_id=workspace_id, polled_to=now, **what
    )
    ours = await session.scalar(
        statement.on_conflict_do_update(
            index_elements=["target"],
            set_={name: statement.excluded[name] for name in what}
            | {"trouble": None, "paused_until": None, "creates_from": None},
            where=Mirror.workspace_id == workspace_id,
        ).returning(Mirror.workspace_id)
    )
    if ours is None:
        raise Conflict("The Notion connection of this installation is another workspace's.")
    if before is not None and before != what["data_source_id"]:
        await _leave(session, workspace_id, target)


async def disconnect(session: AsyncSession, workspace_id: UUID, target: str) -> None:
    """Show nothing there any more; the pages stay as they are. NotFound when nothing is shown."""
    gone = await session.scalar(
        delete(Mirror)
        .where(Mirror.target == target, Mirror.workspace_id == workspace_id)
        .returning(Mirror.target)
    )
    if gone is None:
        raise NotFound("This workspace is not connected to Notion.")
    await _leave(session, workspace_id, target)


async def open_pairing(session: AsyncSession, workspace_id: UUID, target: str) -> dt.datetime:
    """Take a webhook's token for ten minutes; until when."""
    until: dt.datetime | None = await session.scalar(
        update(Mirror)
        .where(Mirror.target == target, Mirror.workspace_id == workspace_id)
        .values(pairing_until=func.clock_timestamp() + literal(PAIRING))
        .returning(Mirror.pairing_until)
    )
    if until is None:
        raise NotFound("This workspace is not connected to Notion; run `spotloom notion setup`.")
    return until


async def pair(session: AsyncSession, target: str, token: str) -> bool:
    """Keep the token that signs webhooks, if an admin has opened the pairing; whether it was."""
    paired = await session.scalar(
        update(Mirror)
        .where(Mirror.target == target, Mirror.pairing_until > func.clock_timestamp())
        .values(webhook_token=token, pairing_until=None)
        .returning(Mirror.target)
    )
    return paired is not None


async def webhook_keys(session: AsyncSession, target: str) -> tuple[str, str] | None:
    """The token that signs the webhooks and who we are there; None before the pairing."""
    row = (
        await session.execute(
            select(Mirror.webhook_token, Mirror.bot_id).where(Mirror.target == target)
        )
    ).one_or_none()
    return None if row is None or row.webhook_token is None else (row.webhook_token, row.bot_id)


# The pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """When a request may leave, and how slow we are."""

    wait_s: float
    interval_s: float
    setbacks: int
    trouble: str | None


_TURN = text(
    """
    UPDATE spotloom.mirror
       SET turn_at = greatest(turn_at, clock_timestamp())
                     + make_interval(secs => greatest(interval_s, :fastest_s))
     WHERE target = :target AND (paused_until IS NULL OR paused_until <= clock_timestamp())
    RETURNING interval_s, setbacks, trouble,
              extract(epoch FROM turn_at - clock_timestamp()) - greatest(interval_s, :fastest_s)
                AS wait_s
    """
)


async def turn(session: AsyncSession, target: str, *, fastest_s: float) -> Turn | None:
    """Our turn among all processes; None while no request may leave."""
    row = (await session.execute(_TURN, {"target": target, "fastest_s": fastest_s})).one_or_none()
    if row is None:
        return None
    return Turn(
        wait_s=max(0.0, float(row.wait_s)),
        interval_s=row.interval_s,
        setbacks=row.setbacks,
        trouble=row.trouble,
    )


async def paused(session: AsyncSession, target: str) -> bool:
    """Whether no request may leave at this moment."""
    found = await session.scalar(
        select(Mirror.target).where(
            Mirror.target == target, Mirror.paused_until > func.clock_timestamp()
        )
    )
    return found is not None


async def slow_down(
    session: AsyncSession, target: str, *, interval_s: float, setbacks: int, wait_s: float
) -> None:
    """Send nothing for so long, and less often from then on; the longest wait holds."""
    until = func.clock_timestamp() + dt.timedelta(seconds=wait_s)
    await session.execute(
        update(Mirror)
        .where(Mirror.target == target)
        .values(
            paused_until=func.greatest(Mirror.paused_until, until),
            interval_s=interval_s,
            setbacks=setbacks,
            throttled=Mirror.throttled + 1,
        )
    )


async def speed_up(session: AsyncSession, target: str, *, interval_s: float) -> None:
    """It answered well."""
    await session.execute(
        update(Mirror).where(Mirror.target == target).values(interval_s=interval_s, setbacks=0)
    )


async def stop(session: AsyncSession, target: str, *, reason: str, for_s: float) -> None:
    """Nothing can be written, and a person must act; it is tried again after a while."""
    until = func.clock_timestamp() + dt.timedelta(seconds=for_s)
    await session.execute(
        update(Mirror)
        .where(Mirror.target == target)
        .values(trouble=reason, paused_until=func.greatest(Mirror.paused_until, until))
    )


async def go_on(session: AsyncSession, target: str, *, made: bool) -> None:
    """The trouble is over; a place that was full is so until it has taken a new page."""
    await session.execute(
        update(Mirror)
        .where(Mirror.target == target, Mirror.creates_from.is_(None) | literal(made))
        .values(trouble=None, creates_from=None)
    )


async def is_full(session: AsyncSession, target: str, *, reason: str, for_s: float) -> None:
    """It takes no new page for now; what is there can be changed."""
    until = func.clock_timestamp() + dt.timedelta(seconds=for_s)
    await session.execute(
        update(Mirror).where(Mirror.target == target).values(trouble=reason, creates_from=until)
    )


# What is asked there from time to time


async def due(session: AsyncSession, target: str, column: str, *, every_s: float) -> bool:
    """Whether it is time for that round, which is then ours."""
    at = getattr(Mirror, column)
    later = func.clock_timestamp() + dt.timedelta(seconds=every_s)
    found = await session.scalar(
        update(Mirror)
        .where(Mirror.target == target, at <= func.clock_timestamp())
        .values({column: later})
        .returning(Mirror.target)
    )
    return found is not None


async def hurry(session: AsyncSession, target: str) -> None:
    """Ask what people did there at once."""
    await session.execute(
        update(Mirror).where(Mirror.target == target).values(poll_at=func.clock_timestamp())
    )


async def polled(session: AsyncSession, target: str, to: dt.datetime) -> None:
    """All that was edited there until then is known, by its own clock."""
    await session.execute(
        update(Mirror)
        .where(Mirror.target == target)
        .values(polled_to=func.greatest(Mirror.polled_to, to))
    )


async def _leave(session: AsyncSession, workspace_id: UUID, target: str) -> None:
    await session.execute(
        update(CombinationRow)
        .where(
            CombinationRow.workspace_id == workspace_id,
            CombinationRow.notion_page_id.is_not(None),
        )
        .values(notion_page_id=None)
    )
    await session.execute(
        delete(MirrorOutbox).where(
            MirrorOutbox.workspace_id == workspace_id, MirrorOutbox.target == target
        )
    )


def _told(row: Mirror) -> Place:
    return Place(
        target=row.target,
        workspace_id=row.workspace_id,
        database_id=row.database_id,
        data_source_id=row.data_source_id,
        title=row.title,
        url=row.url,
        bot_id=row.bot_id,
        properties=row.properties,
        polled_to=row.polled_to,
        trouble=row.trouble,
    )

"""Keeps the place where a workspace's videos are shown, and the one pace at which it is asked."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.tables import CombinationRow, Mirror, MirrorChange, MirrorLeft, MirrorOutbox
from spotloom.errors import Conflict, NotFound

PAIRING = dt.timedelta(minutes=10)
ANOTHERS = "The Notion connection of this installation is another workspace's."


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


async def place(session: AsyncSession, target: str, workspace_id: UUID) -> Place | None:
    """The workspace's place, or None while it has none."""
    found = await of_any(session, target)
    return found if found is not None and found.workspace_id == workspace_id else None


async def of_any(session: AsyncSession, target: str) -> Place | None:
    """The installation's place, whichever workspace's it is; None while there is none."""
    row = await session.get(Mirror, target, populate_existing=True)
    return None if row is None else _told(row)


@dataclass(frozen=True, slots=True)
class Left:
    """A place that was left, with the pages that are still there."""

    database_id: str
    properties: Mapping[str, str]


async def left(session: AsyncSession, target: str, workspace_id: UUID) -> Left | None:
    """Where the workspace's videos were shown before it was disconnected."""
    row = await session.get(MirrorLeft, (target, workspace_id), populate_existing=True)
    return None if row is None else Left(row.database_id, row.properties)


async def connect(
    session: AsyncSession, workspace_id: UUID, target: str, *, now: dt.datetime, **what: Any
) -> None:
    """Show the workspace's videos there from now on; Conflict when another workspace's are.

    Where they were shown there before, their pages are taken up again; those of another database
    are left behind, for they are no pages of this one.
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
        raise Conflict(ANOTHERS)
    if before is None:
        before = await _left_source(session, workspace_id, target)
        await session.execute(_TAKE_UP, {"target": target, "workspace": workspace_id})
    if before != what["data_source_id"]:
        await _leave(session, workspace_id, target)


async def disconnect(session: AsyncSession, workspace_id: UUID, target: str) -> None:
    """Show nothing there any more; the pages stay as they are. NotFound when nothing is shown."""
    place = delete(Mirror).where(Mirror.target == target, Mirror.workspace_id == workspace_id)
    gone = (
        await session.execute(
            place.returning(Mirror.database_id, Mirror.data_source_id, Mirror.properties)
        )
    ).one_or_none()
    if gone is None:
        raise NotFound("This workspace is not connected to Notion.")
    names = {"target": target, "workspace_id": workspace_id}
    await session.execute(
        upsert(MirrorLeft)
        .values(names | gone._asdict())
        .on_conflict_do_update(index_elements=["target", "workspace_id"], set_=dict(gone._mapping))
    )
    await _forget_changes(session, workspace_id, target)


# What changed meanwhile was not noted: every page that is known is brought up to date.
_TAKE_UP = text(
    """
    INSERT INTO spotloom.mirror_change (target, workspace_id, combination_id, kind)
    SELECT o.target, o.workspace_id, o.combination_id, 'look' FROM spotloom.mirror_outbox o
      JOIN spotloom.combination k ON k.id = o.combination_id
     WHERE o.target = :target AND o.workspace_id = :workspace AND o.state <> 'unlinked'
     ORDER BY o.campaign_id, k.position
    """
)


async def _left_source(session: AsyncSession, workspace_id: UUID, target: str) -> str | None:
    """The data source that was left, which is left no more."""
    found: str | None = await session.scalar(
        delete(MirrorLeft)
        .where(MirrorLeft.target == target, MirrorLeft.workspace_id == workspace_id)
        .returning(MirrorLeft.data_source_id)
    )
    return found


async def open_pairing(
    session: AsyncSession, workspace_id: UUID, target: str, *, by: str
) -> dt.datetime:
    """Take a webhook's token for ten minutes, to be shown to that person; until when."""
    until: dt.datetime | None = await session.scalar(
        update(Mirror)
        .where(Mirror.target == target, Mirror.workspace_id == workspace_id)
        .values(pairing_until=func.clock_timestamp() + literal(PAIRING), pairing_by=by)
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


async def token_for(
    session: AsyncSession, workspace_id: UUID, target: str, *, by: str
) -> str | None:
    """The token that has come with the pairing that this person opened; shown once, and then None.

    They enter it in Notion, which sends nothing before.
    """
    token: str | None = await session.scalar(
        update(Mirror)
        .where(
            Mirror.target == target,
            Mirror.workspace_id == workspace_id,
            Mirror.pairing_by == by,
            Mirror.pairing_until.is_(None),
        )
        .values(pairing_by=None)
        .returning(Mirror.webhook_token)
    )
    return token


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


async def answers_again(session: AsyncSession, target: str) -> None:
    """It answers questions: that ends a trouble, unless something waits that it may not take."""
    waits = select(MirrorOutbox.target).where(
        MirrorOutbox.target == Mirror.target,
        MirrorOutbox.workspace_id == Mirror.workspace_id,
        MirrorOutbox.state == "pending",
    )
    await session.execute(
        update(Mirror)
        .where(Mirror.target == target, Mirror.creates_from.is_(None), ~waits.exists())
        .values(trouble=None)
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
    await _forget_changes(session, workspace_id, target)


async def _forget_changes(session: AsyncSession, workspace_id: UUID, target: str) -> None:
    await session.execute(
        delete(MirrorChange).where(
            MirrorChange.workspace_id == workspace_id, MirrorChange.target == target
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

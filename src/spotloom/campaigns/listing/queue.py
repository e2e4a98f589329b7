"""The queue of each lane: what holds its slots, and what starts next, in the order of admission."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.submit import PRIORITIES
from spotloom.creative.status import Status

_WORDS = {number: word for word, number in PRIORITIES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A video in a queue, and where it belongs."""

    campaign_id: UUID
    batch_id: str
    brand: str
    combination_id: str
    values: dict[str, str]
    attempt: int
    priority: Literal["high", "normal", "low"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupied(Queued):
    """A slot in use."""

    number: int
    since: dt.datetime
    status: Status
    progress: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Queued):
    """A video that starts soon."""

    place: int  # from 1
    turn: int  # which of its campaign's it is, those at the provider counted
    campaign_holds: int  # slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What is on one lane at this moment."""

    slots: tuple[Occupied, ...]
    next: tuple[Waiting, ...]
    held_back: int  # they wait for their campaign, which is paused


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the lanes of all workspaces have of a lane's account."""

    limit: int  # the highest of its lanes
    others: int  # lanes of other workspaces
    others_hold: int  # slots of those


def in_turn(most: str, *, taking: bool) -> str:
    """The SQL of `waiting` and `next`: the first `most` of lane `:lane_id`, by their `place`.

    It needs a table `held` with the campaign of each slot in use. Slots go to the highest priority
    first, then to the campaign that holds fewest, then by turn. With `taking`, what another hand is
    changing at this moment, such as a cancel, is passed over.
    """
    return f"""
    waiting AS (
      SELECT q.id, q.priority, q.position,
             (SELECT count(*) FROM held h WHERE h.campaign_id = c.id)
               + row_number() OVER (PARTITION BY c.id, q.priority ORDER BY q.position) AS turn
        FROM spotloom.campaign c
        CROSS JOIN LATERAL (
          SELECT id, priority, position FROM spotloom.generation
           WHERE lane_id = :lane_id AND campaign_id = c.id AND status = 'queued'
           ORDER BY priority, position LIMIT {most}
           {"FOR NO KEY UPDATE SKIP LOCKED" if taking else ""}
        ) q
       WHERE c.state = 'active' AND {most} > 0
         AND EXISTS (SELECT 1 FROM spotloom.generation g
                      WHERE g.lane_id = :lane_id AND g.campaign_id = c.id AND g.status = 'queued')
    ), next AS (
      SELECT id, turn, row_number() OVER (ORDER BY priority, turn, position) AS place FROM waiting
    )"""  # noqa: S608 - the words are ours


_VIDEO = """g.campaign_id, c.batch_key AS batch_id, c.brief ->> 'brand' AS brand,
           k.key AS combination_id, k.values, g.attempt, g.priority"""
_OF = """JOIN spotloom.campaign c ON c.id = g.campaign_id
      JOIN spotloom.combination k ON k.id = g.combination_id"""

_SLOTS = text(
    f"""
    SELECT {_VIDEO}, s.lane_id, s.number, s.taken_at AS since, g.status, g.progress
      FROM spotloom.lane_slot s JOIN spotloom.generation g ON g.id = s.generation_id {_OF}
     WHERE s.lane_id = ANY(:lanes) ORDER BY s.number
    """  # noqa: S608 - the words are ours
)
_NEXT = text(
    f"""
    WITH held AS (
      SELECT g.campaign_id
        FROM spotloom.lane_slot s JOIN spotloom.generation g ON g.id = s.generation_id
       WHERE s.lane_id = :lane_id
    ), {in_turn("CAST(:most AS int)", taking=False)}
    SELECT {_VIDEO}, next.place, next.turn,
           (SELECT count(*) FROM held h WHERE h.campaign_id = c.id) AS campaign_holds
      FROM next JOIN spotloom.generation g ON g.id = next.id {_OF}
     WHERE next.place <= :most ORDER BY next.place
    """  # noqa: S608 - the words are ours
)
_HELD_BACK = text(
    """
    SELECT g.lane_id, count(*) AS many
      FROM spotloom.generation g JOIN spotloom.campaign c ON c.id = g.campaign_id
     WHERE g.lane_id = ANY(:lanes) AND g.status = 'queued' AND c.state <> 'active'
     GROUP BY g.lane_id
    """
)


_ACCOUNTS = text(
    """
    SELECT own.id, max(l.slot_limit) AS "limit",
           count(*) FILTER (WHERE l.workspace_id <> own.workspace_id) AS others,
           coalesce(sum((SELECT count(*) FROM spotloom.lane_slot s WHERE s.lane_id = l.id))
                      FILTER (WHERE l.workspace_id <> own.workspace_id), 0)::int AS others_hold
      FROM spotloom.lane own JOIN spotloom.lane l USING (provider, account)
     WHERE own.id = ANY(:lanes) GROUP BY own.id
    """
)


async def accounts(session: AsyncSession, lane_ids: Collection[UUID]) -> dict[UUID, Account]:
    """How each lane's account is shared; the session must see every workspace."""
    rows = await session.execute(_ACCOUNTS, {"lanes": list(lane_ids)})
    return {
        row.id: Account(limit=row.limit, others=row.others, others_hold=row.others_hold)
        for row in rows
    }


async def queues(
    session: AsyncSession, lane_ids: Collection[UUID], *, ahead: int
) -> dict[UUID, Queue]:
    """What holds each lane's slots, and the `ahead` that start next as things stand now."""
    lanes = list(lane_ids)
    slots = (await session.execute(_SLOTS, {"lanes": lanes})).all()
    counted = await session.execute(_HELD_BACK, {"lanes": lanes})
    held_back = {row.lane_id: row.many for row in counted}
    found = {}
    for lane_id in lanes:
        rows = (await session.execute(_NEXT, {"lane_id": lane_id, "most": ahead})).all()
        found[lane_id] = Queue(
            slots=_occupied([row for row in slots if row.lane_id == lane_id]),
            next=tuple(Waiting(**_told(row)) for row in rows),
            held_back=held_back.get(lane_id, 0),
        )
    return found


def _occupied(rows: Sequence[Row[Any]]) -> tuple[Occupied, ...]:
    told = [_told(row) for row in rows]
    for each in told:
        del each["lane_id"]
        each["status"] = Status(each["status"])
    return tuple(Occupied(**each) for each in told)


def _told(row: Row[Any]) -> dict[str, Any]:
    stored = dict(row._mapping)
    return stored | {
        "brand": stored["brand"] or "",
        "priority": _WORDS[stored["priority"]],
        "values": {str(dimension): str(option) for dimension, option in stored["values"]},
    }

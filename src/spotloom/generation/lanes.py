"""The lanes: which video may be at which provider now.

The limit is a fact of the database: a slot is a row under a unique key, and it is held exactly
while the provider may be working.
"""

import datetime as dt
import random
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import case, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.channels import CAMPAIGNS, LANES, notify
from spotloom.campaigns.listing.queue import in_turn
from spotloom.campaigns.tables import Generation, Lane, LaneSlot
from spotloom.contract.lanes import LaneEdit
from spotloom.creative.status import Status

LONGEST_PAUSE_S = 60.0
SHORTEST_PAUSE_S = 0.25
STEP_AFTER = 2  # accepted videos per slot before an adapted limit grows by one


@dataclass(frozen=True, slots=True)
class Admitted:
    """A generation that was given a slot, and for which time."""

    generation_id: UUID
    admission: int

    @property
    def workflow_id(self) -> str:
        """The durable work's id; it never recurs."""
        return f"generate:{self.generation_id}:{self.admission}"


# Workspaces that share an account share its limit, so all lanes of the account are locked, always
# in one order.
_LANES_OF_ACCOUNT = """
    SELECT l.id FROM spotloom.lane l
     WHERE (l.provider, l.account) =
           (SELECT own.provider, own.account FROM spotloom.lane own WHERE own.id = :lane_id)
     ORDER BY l.id FOR UPDATE"""
_LOCK = text(_LANES_OF_ACCOUNT)

# Of the account's limit, the highest that any of its lanes has, every lane that wants slots has an
# equal share; what is left over goes to those that have waited longest since they had one. A lane
# takes more than its share only while no other lane lacks any of its own.
_ROOM = """
    account AS (
      SELECT l.id, l.slot_limit,
             (SELECT count(*) FROM spotloom.lane_slot s WHERE s.lane_id = l.id) AS holds,
             (SELECT max(g.admitted_at) FROM spotloom.generation g WHERE g.lane_id = l.id) AS last,
             l.id = :lane_id
             OR NOT l.blocked AND coalesce(l.paused_until <= clock_timestamp(), true)
                AND EXISTS (SELECT 1 FROM spotloom.generation g
                              JOIN spotloom.campaign c ON c.id = g.campaign_id
                             WHERE g.lane_id = l.id AND g.status = 'queued'
                               AND c.state = 'active') AS wants
        FROM spotloom.lane l JOIN spotloom.lane own
          ON own.id = :lane_id AND (l.provider, l.account) = (own.provider, own.account)
    ), whole AS (
      SELECT max(slot_limit) AS most, max(slot_limit) - sum(holds) AS left_over,
             count(*) FILTER (WHERE wants) AS lanes
        FROM account
    ), turns AS (
      SELECT a.id, a.slot_limit, a.holds, w.most, w.lanes,
             row_number() OVER (ORDER BY a.last NULLS FIRST, a.id) AS turn
        FROM account a, whole w WHERE a.wants
    ), shares AS (
      SELECT id, turn,
             least(slot_limit, most / lanes + (turn <= most % lanes)::int) - holds AS lacks
        FROM turns
    ), within AS (
      SELECT greatest(0, least(own.lacks, w.left_over - coalesce(sum(greatest(0, other.lacks))
               FILTER (WHERE other.turn < own.turn), 0))) AS share,
             w.left_over - coalesce(sum(greatest(0, other.lacks)), 0) AS spare
        FROM whole w, shares own LEFT JOIN shares other ON other.id <> own.id
       WHERE own.id = :lane_id GROUP BY own.lacks, w.left_over
    ), room AS (
      SELECT (share + greatest(0, spare - share))::bigint AS slots FROM within
    )"""

# After a setback the lane is probed with one video at a time until one is accepted.
_ADMIT = text(
    f"""
    WITH held AS (
      SELECT s.number, g.campaign_id, g.status
        FROM spotloom.lane_slot s JOIN spotloom.generation g ON g.id = s.generation_id
       WHERE s.lane_id = :lane_id
    ), {_ROOM.strip()}, limits AS (
      SELECT least(slot_limit, coalesce(adapted_limit, slot_limit)) AS most, setbacks,
             starts_a_minute - (SELECT count(*) FROM spotloom.generation g
                                 WHERE g.lane_id IN (SELECT id FROM account)
                                   AND g.admitted_at > clock_timestamp() - interval '1 minute')
               AS starts_left
        FROM spotloom.lane
       WHERE id = :lane_id AND NOT blocked
         AND (paused_until IS NULL OR paused_until <= clock_timestamp())
    ), lane AS (
      SELECT least(most, (SELECT count(*) FROM held) + (SELECT slots FROM room),
                   CASE WHEN starts_left IS NOT NULL THEN
                     (SELECT count(*) FROM held) + greatest(0, starts_left) END,
                   CASE WHEN setbacks > 0 THEN
                     1 + (SELECT count(*) FROM held WHERE status <> 'submitting') END) AS open
        FROM limits
    ), free AS (
      SELECT n AS number, row_number() OVER (ORDER BY n) AS place
        FROM lane, generate_series(1, (lane.open + (SELECT count(*) FROM held))::int) AS n
       WHERE NOT EXISTS (SELECT 1 FROM held WHERE held.number = n)
       ORDER BY n LIMIT (SELECT greatest(0, open - (SELECT count(*) FROM held)) FROM lane)
    ), {in_turn("(SELECT count(*) FROM free)", taking=True)},
    taken AS (
      INSERT INTO spotloom.lane_slot (lane_id, number, generation_id)
      SELECT :lane_id, free.number, next.id FROM free JOIN next USING (place)
      RETURNING generation_id
    ), admitted AS (
      UPDATE spotloom.generation g
         SET status = 'submitting', admissions = g.admissions + 1, sent_at = NULL,
             admitted_at = clock_timestamp()
        FROM taken WHERE g.id = taken.generation_id AND g.status = 'queued'
      RETURNING g.id, g.admissions, g.campaign_id
    )
    SELECT id, admissions, pg_notify(:campaigns, campaign_id::text) FROM admitted
    """  # noqa: S608 - the words are ours
)


async def admit(session: AsyncSession, lane_id: UUID) -> list[Admitted]:
    """Fill the lane's free slots from its queue; one short transaction of the caller.

    Where several lanes share an account, the limit is the account's, and so are the free slots.
    """
    # Its own statement: READ COMMITTED takes its snapshot before it waits for the lock, so the
    # statement below must begin after the lock is ours.
    await session.execute(_LOCK, {"lane_id": lane_id})
    return await _admitted(session, lane_id)


async def _admitted(session: AsyncSession, lane_id: UUID) -> list[Admitted]:
    rows = await session.execute(_ADMIT, {"lane_id": lane_id, "campaigns": CAMPAIGNS})
    return [Admitted(row.id, row.admissions) for row in rows]


# A video that should be under way, but that no live workflow carries: its worker died between
# admitting and starting it, or its workflow ended by a fault.
_ADOPT = text(
    """
    UPDATE spotloom.generation g
       SET admissions = g.admissions + 1, admitted_at = clock_timestamp()
     WHERE g.lane_id = :lane_id AND g.status IN ('submitting', 'generating', 'finishing')
       AND g.admitted_at < clock_timestamp() - make_interval(secs => :after_s)
       AND NOT EXISTS (
         SELECT 1 FROM dbos.workflow_status w
          WHERE w.workflow_uuid IN ('generate:' || g.id || ':' || g.admissions,
                                    'finish:' || g.id || ':' || g.admissions)
            AND w.status IN ('PENDING', 'ENQUEUED', 'DELAYED'))
       AND (g.status <> 'finishing' OR NOT EXISTS (
         SELECT 1 FROM dbos.workflow_status w  -- a later try to fetch its file
          WHERE w.queue_name = 'finish' AND w.status IN ('PENDING', 'ENQUEUED', 'DELAYED')
            AND w.workflow_uuid LIKE 'finish:' || g.id || ':' || g.admissions || ':%'))
    RETURNING g.id, g.admissions
    """
)


async def adopt(session: AsyncSession, lane_id: UUID, *, after_s: float) -> list[Admitted]:
    """Take over what no workflow has carried for that long; the older workflow can do no more."""
    await session.execute(_LOCK, {"lane_id": lane_id})
    rows = await session.execute(_ADOPT, {"lane_id": lane_id, "after_s": after_s})
    return [Admitted(row.id, row.admissions) for row in rows]


_FREE = text(
    "DELETE FROM spotloom.lane_slot WHERE generation_id = :generation_id RETURNING lane_id"
)


async def free(session: AsyncSession, generation_id: UUID) -> None:
    """Give the generation's slot back, if it holds one, and say so."""
    lane_id = await session.scalar(_FREE, {"generation_id": generation_id})
    if lane_id is not None:
        await notify(session, LANES, str(lane_id))


_FREE_AND_LOCK = text(
    f"""
    WITH freed AS (DELETE FROM spotloom.lane_slot WHERE generation_id = :generation_id)
    {_LANES_OF_ACCOUNT}
    """  # noqa: S608 - the words are ours
)


async def hand_on(session: AsyncSession, lane_id: UUID, generation_id: UUID) -> list[Admitted]:
    """Give the generation's slot back and fill the lane at once, so that nobody else need look.

    Unless the account has other lanes: the slot may be one of theirs.
    """
    both = {"generation_id": generation_id, "lane_id": lane_id}
    locked = (await session.execute(_FREE_AND_LOCK, both)).all()
    if len(locked) > 1:
        await notify(session, LANES, str(lane_id))
    return await _admitted(session, lane_id)


async def pause(
    session: AsyncSession,
    lane_id: UUID,
    *,
    reason: str,
    retry_after_s: float | None,
    full: bool = True,
) -> None:
    """Close the lane for as long as the provider asked, else longer with each setback in a row.

    The account's other lanes close with it. `full` when it refused because it has enough.
    """
    lane_ids = list(await session.scalars(_LOCK, {"lane_id": lane_id}))
    paused = func.coalesce(Lane.paused_until > func.clock_timestamp(), False)
    setbacks, again = (
        await session.execute(select(Lane.setbacks, paused).where(Lane.id == lane_id))
    ).one()
    backoff = min(LONGEST_PAUSE_S, 2.0 ** min(setbacks, 6)) * random.uniform(0.75, 1.25)  # noqa: S311 - jitter
    if retry_after_s is None or setbacks:  # who asks for less again and again is not believed
        wait_s = max(retry_after_s or 0.0, backoff)
    else:
        wait_s = max(retry_after_s, SHORTEST_PAUSE_S)
    working = await _at_work(session, lane_id) if full else None
    own = Lane.id == lane_id
    await session.execute(
        update(Lane)
        .where(Lane.id.in_(lane_ids), own | ~Lane.blocked)
        .values(
            # Refusals of calls that were under way together are one setback.
            setbacks=setbacks if again else setbacks + 1,
            accepted=0,
            # It refused one more than it has: so many it takes. With none there, it says nothing.
            adapted_limit=case((own, working or Lane.adapted_limit), else_=Lane.adapted_limit),
            reason=reason,
            paused_until=func.greatest(
                func.coalesce(Lane.paused_until, func.clock_timestamp()),
                func.clock_timestamp() + dt.timedelta(seconds=wait_s),
            ),
        )
    )
    for each in lane_ids:
        await notify(session, LANES, str(each))


async def hold_back(session: AsyncSession, lane_id: UUID, *, reason: str, for_s: float) -> None:
    """Start nothing new for a while, for a reason of our own, such as a full disk.

    A lane that is closed for longer, or by a person, stays so for its own reason.
    """
    until = func.clock_timestamp() + dt.timedelta(seconds=for_s)
    longer = Lane.blocked | func.coalesce(Lane.paused_until > until, False)
    await session.execute(
        update(Lane).where(Lane.id == lane_id, ~longer).values(reason=reason, paused_until=until)
    )


async def block(session: AsyncSession, lane_id: UUID, *, reason: str) -> None:
    """Close the lane until a person has mended the cause and resumes it."""
    await session.execute(
        update(Lane).where(Lane.id == lane_id).values(blocked=True, reason=reason)
    )
    await notify(session, LANES, str(lane_id))


# What is accepted within a pause had left before the refusal, and proves nothing.
_WELL = text(
    """
    WITH ailing AS (
      SELECT l.id, l.accepted + 1 >= :step_after * coalesce(l.adapted_limit, 1) AS grows
        FROM spotloom.lane l JOIN spotloom.lane own
          ON own.id = :lane_id AND (l.provider, l.account) = (own.provider, own.account)
       WHERE (l.setbacks > 0 OR l.id = :lane_id AND l.adapted_limit IS NOT NULL)
         AND coalesce(l.paused_until <= clock_timestamp(), true)
       ORDER BY l.id FOR UPDATE OF l
    )
    UPDATE spotloom.lane l
       SET setbacks = 0, paused_until = NULL,
           reason = CASE WHEN l.blocked THEN l.reason END,
           accepted = CASE WHEN l.id <> :lane_id THEN l.accepted
                           WHEN grows THEN 0 ELSE l.accepted + 1 END,
           adapted_limit = CASE WHEN l.id = :lane_id AND grows
                                THEN nullif(l.adapted_limit + 1, l.slot_limit)
                                ELSE l.adapted_limit END
      FROM ailing WHERE l.id = ailing.id
    RETURNING l.id, pg_notify(:lanes, l.id::text)
    """
)


async def well(session: AsyncSession, lane_id: UUID) -> None:
    """The provider accepted one: the lane opens, a step at a time up to its full limit."""
    await session.execute(_WELL, {"lane_id": lane_id, "step_after": STEP_AFTER, "lanes": LANES})


async def set_limits(
    session: AsyncSession, lane_id: UUID, *, limit: int | None, starts_a_minute: int | None
) -> None:
    """Change how many videos may be there at once, and how fast they start (0: no bound)."""
    values: dict[str, object] = {}
    if limit is not None:
        values |= {"slot_limit": limit, "adapted_limit": None, "accepted": 0}
    if starts_a_minute is not None:
        values["starts_a_minute"] = starts_a_minute or None
    await session.execute(update(Lane).where(Lane.id == lane_id).values(**values))
    await notify(session, LANES, str(lane_id))


async def take_back(session: AsyncSession, lane_id: UUID, generation_id: UUID) -> None:
    """Hold a slot for a video that turned out to be at the provider, even above the limit."""
    await session.execute(_LOCK, {"lane_id": lane_id})
    await session.execute(_TAKE_BACK, {"lane_id": lane_id, "generation_id": generation_id})


_TAKE_BACK = text(
    """
    INSERT INTO spotloom.lane_slot (lane_id, number, generation_id)
    SELECT :lane_id, min(n), :generation_id
      FROM generate_series(1, (SELECT count(*) + 1 FROM spotloom.lane_slot
                                WHERE lane_id = :lane_id)::int) n
     WHERE NOT EXISTS (SELECT 1 FROM spotloom.lane_slot WHERE lane_id = :lane_id AND number = n)
    ON CONFLICT (generation_id) DO NOTHING
    """
)


async def _at_work(session: AsyncSession, lane_id: UUID) -> int | None:
    """How many videos the provider is known to have now; None when none."""
    count = await session.scalar(
        select(func.count())
        .select_from(LaneSlot)
        .join(Generation, Generation.id == LaneSlot.generation_id)
        .where(LaneSlot.lane_id == lane_id, Generation.status == Status.GENERATING.value)
    )
    return count or None


async def opens_in_s(session: AsyncSession, lane_id: UUID) -> float | None:
    """Seconds until a paused lane opens by itself; None when open, or for a person to open."""
    seconds = await session.scalar(
        select(func.extract("epoch", Lane.paused_until - func.clock_timestamp())).where(
            Lane.id == lane_id, ~Lane.blocked
        )
    )
    return None if seconds is None else max(0.0, float(seconds))


async def change(session: AsyncSession, lane_id: UUID, wanted: LaneEdit, *, who: str) -> None:
    """Change what is named of the lane, by that person's wish."""
    if wanted.state == "paused":
        await block(session, lane_id, reason=f"paused by {who}")
    elif wanted.state == "open":
        await resume(session, lane_id)
    if wanted.limit is not None or wanted.starts_a_minute is not None:
        await set_limits(
            session, lane_id, limit=wanted.limit, starts_a_minute=wanted.starts_a_minute
        )


async def resume(session: AsyncSession, lane_id: UUID) -> None:
    """Open the lane again, by a person's wish."""
    await session.execute(
        update(Lane)
        .where(Lane.id == lane_id)
        .values(
            blocked=False,
            paused_until=None,
            reason=None,
            setbacks=0,
            adapted_limit=None,
            accepted=0,
        )
    )
    await notify(session, LANES, str(lane_id))

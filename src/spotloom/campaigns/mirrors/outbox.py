"""What is to be told elsewhere: changes are noted, folded into one row a page, and claimed."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

FOLDED_AT_ONCE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One page that is ours to write until the lease ends."""

    target: str
    combination_id: UUID
    workspace_id: UUID
    campaign_id: UUID
    key: str
    batch_key: str
    claim: UUID
    wanted: int
    look: bool
    anew: bool
    page_id: str | None
    sent: dict[str, Any] | None
    agreed: dict[str, Any] | None
    answer: str | None
    attempts: int
    in_doubt_s: float | None  # since a create left, by the database's clock


async def append(
    session: AsyncSession,
    target: str,
    *,
    kind: str,
    workspace_id: UUID,
    campaign_id: UUID | None = None,
    combinations: Collection[UUID] | None = None,
) -> int:
    """Note that these videos, or all, are to be told or looked at; how many they are."""
    done = await session.execute(
        _APPEND,
        {
            "target": target,
            "kind": kind,
            "workspace": workspace_id,
            "campaign": campaign_id,
            "chosen": None if combinations is None else list(combinations),
        },
    )
    return len(done.all())


_APPEND = text(
    """
    INSERT INTO spotloom.mirror_change (target, workspace_id, combination_id, kind)
    SELECT m.target, k.workspace_id, k.id, CAST(:kind AS text)
      FROM spotloom.mirror m
      JOIN spotloom.combination k ON k.workspace_id = m.workspace_id
      JOIN spotloom.campaign c ON c.id = k.campaign_id AND c.deleted_at IS NULL
     WHERE m.target = :target AND k.workspace_id = :workspace
       AND (CAST(:campaign AS uuid) IS NULL OR k.campaign_id = :campaign)
       AND (CAST(:chosen AS uuid[]) IS NULL OR k.id = ANY(:chosen))
     ORDER BY c.id, k.position
    RETURNING 1
    """
)

_HAS_WORK = text(
    """
    SELECT EXISTS (
      SELECT FROM spotloom.mirror m
       WHERE m.target = :target
         AND (m.paused_until IS NULL OR m.paused_until <= clock_timestamp())
         AND (m.poll_at <= clock_timestamp() OR m.trash_at <= clock_timestamp()
              OR EXISTS (SELECT FROM spotloom.mirror_change c
                          WHERE c.target = m.target AND c.workspace_id = m.workspace_id)
              OR EXISTS (SELECT FROM spotloom.mirror_outbox o
                          WHERE o.target = m.target AND o.workspace_id = m.workspace_id
                            AND o.state = 'pending'
                            AND o.next_at <= clock_timestamp()
                            AND coalesce(o.leased_until, '-infinity') <= clock_timestamp())
              OR EXISTS (SELECT FROM spotloom.mirror_outbox o
                          WHERE o.target = m.target AND o.workspace_id = m.workspace_id
                            AND o.state = 'settled'
                            AND o.renew_at <= clock_timestamp())))
    """
)


async def has_work(session: AsyncSession, target: str) -> bool:
    """Whether anything is to be done there now."""
    return bool(await session.scalar(_HAS_WORK, {"target": target}))


_WAITING = text(
    """
    SELECT count(*) AS pages, bool_or(creating_at IS NOT NULL) AS in_doubt
      FROM (SELECT o.creating_at FROM spotloom.mirror_outbox o
              JOIN spotloom.mirror m ON m.target = o.target AND m.workspace_id = o.workspace_id
             WHERE o.target = :target AND o.state = 'pending'
             ORDER BY o.creating_at NULLS LAST LIMIT :most) AS first_ones
    """
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many pages wait, counted up to a point, and whether any create is in doubt."""

    pages: int
    in_doubt: bool


async def waiting(session: AsyncSession, target: str, *, most: int = 50) -> Waiting:
    """What waits there."""
    row = (await session.execute(_WAITING, {"target": target, "most": most})).one()
    return Waiting(row.pages, bool(row.in_doubt))


# A page that a person has put away stays away until a person wants it again, or restores it.
_FOLD = text(
    """
    WITH gone AS (
      DELETE FROM spotloom.mirror_change WHERE id IN (
        SELECT c.id FROM spotloom.mirror_change c
          JOIN spotloom.mirror m ON m.target = c.target AND m.workspace_id = c.workspace_id
         WHERE c.target = :target ORDER BY c.id LIMIT :most FOR UPDATE OF c SKIP LOCKED)
      RETURNING workspace_id, combination_id, kind, at
    )
    INSERT INTO spotloom.mirror_outbox AS o
           (target, combination_id, workspace_id, campaign_id, look, anew, since, latest)
    SELECT :target, k.id, k.workspace_id, k.campaign_id, bool_or(kind <> 'changed'),
           bool_or(kind = 'anew'), min(at), max(at)
      FROM gone JOIN spotloom.combination k
        ON k.id = gone.combination_id AND k.workspace_id = gone.workspace_id
     GROUP BY k.id, k.workspace_id, k.campaign_id, k.position
     ORDER BY k.id
    ON CONFLICT (target, combination_id) DO UPDATE
       SET wanted = o.wanted + 1,
           look = o.look OR excluded.look,
           anew = o.anew OR excluded.anew,
           latest = excluded.latest,
           since = CASE WHEN o.state = 'pending' THEN o.since ELSE excluded.since END,
           state = CASE WHEN o.state = 'unlinked' AND NOT excluded.anew
                         AND NOT EXISTS (SELECT FROM spotloom.combination k
                                          WHERE k.id = o.combination_id
                                            AND k.notion_page_id IS NOT NULL)
                        THEN o.state ELSE 'pending' END,
           next_at = CASE WHEN o.state = 'pending' THEN o.next_at ELSE clock_timestamp() END
    """
)


async def fold(session: AsyncSession, target: str) -> None:
    """Make one row a page of all that was appended."""
    await session.execute(_FOLD, {"target": target, "most": FOLDED_AT_ONCE})


def _claiming(which: str, order: str, most: str, also: str = "") -> TextClause:
    """Leases the pages of which that is so, and that nobody else holds."""
    return text(
        f"""
        WITH due AS (
          SELECT o.target, o.combination_id, k.key, k.notion_page_id AS page_id, c.batch_key
            FROM spotloom.mirror_outbox o
            JOIN spotloom.mirror m ON m.target = o.target AND m.workspace_id = o.workspace_id
            JOIN spotloom.combination k ON k.id = o.combination_id
            JOIN spotloom.campaign c ON c.id = o.campaign_id
           WHERE o.target = :target AND coalesce(o.leased_until, '-infinity') <= clock_timestamp()
             AND {which}
           ORDER BY {order} LIMIT {most} FOR UPDATE OF o SKIP LOCKED
        )
        UPDATE spotloom.mirror_outbox o
           SET {also} claim = :claim,
               leased_until = clock_timestamp() + make_interval(secs => :lease_s)
          FROM due WHERE o.target = due.target AND o.combination_id = due.combination_id
        RETURNING o.target, o.combination_id, o.workspace_id, o.campaign_id, o.claim, o.wanted,
                  o.look, o.anew, o.sent, o.agreed, o.answer, o.attempts,
                  extract(epoch FROM clock_timestamp() - o.creating_at)::float AS in_doubt_s,
                  due.key, due.batch_key, due.page_id
        """  # noqa: S608 - our own words
    )


_CLAIM = _claiming(
    """o.creating_at IS NULL
       AND (o.state = 'pending' AND o.next_at <= clock_timestamp()
            OR o.state = 'settled' AND o.renew_at <= clock_timestamp())
       AND (k.notion_page_id IS NOT NULL OR m.creates_from IS NULL
            OR m.creates_from <= clock_timestamp())""",
    "o.since, k.position",
    "1",
    """attempts = o.attempts + 1, state = 'pending',
       since = CASE WHEN o.state = 'settled' THEN clock_timestamp() ELSE o.since END,""",
)
_IN_DOUBT = _claiming(
    """o.creating_at <= clock_timestamp() - make_interval(secs => :after_s)""",
    "o.creating_at",
    ":most",
)


async def claim(session: AsyncSession, target: str, *, lease_s: float) -> Claim | None:
    """The page that has waited longest; None when none waits."""
    names = {"target": target, "claim": uuid4(), "lease_s": lease_s}
    row = (await session.execute(_CLAIM, names)).one_or_none()
    return None if row is None else _claim(row)


async def in_doubt(
    session: AsyncSession, target: str, *, after_s: float, most: int, lease_s: float
) -> list[Claim]:
    """Pages whose create left at least so long ago, and of which nobody knows what came."""
    names = {"target": target, "claim": uuid4(), "lease_s": lease_s}
    rows = await session.execute(_IN_DOUBT, names | {"after_s": after_s, "most": most})
    return [_claim(row) for row in rows]


def _claim(row: Row[Any]) -> Claim:
    return Claim(**row._mapping)

"""How a mirror stands: what is up to date, what waits, and what a person must look at."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from spotloom.campaigns.tables import Mirror, MirrorChange

MOST_BLOCKED = 100

# What a place was told that was left since is kept, and of no interest while it is left.
_CONNECTED = """EXISTS (SELECT FROM spotloom.mirror m
                    WHERE m.workspace_id = :workspace AND m.target = :target)"""

# What is noted is told as waiting, also before a mirror has taken it up.
_COUNTS = text(
    f"""
    SELECT count(*) FILTER (WHERE state = 'settled' AND NOT changes) AS settled,
           count(*) FILTER (WHERE state = 'pending' OR state = 'settled' AND changes) AS pending,
           count(*) FILTER (WHERE state = 'blocked') AS blocked,
           count(*) FILTER (WHERE state = 'unlinked') AS unlinked,
           count(*) FILTER (WHERE creating_at IS NOT NULL) AS in_doubt,
           min(since) FILTER (WHERE state = 'pending') AS oldest,
           (SELECT count(DISTINCT combination_id) FROM spotloom.mirror_change
             WHERE workspace_id = :workspace AND target = :target
               AND CAST(:campaign AS uuid) IS NULL) AS noted
      FROM (SELECT *, combination_id IN (
                     SELECT combination_id FROM spotloom.mirror_change
                      WHERE workspace_id = :workspace AND target = :target AND kind <> 'look'
                   ) AS changes
              FROM spotloom.mirror_outbox) AS o
     WHERE workspace_id = :workspace AND target = :target AND {_CONNECTED}
       AND (CAST(:campaign AS uuid) IS NULL OR campaign_id = :campaign)
    """  # noqa: S608 - our own words
)
_ERRORS = text(
    f"""
    SELECT c.batch_key, k.key, o.state, o.error, o.attempts
      FROM spotloom.mirror_outbox o
      JOIN spotloom.combination k ON k.id = o.combination_id
      JOIN spotloom.campaign c ON c.id = o.campaign_id
     WHERE o.workspace_id = :workspace AND o.target = :target AND o.error IS NOT NULL
       AND (CAST(:campaign AS uuid) IS NULL OR o.campaign_id = :campaign)
       AND o.state = ANY(:states) AND {_CONNECTED}
     ORDER BY o.latest DESC, k.position LIMIT :most
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page that could not be written, and why."""

    batch_key: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """How the pages of a workspace, or of one campaign, stand."""

    up_to_date: int
    pending: int
    blocked: int
    unlinked: int  # put away by a person
    in_doubt: int  # of the pending ones: a create whose answer was lost
    behind_s: float | None  # age of the oldest change that is still to be told
    blocked_pages: tuple[Page, ...]
    last_error: str | None  # of a page that is tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The place, and whether anything keeps us from it."""

    title: str
    url: str
    database_id: str
    trouble: str | None
    paused_until: dt.datetime | None
    pairing_until: dt.datetime | None
    paired: bool
    token_waits_for: str | None  # who opened the pairing, and has not seen the token that came


async def standing(session: AsyncSession, workspace_id: UUID, target: str) -> Standing | None:
    """How the workspace's mirror stands; None when it has none."""
    m = Mirror
    row = (
        await session.execute(
            select(
                m.title,
                m.url,
                m.database_id,
                m.trouble,
                # With trouble it is a pause of our own.
                case((m.trouble.is_(None), _ahead(m.paused_until))).label("paused_until"),
                _ahead(m.pairing_until).label("pairing_until"),
                m.webhook_token.is_not(None).label("paired"),
                case(
                    (m.webhook_token.is_not(None) & m.pairing_until.is_(None), m.pairing_by)
                ).label("token_waits_for"),
            ).where(m.target == target, m.workspace_id == workspace_id)
        )
    ).one_or_none()
    return None if row is None else Standing(**row._mapping)


def _ahead(at: InstrumentedAttribute[dt.datetime | None]) -> ColumnElement[dt.datetime | None]:
    """The moment while it is still to come."""
    return case((at > func.clock_timestamp(), at))


async def noted(session: AsyncSession, workspace_id: UUID, target: str) -> int:
    """How many changes no mirror has taken up yet."""
    found = await session.scalar(
        select(func.count())
        .select_from(MirrorChange)
        .where(MirrorChange.workspace_id == workspace_id, MirrorChange.target == target)
    )
    return found or 0


async def pages(
    session: AsyncSession, workspace_id: UUID, target: str, *, campaign_id: UUID | None = None
) -> Pages:
    """How the pages stand: all of the workspace's, or one campaign's."""
    names = {"workspace": workspace_id, "target": target, "campaign": campaign_id}
    counts = (await session.execute(_COUNTS, names)).one()
    blocked = await session.execute(_ERRORS, names | {"states": ["blocked"], "most": MOST_BLOCKED})
    failing = (
        await session.execute(_ERRORS, names | {"states": ["pending"], "most": 1})
    ).one_or_none()
    oldest = counts.oldest
    behind = None if oldest is None else dt.datetime.now(dt.UTC) - oldest
    return Pages(
        up_to_date=counts.settled,
        pending=max(counts.pending, counts.noted),
        blocked=counts.blocked,
        unlinked=counts.unlinked,
        in_doubt=counts.in_doubt,
        behind_s=None if behind is None else max(0.0, behind.total_seconds()),
        blocked_pages=tuple(
            Page(batch_key=row.batch_key, key=row.key, reason=row.error) for row in blocked
        ),
        last_error=None if failing is None else failing.error,
    )

"""What has changed in a campaign since a position, with no gap and no double.

A position is what PostgreSQL calls a snapshot: the transactions that had ended. A row carries the
transaction that changed it last, so it is news to whoever does not see that transaction yet,
however late it committed.
"""

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import tenancy
from spotloom.campaigns.database import Sessions
from spotloom.creative.status import Status

LONGEST = 1000  # characters; proxies take a header of 4,000, and each open transaction adds 20
_WRITTEN = re.compile(
    r"([0-9a-f]{1,16})\.([0-9]{1,20}:[0-9]{1,20}:(?:[0-9]{1,20}(?:,[0-9]{1,20})*)?)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A moment in the life of one running server, as the transactions that had ended by then."""

    server: str  # numbers mean nothing elsewhere, nor after a restore: both begin with a start
    xmin: int  # all before this had ended
    xmax: int  # none from this on
    running: frozenset[int]  # those between that had not

    @classmethod
    def parse(cls, written: str) -> Self | None:
        """The position that the text names; None when it names none."""
        found = _WRITTEN.fullmatch(written) if len(written) <= LONGEST else None
        if found is None:
            return None
        position = cls.of(*found.groups())
        inside = all(position.xmin <= each < position.xmax for each in position.running)
        return position if 0 < position.xmin <= position.xmax and inside else None

    @classmethod
    def of(cls, server: str, snapshot: str) -> Self:
        """The position of that snapshot, as PostgreSQL writes it, of that server."""
        xmin, xmax, running = snapshot.split(":")
        return cls(
            server=server,
            xmin=int(xmin),
            xmax=int(xmax),
            running=frozenset(map(int, running.split(",") if running else ())),
        )

    @property
    def snapshot(self) -> str:
        """The position as PostgreSQL writes it."""
        return f"{self.xmin}:{self.xmax}:{','.join(map(str, sorted(self.running)))}"

    def __str__(self) -> str:
        """The position as text; empty when too many transactions are open to write them down."""
        written = f"{self.server}.{self.snapshot}"
        return written if len(written) <= LONGEST else ""

    def sees(self, transaction: int) -> bool:
        """Whether the transaction had ended by then."""
        return transaction < self.xmin or (
            transaction < self.xmax and transaction not in self.running
        )

    def within(self, later: "Position") -> bool:
        """Whether all that is seen here is seen there too; no, of another server or the future."""
        return (
            self.server == later.server
            and self.xmin <= later.xmin
            and self.xmax <= later.xmax
            and not any(self.sees(transaction) for transaction in later.running)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """One combination with its latest attempt, as far as it is watched."""

    key: str
    status: Status
    attempt: int
    progress: int | None
    error_code: str | None
    review: str
    winner: bool
    version: int
    priority: int  # 0 high, 1 normal, 2 low
    estimated_cost: Decimal
    actual_cost: Decimal | None
    files: dict[str, str]  # asset ids by kind
    changed: frozenset[int]  # the transactions that made it so


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is news about a campaign at a position."""

    at: Position
    whole: bool  # every video, not the changed ones alone
    campaign_changed: int
    videos: tuple[Video, ...]  # in the order of the matrix


@contextlib.asynccontextmanager
async def moment(sessions: Sessions, workspace_id: UUID) -> AsyncIterator[AsyncSession]:
    """A transaction that sees one moment of that workspace, however many questions it asks."""
    async with sessions() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        await tenancy.enter(session, workspace_id)
        yield session


async def since(
    session: AsyncSession, workspace_id: UUID, campaign_id: UUID, *, last: Position | None
) -> Changes | None:
    """What is news since `last`, or everything when that says nothing here; None without campaign.

    Takes a session of `moment`: the position is that of all it reads.
    """
    names = {"campaign": campaign_id, "workspace": workspace_id}
    row = (await session.execute(_CAMPAIGN, names)).one_or_none()
    if row is None:
        return None
    at = Position.of(row.server, row.snapshot)
    known = last is not None and last.within(at)
    rows = (
        await session.execute(_CHANGED, names | {"last": last.snapshot})
        if last is not None and known
        else await session.execute(_ALL, names)
    )
    return Changes(
        at=at,
        whole=not known,
        campaign_changed=_seen(at, row.changed),
        videos=tuple(_video(at, each) for each in rows),
    )


def _video(at: Position, row: Row[Any]) -> Video:
    return Video(
        key=row.key,
        status=Status(row.status),
        attempt=row.attempt,
        progress=row.progress,
        error_code=row.error_code,
        review=row.review,
        winner=row.winner,
        version=row.version,
        priority=row.priority,
        estimated_cost=row.estimated_cost,
        actual_cost=row.actual_cost,
        files=row.files or {},
        changed=frozenset({_seen(at, row.edited), _seen(at, row.moved)}),
    )


def _seen(at: Position, changed: str) -> int:
    """The transaction, or none where it cannot have been one of this server's: a restored row."""
    transaction = int(changed)
    return transaction if at.sees(transaction) else 0


_CAMPAIGN = text(
    """
    SELECT c.changed::text AS changed, pg_current_snapshot()::text AS snapshot,
           to_hex((extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint) AS server
      FROM spotloom.campaign c
     WHERE c.id = :campaign AND c.workspace_id = :workspace AND c.deleted_at IS NULL
    """
)
_VIDEOS = """
    SELECT k.key, k.review, k.winner, k.version, k.changed::text AS edited,
           g.status, g.attempt, g.progress, g.error_code, g.priority, g.estimated_cost,
           g.actual_cost, g.changed::text AS moved,
           (SELECT jsonb_object_agg(a.kind, a.id) FROM spotloom.asset a
             WHERE a.generation_id = g.id AND a.workspace_id = :workspace) AS files
      FROM spotloom.combination k
      JOIN LATERAL (SELECT * FROM spotloom.generation g
                     WHERE g.combination_id = k.id AND g.workspace_id = :workspace
                     ORDER BY g.attempt DESC LIMIT 1) g ON true
     WHERE k.campaign_id = :campaign AND k.workspace_id = :workspace
"""
# A restored row carries a number of the old server's, which may lie ahead: it is not news for ever.
_NEWS = """
    campaign_id = :campaign AND workspace_id = :workspace
      AND changed >= pg_snapshot_xmin(CAST(:last AS pg_snapshot))
      AND NOT pg_visible_in_snapshot(changed, CAST(:last AS pg_snapshot))
      AND pg_visible_in_snapshot(changed, pg_current_snapshot())
"""
_ALL = text(f"{_VIDEOS} ORDER BY k.position")
_CHANGED = text(
    f"""
    {_VIDEOS} AND k.id IN (SELECT id FROM spotloom.combination WHERE {_NEWS}
                           UNION
                           SELECT combination_id FROM spotloom.generation WHERE {_NEWS})
     ORDER BY k.position
    """  # noqa: S608 - our own words
)

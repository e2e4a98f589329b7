"""The attempts at one combination, latest first: what was sent when, and what became of it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.listing.files import File, files
from spotloom.creative.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One paid attempt, with its money as the ledger has it."""

    id: UUID
    attempt: int
    status: Status
    provider: str
    model: str
    job: str | None
    progress: int | None
    charge: str  # reserved, unknown, charged, none
    estimated_cost: Decimal
    actual_cost: Decimal | None
    error_code: str | None
    error_text: str | None
    note: str | None
    created_at: dt.datetime
    admitted_at: dt.datetime | None
    sent_at: dt.datetime | None
    accepted_at: dt.datetime | None
    ready_at: dt.datetime | None
    over_at: dt.datetime | None
    expires_at: dt.datetime | None
    cancel_asked_at: dt.datetime | None
    files: Mapping[str, File]  # by kind: video, poster, sprite


async def attempts(
    session: AsyncSession, workspace_id: UUID, combination_id: UUID
) -> list[Attempt]:
    """Every attempt at the combination, latest first."""
    names = {"workspace": workspace_id, "combination": combination_id}
    rows = (await session.execute(_ATTEMPTS, names)).all()
    found = await files(session, workspace_id, [row.id for row in rows])
    return [_told(row, found.get(row.id, {})) for row in rows]


def _told(row: Row[Any], kept: Mapping[str, File]) -> Attempt:
    stored = dict(row._mapping)
    stored["status"] = Status(stored["status"])
    if stored["admitted_at"] is not None and stored["admitted_at"].year < 2000:
        stored["admitted_at"] = None  # put back to the front of the queue by a person's decision
    return Attempt(**stored, files=kept)


_ATTEMPTS = text(
    """
    SELECT g.id, g.attempt, g.status, c.provider, g.request->>'model' AS model,
           g.provider_job_id AS job, g.progress, g.estimated_cost, g.actual_cost, g.error_code,
           g.error_text, g.note, g.created_at, g.admitted_at, g.sent_at, g.accepted_at, g.ready_at,
           g.over_at, g.expires_at, g.cancel_asked_at,
           CASE WHEN bool_or(l.kind = 'settle') THEN 'charged'
                WHEN bool_or(l.kind = 'release') THEN 'none'
                WHEN bool_or(l.kind = 'unknown') THEN 'unknown'
                WHEN bool_or(l.kind = 'reserve') THEN 'reserved'
                ELSE 'none' END AS charge
      FROM spotloom.generation g
      JOIN spotloom.campaign c ON c.id = g.campaign_id
      LEFT JOIN spotloom.ledger l ON l.generation_id = g.id AND l.workspace_id = :workspace
     WHERE g.combination_id = :combination AND g.workspace_id = :workspace
     GROUP BY g.id, c.provider
     ORDER BY g.attempt DESC
    """
)

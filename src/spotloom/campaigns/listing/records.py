"""The audit log, newest first."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.listing import pages
from spotloom.campaigns.listing.pages import Page
from spotloom.campaigns.tables import Audit


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that somebody did."""

    id: UUID
    at: dt.datetime
    actor: str
    action: str
    target: str
    detail: Mapping[str, Any]


async def audit(
    session: AsyncSession, workspace_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[AuditEntry]:
    """A page of what was done in the workspace."""
    wanted = select(Audit).where(Audit.workspace_id == workspace_id)
    if cursor is not None:
        wanted = wanted.where(Audit.id < pages.read_id(cursor, "audit"))
    most = pages.bounded(limit)
    rows = (await session.scalars(wanted.order_by(Audit.id.desc()).limit(most + 1))).all()
    return pages.cut(rows, most, told=_told, end=lambda row: pages.write("audit", str(row.id)))


def _told(row: Audit) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        target=row.target,
        detail=row.detail,
    )

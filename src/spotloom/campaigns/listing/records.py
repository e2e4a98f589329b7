"""The audit log, newest first."""

import contextlib
import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.listing import pages
from spotloom.campaigns.listing.pages import Page
from spotloom.campaigns.tables import Audit, Campaign


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


async def batch_ids(
    session: AsyncSession, workspace_id: UUID, targets: Collection[str]
) -> dict[str, str]:
    """The batch ids of those targets that are campaigns, deleted ones too."""
    found = set()
    for target in targets:
        with contextlib.suppress(ValueError):
            found.add(UUID(target))
    rows = await session.execute(
        select(Campaign.id, Campaign.batch_key).where(
            Campaign.workspace_id == workspace_id, Campaign.id.in_(found)
        )
    )
    return {str(row.id): str(row.batch_key) for row in rows}

"""The brands that a workspace orders for, with what each has had and cost."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.listing import pages
from spotloom.campaigns.listing.pages import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """One brand, as the briefs of the listed campaigns spell it."""

    name: str
    campaigns: int
    videos: int
    completed: int
    actual_cost: Decimal  # US dollars
    last_ordered_at: dt.datetime


# In the order of code points, which is the same on every server, so that a cursor stays right.
_BRANDS = text(
    """
    WITH ours AS (
      SELECT c.id, (c.brief ->> 'brand') COLLATE "C" AS name, c.created_at
        FROM spotloom.campaign c
       WHERE c.workspace_id = :workspace_id AND c.deleted_at IS NULL AND c.brief ->> 'brand' <> ''
    ), named AS (
      SELECT name, count(*) AS campaigns, max(created_at) AS last_ordered_at,
             array_agg(id) AS ids
        FROM ours WHERE name > :after GROUP BY name ORDER BY name LIMIT :most
    )
    SELECT n.name, n.campaigns, n.last_ordered_at, made.videos, made.completed,
           (SELECT coalesce(sum(l.amount), 0) FROM spotloom.ledger l
             WHERE l.campaign_id = ANY(n.ids) AND l.kind = 'settle') AS actual_cost
      FROM named n CROSS JOIN LATERAL (
        SELECT count(DISTINCT g.combination_id) AS videos,
               count(DISTINCT g.combination_id) FILTER (WHERE g.status = 'completed') AS completed
          FROM spotloom.generation g WHERE g.campaign_id = ANY(n.ids)
      ) made ORDER BY n.name
    """
)


async def brands(
    session: AsyncSession, workspace_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[Brand]:
    """A page of the workspace's brands, by name."""
    after = ""
    if cursor is not None:
        (*_, after) = pages.read(cursor, "brands") or [""]
    most = pages.bounded(limit)
    asked = {"workspace_id": workspace_id, "after": after, "most": most + 1}
    rows = (await session.execute(_BRANDS, asked)).all()
    return pages.cut(
        rows,
        most,
        told=lambda row: Brand(**row._mapping),
        end=lambda row: pages.write("brands", row.name),
    )

"""The files of some generations, with the ids under which they are fetched."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.tables import Asset


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file we keep."""

    id: UUID  # the asset's
    uri: str  # the key inside the store
    content_type: str
    sha256: str
    bytes: int
    width: int
    height: int
    seconds: Decimal | None


async def files(
    session: AsyncSession, workspace_id: UUID, generation_ids: Sequence[UUID]
) -> dict[UUID, dict[str, File]]:
    """The files of each generation, by kind: video, poster, sprite."""
    rows = await session.execute(
        select(
            Asset.generation_id,
            Asset.kind,
            Asset.id,
            Asset.uri,
            Asset.content_type,
            Asset.sha256,
            Asset.bytes,
            Asset.width,
            Asset.height,
            Asset.seconds,
        ).where(Asset.workspace_id == workspace_id, Asset.generation_id.in_(generation_ids))
    )
    found: dict[UUID, dict[str, File]] = {}
    for row in rows:
        found.setdefault(row.generation_id, {})[row.kind] = File(
            id=row.id,
            uri=row.uri,
            content_type=row.content_type,
            sha256=row.sha256,
            bytes=row.bytes,
            width=row.width,
            height=row.height,
            seconds=row.seconds,
        )
    return found


MOST_POSTERS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """A still of a finished video."""

    id: UUID  # the asset's
    combination_id: str
    width: int
    height: int


# The first that were ready, so that a strip of them does not move while others come.
_POSTERS = text(
    """
    SELECT c.id AS campaign_id, p.* FROM unnest(CAST(:campaigns AS uuid[])) AS c (id)
     CROSS JOIN LATERAL (
       SELECT a.id, k.key AS combination_id, a.width, a.height
         FROM spotloom.generation g
         JOIN spotloom.asset a ON a.generation_id = g.id AND a.kind = 'poster'
         JOIN spotloom.combination k ON k.id = g.combination_id
        WHERE g.workspace_id = :workspace AND g.campaign_id = c.id AND g.status = 'completed'
        ORDER BY g.over_at, k.position LIMIT :most
     ) p
    """
)


async def posters(
    session: AsyncSession, workspace_id: UUID, campaign_ids: Collection[UUID]
) -> dict[UUID, tuple[Poster, ...]]:
    """The posters of each campaign's first finished videos, at most six."""
    found: dict[UUID, list[Poster]] = {each: [] for each in campaign_ids}
    names = {"campaigns": list(campaign_ids), "workspace": workspace_id, "most": MOST_POSTERS}
    for row in await session.execute(_POSTERS, names):
        stored = dict(row._mapping)
        found[stored.pop("campaign_id")].append(Poster(**stored))
    return {each: tuple(some) for each, some in found.items()}

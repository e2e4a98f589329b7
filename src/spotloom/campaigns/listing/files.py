"""The files of some generations, with the ids under which they are fetched."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
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

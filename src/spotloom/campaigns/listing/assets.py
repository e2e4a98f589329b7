"""One kept file, by its id: what it is, where it lies, and which video's it is."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.tables import Asset, Campaign, CombinationRow, Generation
from spotloom.creative.matrix import Combination
from spotloom.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file that we keep, with the combination that it shows."""

    id: UUID
    kind: str  # video, poster, sprite
    uri: str  # the key in the store
    sha256: str
    bytes: int
    content_type: str
    combination: Combination


async def asset(session: AsyncSession, asset_id: UUID, *, workspace_id: UUID | None) -> Kept:
    """The file of that id in the workspace; None is for whoever holds a link signed for it.

    NotFound where its campaign was deleted, until that is restored.
    """
    question = (
        select(Asset, CombinationRow.key, CombinationRow.values)
        .join(Generation, Generation.id == Asset.generation_id)
        .join(CombinationRow, CombinationRow.id == Generation.combination_id)
        .join(Campaign, Campaign.id == Generation.campaign_id)
        .where(Asset.id == asset_id, Campaign.deleted_at.is_(None))
    )
    if workspace_id is not None:
        question = question.where(Asset.workspace_id == workspace_id)
    row = (await session.execute(question)).one_or_none()
    if row is None:
        raise NotFound(f"There is no file {asset_id}.")
    found, key, values = row
    return Kept(
        id=found.id,
        kind=found.kind,
        uri=found.uri,
        sha256=found.sha256,
        bytes=found.bytes,
        content_type=found.content_type,
        combination=Combination(key, tuple((str(d), str(o)) for d, o in values)),
    )

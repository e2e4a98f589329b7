"""What people say of the videos: approved, rejected, winner, notes, and where they put them."""

from collections.abc import Collection
from typing import Any, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from spotloom.campaigns.channels import CAMPAIGNS, notify
from spotloom.campaigns.tables import CombinationRow
from spotloom.errors import Conflict, NotFound


class Changes(TypedDict, total=False):
    """What may be changed; what is not named stays, and None takes a text away."""

    review: str  # none, approved, rejected
    reject_reason: str | None
    winner: bool
    notes: str | None
    video_url: str | None


class Outdated(Conflict):
    """Somebody else has changed it since it was read; `version` is the present one."""

    def __init__(self, what: str, version: int) -> None:
        self.version = version
        super().__init__(
            f"{what} is at version {version} now: somebody has changed it since. "
            "Look at it again, then change it."
        )


async def edit(
    session: AsyncSession,
    workspace_id: UUID,
    campaign_id: UUID,
    key: str,
    *,
    expected_version: int | None,
    actor: str,
    **changes: Unpack[Changes],
) -> int:
    """Change one video's own fields; its new version.

    Outdated when it is not at the expected version any more (None expects nothing), and NotFound
    when the campaign has no such video.
    """
    here = _of(workspace_id, campaign_id, [key])
    change = update(CombinationRow).where(here)
    if expected_version is not None:
        change = change.where(CombinationRow.version == expected_version)
    version: int | None = await session.scalar(
        change.values(_values(changes, actor)).returning(CombinationRow.version)
    )
    if version is None:
        present = await session.scalar(select(CombinationRow.version).where(here))
        if present is None:
            raise NotFound(f"The campaign has no video {key!r}.")
        raise Outdated(f"Video {key}", present)
    await notify(session, CAMPAIGNS, str(campaign_id))
    return version


async def hold(
    session: AsyncSession, workspace_id: UUID, campaign_id: UUID, key: str, *, version: int
) -> None:
    """Let nobody change the video until the transaction ends; Outdated when somebody has."""
    here = _of(workspace_id, campaign_id, [key])
    present = await session.scalar(
        select(CombinationRow.version).where(here).with_for_update(key_share=True)
    )
    if present != version:
        raise Outdated(f"Video {key}", present or 0)


async def approve(
    session: AsyncSession,
    workspace_id: UUID,
    campaign_id: UUID,
    keys: Collection[str],
    *,
    actor: str,
) -> int:
    """Approve these videos; how many had not been. NotFound names those that are not there."""
    here = _of(workspace_id, campaign_id, keys) & (CombinationRow.review != "approved")
    await _all_there(session, workspace_id, campaign_id, keys)
    return await _say(session, campaign_id, here, _values({"review": "approved"}, actor))


async def reject(
    session: AsyncSession,
    workspace_id: UUID,
    campaign_id: UUID,
    keys: Collection[str],
    *,
    actor: str,
    reason: str | None = None,
) -> int:
    """Reject these videos for that reason; how many were not rejected for it before."""
    here = _of(workspace_id, campaign_id, keys) & (
        (CombinationRow.review != "rejected")
        | CombinationRow.reject_reason.is_distinct_from(reason)
    )
    await _all_there(session, workspace_id, campaign_id, keys)
    said: Changes = {"review": "rejected", "reject_reason": reason}
    return await _say(session, campaign_id, here, _values(said, actor))


async def _say(
    session: AsyncSession, campaign_id: UUID, here: ColumnElement[bool], values: dict[str, Any]
) -> int:
    changed = await session.scalars(
        update(CombinationRow).where(here).values(values).returning(CombinationRow.id)
    )
    count = len(list(changed))
    if count:
        await notify(session, CAMPAIGNS, str(campaign_id))
    return count


async def _all_there(
    session: AsyncSession, workspace_id: UUID, campaign_id: UUID, keys: Collection[str]
) -> None:
    known = select(CombinationRow.key).where(_of(workspace_id, campaign_id, keys))
    if missing := set(keys).difference(await session.scalars(known)):
        raise NotFound(f"The campaign has no video {', '.join(sorted(missing))}.")


def _of(workspace_id: UUID, campaign_id: UUID, keys: Collection[str]) -> ColumnElement[bool]:
    k = CombinationRow
    return (k.workspace_id == workspace_id) & (k.campaign_id == campaign_id) & k.key.in_(keys)


def _values(changes: Changes, actor: str) -> dict[str, Any]:
    """The columns to set; a review carries who gave it, and only a rejection a reason."""
    values: dict[str, Any] = dict(changes)
    if review := changes.get("review"):
        said = review != "none"
        values["reviewed_by"] = actor if said else None
        values["reviewed_at"] = func.clock_timestamp() if said else None
        if review != "rejected":
            values["reject_reason"] = None
    return values | {"version": CombinationRow.version + 1}

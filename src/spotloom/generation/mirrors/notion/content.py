"""Reads what one page is to show."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import listing, reads
from spotloom.campaigns.listing import Combination
from spotloom.campaigns.mirrors.outbox import Claim
from spotloom.campaigns.reads import Header
from spotloom.creative.status import Status
from spotloom.errors import NotFound
from spotloom.media.links import Standing
from spotloom.notion.pages import Video


@dataclass(frozen=True, slots=True)
class Content:
    """A video as its page is to show it, and when its links are to be renewed."""

    video: Video
    renew_at: dt.datetime | None


async def content(session: AsyncSession, claim: Claim, links: Standing | None) -> Content | None:
    """What the claim's page is to show; None when the campaign was deleted here."""
    try:
        header = await reads.find(session, str(claim.campaign_id), workspace_id=claim.workspace_id)
        row = await listing.combination(session, claim.workspace_id, claim.campaign_id, claim.key)
    except NotFound:
        return None
    now = dt.datetime.now(dt.UTC)
    video_url, video_again = _link(row, "video", links, now)
    poster_url, poster_again = _link(row, "poster", links, now)
    again = [at for at in (video_again, poster_again) if at is not None]
    return Content(
        _video(header, row, claim.answer, video_url=row.video_url or video_url, poster=poster_url),
        min(again, default=None),
    )


def _link(
    row: Combination, kind: str, links: Standing | None, now: dt.datetime
) -> tuple[str | None, dt.datetime | None]:
    file = row.files.get(kind)
    if links is None or file is None or row.status is not Status.COMPLETED:
        return None, None
    return links.link(file.id, made_at=row.over_at or row.created_at, now=now)


def _video(
    header: Header,
    row: Combination,
    answer: str | None,
    *,
    video_url: str | None,
    poster: str | None,
) -> Video:
    request = row.request
    return Video(
        batch_id=header.batch_key,
        combination_id=row.key,
        values=row.values,
        status=row.status.value,
        brand=request.brand,
        big_idea=str(header.brief.get("bigIdea", "")),
        prompt=request.prompt,
        model=request.model,
        seconds=request.duration,
        ratio=str(header.brief.get("aspectRatio") or request.size),
        estimated_cost=row.estimated_cost,
        actual_cost=row.actual_cost,
        video_url=video_url,
        poster_url=poster,
        attempts=row.attempt,
        error=row.error_text if row.status is not Status.COMPLETED else None,
        answer=answer,
        review=row.review,
        reject_reason=row.reject_reason,
        winner=row.winner,
        notes=row.notes,
    )

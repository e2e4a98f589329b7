"""The page of one campaign, which people watch while its videos are made."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import changes, reads
from spotloom.campaigns.changes import Video
from spotloom.campaigns.reads import Header
from spotloom.contract.batches import BatchStatus
from spotloom.creative.dimensions import Vocabulary
from spotloom.errors import NotFound
from spotloom.web.door.asking import TheParts, found
from spotloom.web.pages.shell import Looking, page

routes = APIRouter()


@routes.get("/campaigns/{campaign_id}")
async def campaign(request: Request, asked: Looking, parts: TheParts, campaign_id: str) -> Response:
    """The campaign at one moment, from which the page follows its events without a gap."""
    workspace_id = asked.actor.workspace_id
    async with changes.moment(parts.web, workspace_id) as session:
        header = await found(session, asked, campaign_id)
        news = await changes.since(session, workspace_id, header.id, last=None)
        if news is None:
            raise NotFound(f"There is no campaign '{campaign_id}'.")
        progress = await reads.progress(session, header.id, workspace_id=workspace_id)
        values = await _values(session, workspace_id, header.id)
    status = BatchStatus.of(header, progress)
    data = {
        **_facts(header),
        "status": status.model_dump(mode="json", by_alias=True),
        "since": str(news.at),
        **_videos(news.videos, values, parts.vocabulary()),
    }
    brand = str(header.brief.get("brand") or header.batch_key)
    return page(
        request,
        asked,
        "campaign.html",
        title=f"{status.percent:.0f} % · {brand}",
        section="home",
        data=data,
        campaign=header,
        brand=brand,
        idea=header.brief.get("bigIdea"),
    )


def _facts(header: Header) -> dict[str, Any]:
    brief = header.brief
    return {
        "id": str(header.id),
        "batchId": header.batch_key,
        "brand": brief.get("brand") or header.batch_key,
        "provider": header.provider,
        "free": header.provider == reads.SANDBOX,
        "model": header.model,
        "duration": brief.get("duration"),
        "ratio": brief.get("aspectRatio"),
        "createdAt": header.created_at.isoformat(),
    }


async def _values(
    session: AsyncSession, workspace_id: UUID, campaign_id: UUID
) -> dict[str, list[tuple[str, str]]]:
    rows = await session.execute(_VALUES, {"workspace": workspace_id, "campaign": campaign_id})
    return {row.key: [(str(d), str(o)) for d, o in row.values] for row in rows}


_VALUES = text(
    """
    SELECT key, values FROM spotloom.combination
     WHERE workspace_id = :workspace AND campaign_id = :campaign ORDER BY position
    """
)


def _videos(
    videos: Sequence[Video], values: dict[str, list[tuple[str, str]]], vocabulary: Vocabulary
) -> dict[str, Any]:
    """The dimensions with their options once, and each video as a row of places and plain values.

    static/elements/batch/store.js reads the rows, in this order.
    """
    options: dict[str, dict[str, int]] = {}
    rows = []
    for video in videos:
        places = []
        for dimension, option in values[video.key]:
            known = options.setdefault(dimension, {})
            places.append(known.setdefault(option, len(known)))
        rows.append([video.key, places, float(video.estimated_cost), *_live(video)])
    return {"dimensions": _labels(options, vocabulary), "videos": rows}


def _live(video: Video) -> list[Any]:
    return [
        video.status.value,
        video.attempt,
        video.progress,
        video.error_code,
        video.review,
        int(video.winner),
        video.version,
        video.priority,
        None if video.actual_cost is None else float(video.actual_cost),
        *(video.files.get(kind) for kind in ("video", "poster", "sprite")),
    ]


def _labels(options: dict[str, dict[str, int]], vocabulary: Vocabulary) -> list[dict[str, Any]]:
    """What people call the dimensions and options; an option of an older vocabulary by its key."""
    labels = {d.key: (d.label, {o.key: o.label for o in d.options}) for d in vocabulary.dimensions}
    told = []
    for key, places in options.items():
        label, words = labels.get(key, (key, {}))
        named = [[option, words.get(option, option)] for option in places]
        told.append({"key": key, "label": label, "options": named})
    return told

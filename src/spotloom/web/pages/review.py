"""The page on which people look at a campaign's finished videos and decide which may be used."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import people
from spotloom.campaigns import changes, listing
from spotloom.campaigns.listing import Combination as Listed
from spotloom.campaigns.listing import Filter
from spotloom.contract.combinations import Combination
from spotloom.creative.dimensions import Vocabulary
from spotloom.creative.status import Status
from spotloom.errors import NotFound
from spotloom.web.door.asking import TheParts, found
from spotloom.web.pages.shell import Looking, page

routes = APIRouter()

_FILE = {"url", "width", "height", "seconds"}
# The rest of a combination, such as its prompt, is asked for when it is looked at.
_SHOWN: Any = {
    **dict.fromkeys(
        (
            *("combination_id", "values", "review", "reject_reason", "reviewed_by", "reviewed_at"),
            *("winner", "notes", "version"),
        ),
        True,
    ),
    "files": dict.fromkeys(("video", "poster", "sprite"), _FILE),
}


@routes.get("/campaigns/{campaign_id}/review")
async def review(request: Request, asked: Looking, parts: TheParts, campaign_id: str) -> Response:
    """Every finished video with what was said of it, at one moment that the events go on from."""
    workspace_id = asked.actor.workspace_id
    async with changes.moment(parts.web, workspace_id) as session:
        header = await found(session, asked, campaign_id)
        news = await changes.since(session, workspace_id, header.id, last=None)
        if news is None:
            raise NotFound(f"There is no campaign '{campaign_id}'.")
        rows = [row async for row in _finished(session, workspace_id, header.id)]
        members = await people.members(session, workspace_id)
    reviewed = sum(row.review != "none" for row in rows)
    brand = str(header.brief.get("brand") or header.batch_key)
    data = {
        "batchId": header.batch_key,
        "total": len(news.videos),
        "since": str(news.at),
        "videos": [_told(row) for row in rows],
        "labels": _labels(parts.vocabulary()),
        "people": {f"person:{member.person_id}": member.name for member in members},
        "me": asked.actor.text,
    }
    return page(
        request,
        asked,
        "review.html",
        title=f"{reviewed} of {len(rows)} reviewed · {brand}",
        section="home",
        data=data,
        brand=brand,
        batch=header.batch_key,
    )


async def _finished(
    session: AsyncSession, workspace_id: UUID, campaign_id: UUID
) -> AsyncIterator[Listed]:
    """The combinations with a film, in the order of the matrix."""
    cursor, wanted = None, Filter(statuses=frozenset({Status.COMPLETED}))
    while True:
        rows = await listing.combinations(
            session, workspace_id, campaign_id, wanted=wanted, cursor=cursor, limit=listing.LONGEST
        )
        for row in rows.rows:
            if "video" in row.files:
                yield row
        cursor = rows.next
        if cursor is None:
            return


def _told(row: Listed) -> dict[str, Any]:
    return Combination.of(row).model_dump(mode="json", by_alias=True, include=_SHOWN)


def _labels(vocabulary: Vocabulary) -> list[dict[str, Any]]:
    """What people call the dimensions and their options, in the order of the table."""
    return [
        {"key": d.key, "label": d.label, "options": [[o.key, o.label] for o in d.options]}
        for d in vocabulary.dimensions
    ]

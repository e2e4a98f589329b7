"""The list of a campaign's combinations: a page as JSON, or all of it as NDJSON or CSV."""

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import people
from spotloom.campaigns import listing
from spotloom.campaigns.listing import Combination as Listed
from spotloom.campaigns.listing import Filter, Page, Sort
from spotloom.contract.combinations import Combination, CombinationPage, Review
from spotloom.creative.status import Status
from spotloom.errors import Problem
from spotloom.web.door.answers import problems, shaped
from spotloom.web.door.asking import (
    CampaignName,
    Cursor,
    Limit,
    Sought,
    TheParts,
    Viewer,
    found,
    let_in_of,
)
from spotloom.web.door.kinds import CSV, JSON, NDJSON, liked
from spotloom.web.door.let_in import LetIn
from spotloom.web.errors import invalid

routes = APIRouter(prefix="/api/campaigns/{campaign_id}/combinations", tags=["combinations"])

MOST_OPTIONS = 50

Fetch = Callable[[str | None], Awaitable[Page[Combination]]]


def _kind(accept: Annotated[str, Header(max_length=500)] = "*/*") -> str:
    """Which of our content types the client likes best."""
    return liked(accept, JSON, NDJSON, CSV)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which combinations, in what order."""

    filter: Filter
    sort: Sort
    descending: bool


def _wanted(
    status: Annotated[list[Status] | None, Query(description="Any of these.")] = None,
    review: Annotated[list[Review] | None, Query(description="Any of these.")] = None,
    winner: Annotated[bool | None, Query()] = None,
    text: Annotated[
        Sought | None, Query(max_length=200, description="In the prompt, an option, or the id.")
    ] = None,
    option: Annotated[
        list[str] | None,
        Query(
            max_length=MOST_OPTIONS,
            description="`dimension:option`, such as `mood:wholesome`; several of one dimension "
            "mean any of them, of several dimensions all.",
        ),
    ] = None,
    sort: Annotated[Sort, Query()] = Sort.POSITION,
    order: Annotated[Literal["asc", "desc"], Query()] = "asc",
) -> Wanted:
    """The filters and the order that the query names."""
    return Wanted(
        filter=Filter(
            statuses=frozenset(status or ()),
            reviews=frozenset(review or ()),
            winner=winner,
            text=text,
            options=_options(option or []),
        ),
        sort=sort,
        descending=order == "desc",
    )


def _options(written: list[str]) -> dict[str, frozenset[str]]:
    chosen: dict[str, frozenset[str]] = {}
    for place, each in enumerate(written):
        dimension, colon, option = each.partition(":")
        if not (dimension and colon and option) or not each.isprintable() or len(each) > 100:
            message = "must be dimension:option, such as mood:wholesome."
            raise invalid([Problem(f"option[{place}]", message)])
        chosen[dimension] = chosen.get(dimension, frozenset()) | {option}
    return chosen


@routes.get(
    "",
    operation_id="listCombinations",
    response_model=CombinationPage,
    responses=problems(404, 406)
    | {
        200: {
            "description": "A page; or, as NDJSON or CSV, all that the filters leave.",
            "content": {
                NDJSON: {"schema": {"type": "string"}},
                CSV: {"schema": {"type": "string"}},
            },
        }
    },
)
async def list_combinations(
    asked: Viewer,
    parts: TheParts,
    campaign_id: CampaignName,
    wanted: Annotated[Wanted, Depends(_wanted)],
    kind: Annotated[str, Depends(_kind)],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """The combinations of a campaign, each with its latest attempt, files and reviews.

    `Accept: application/x-ndjson` or `text/csv` streams all of them, whatever the limit.
    """
    workspace_id = asked.actor.workspace_id
    async with asked.scope.read() as session:
        header = await found(session, asked, campaign_id)

    async def fetch(after: str | None) -> Page[Combination]:
        # A transaction for each page: who reads slowly holds none open.
        async with asked.scope.read() as session:
            page = await listing.combinations(
                session,
                workspace_id,
                header.id,
                wanted=wanted.filter,
                sort=wanted.sort,
                descending=wanted.descending,
                cursor=after,
                limit=limit if kind == JSON else listing.LONGEST,
            )
            return Page(tuple(await told(session, workspace_id, page.rows)), page.next)

    first = await fetch(cursor)
    if kind == JSON:
        return shaped(CombinationPage(items=list(first.rows), next_cursor=first.next))
    asker = let_in_of(parts, asked)
    return _streamed(first, fetch, asker, kind=kind, name=header.batch_key)


async def told(
    session: AsyncSession, workspace_id: UUID, rows: Sequence[Listed]
) -> list[Combination]:
    """The combinations as the API tells them, with the names of those who reviewed them."""
    who = {row.reviewed_by for row in rows if row.reviewed_by is not None}
    names = await people.names(session, workspace_id, who) if who else {}
    return [Combination.of(row, names) for row in rows]


def _streamed(
    first: Page[Combination], fetch: Fetch, asker: LetIn, *, kind: str, name: str
) -> StreamingResponse:
    """The first page and all that follow, in constant memory."""
    ascii_name = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in name)
    headers = {"Content-Disposition": f'attachment; filename="{ascii_name}.csv"'}
    if kind == CSV:
        lines = asker.while_let_in(_csv(first, fetch))
        return StreamingResponse(lines, media_type=CSV, headers=headers)
    return StreamingResponse(asker.while_let_in(_ndjson(first, fetch)), media_type=NDJSON)


async def _pages(first: Page[Combination], fetch: Fetch) -> AsyncIterator[Sequence[Combination]]:
    page = first
    while True:
        yield page.rows
        if page.next is None:
            return
        page = await fetch(page.next)


async def _ndjson(first: Page[Combination], fetch: Fetch) -> AsyncIterator[str]:
    async for items in _pages(first, fetch):
        yield "".join(f"{item.model_dump_json(by_alias=True)}\n" for item in items)


async def _csv(first: Page[Combination], fetch: Fetch) -> AsyncIterator[str]:
    dimensions = list(first.rows[0].values) if first.rows else []
    yield _lines([["combinationId", *dimensions, *_COLUMNS]])
    async for items in _pages(first, fetch):
        yield _lines(
            [
                [
                    item.combination_id,
                    *(item.values.get(dimension) for dimension in dimensions),
                    *(_COLUMNS[column](item) for column in _COLUMNS),
                ]
                for item in items
            ]
        )


_COLUMNS: dict[str, Callable[[Combination], Any]] = {
    "status": lambda item: item.status.value,
    "attempts": lambda item: item.attempts,
    "provider": lambda item: item.provider,
    "model": lambda item: item.model,
    "duration": lambda item: item.duration,
    "size": lambda item: item.size,
    "providerJobId": lambda item: item.provider_job_id,
    "estimatedCost": lambda item: item.estimated_cost,
    "actualCost": lambda item: item.actual_cost,
    "errorCode": lambda item: item.error and item.error.code,
    "errorMessage": lambda item: item.error and item.error.message,
    "review": lambda item: item.review,
    "winner": lambda item: "true" if item.winner else "false",
    "notes": lambda item: item.notes,
    "videoUrl": lambda item: item.video_url,
    "file": lambda item: item.files["video"].url if "video" in item.files else None,
    "prompt": lambda item: item.prompt,
}


def _lines(rows: list[list[Any]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([[_cell(c) for c in row] for row in rows])
    return text.getvalue()


def _cell(value: object) -> str:
    """The cell as text; a spreadsheet would take what begins like a formula for one."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text

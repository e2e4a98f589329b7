"""The combinations of a campaign, each with its latest attempt and what people said of it."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.listing import pages
from spotloom.campaigns.listing.files import File, files
from spotloom.campaigns.listing.filters import Filter, Sort
from spotloom.campaigns.listing.pages import BadCursor, Page
from spotloom.creative.request import VideoRequest
from spotloom.creative.status import Status
from spotloom.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """One combination, its latest attempt, and what people said of it."""

    id: UUID
    campaign_id: UUID
    key: str
    position: int
    values: tuple[tuple[str, str], ...]  # (dimension, option) in the order of the matrix
    review: str
    reject_reason: str | None
    reviewed_by: str | None
    reviewed_at: dt.datetime | None
    winner: bool
    notes: str | None
    video_url: str | None
    notion_page_id: str | None
    version: int
    generation_id: UUID
    attempt: int  # from 1; so many have been made
    status: Status
    priority: int
    progress: int | None
    ordered: Mapping[str, Any]  # the request as it is stored
    provider: str
    job: str | None
    estimated_cost: Decimal
    actual_cost: Decimal | None
    error_code: str | None
    error_text: str | None
    note: str | None
    created_at: dt.datetime  # these are of the attempt
    admitted_at: dt.datetime | None
    sent_at: dt.datetime | None
    accepted_at: dt.datetime | None
    ready_at: dt.datetime | None
    over_at: dt.datetime | None
    expires_at: dt.datetime | None
    cancel_asked_at: dt.datetime | None
    files: Mapping[str, File]  # by kind: video, poster, sprite

    @property
    def prompt(self) -> str:
        """What the provider was asked for."""
        return str(self.ordered["prompt"])

    @property
    def request(self) -> VideoRequest:
        """The order for the video."""
        return VideoRequest.from_json(self.ordered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many combinations there are of each sort."""

    total: int
    by_status: Mapping[Status, int]
    by_review: Mapping[str, int]
    winners: int


_COLUMNS = """
    k.id, k.campaign_id, k.key, k.position, k.values, k.review, k.reject_reason, k.reviewed_by,
    k.reviewed_at, k.winner, k.notes, k.video_url, k.notion_page_id, k.version,
    g.id AS generation_id, g.attempt, g.status, g.priority, g.progress, g.request AS ordered,
    c.provider, g.provider_job_id AS job, g.estimated_cost, g.actual_cost, g.error_code,
    g.error_text, g.note,
    g.created_at, g.admitted_at, g.sent_at, g.accepted_at, g.ready_at, g.over_at, g.expires_at,
    g.cancel_asked_at
"""
_FROM = """
    FROM spotloom.campaign c
    JOIN spotloom.combination k ON k.campaign_id = c.id
    JOIN LATERAL (SELECT * FROM spotloom.generation
                   WHERE workspace_id = :workspace AND combination_id = k.id
                   ORDER BY attempt DESC LIMIT 1) g ON true
   WHERE c.id = :campaign AND c.workspace_id = :workspace AND k.workspace_id = :workspace
     AND c.deleted_at IS NULL
"""


async def combinations(
    session: AsyncSession,
    workspace_id: UUID,
    campaign_id: UUID,
    *,
    wanted: Filter | None = None,
    sort: Sort = Sort.POSITION,
    descending: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Combination]:
    """A page of the campaign's combinations, at most 200; BadCursor for another list's cursor."""
    where, named = (wanted or Filter()).where()
    order = "DESC" if descending else "ASC"
    begin = ("combinations", sort.value, order)
    if cursor is not None:
        where += (
            f" AND ({sort.by}, k.position)"
            f" {'<' if descending else '>'} (CAST(:place AS {sort.type}), CAST(:position AS int))"
        )
        named |= _after(sort, pages.read(cursor, *begin))
    most = pages.bounded(limit)
    statement = (
        f"SELECT {_COLUMNS}, CAST({sort.by} AS text) AS place {_FROM} {where}"
        f" ORDER BY {sort.by} {order}, k.position {order} LIMIT {most + 1}"
    )
    named |= {"workspace": workspace_id, "campaign": campaign_id}
    rows = (await session.execute(text(statement), named)).all()
    found = await files(session, workspace_id, [row.generation_id for row in rows])
    return pages.cut(
        rows,
        most,
        told=lambda row: _told(row, found.get(row.generation_id, {})),
        end=lambda row: pages.write(*begin, row.place, str(row.position)),
    )


async def every_combination(
    session: AsyncSession, workspace_id: UUID, campaign_id: UUID
) -> list[Combination]:
    """All of the campaign's combinations in the order of the matrix."""
    page = await combinations(session, workspace_id, campaign_id, limit=pages.LONGEST)
    found = [*page.rows]
    while page.next is not None:
        page = await combinations(
            session, workspace_id, campaign_id, cursor=page.next, limit=pages.LONGEST
        )
        found += page.rows
    return found


async def combination(
    session: AsyncSession, workspace_id: UUID, campaign_id: UUID, key: str
) -> Combination:
    """The combination of that key; NotFound when the campaign has none."""
    names = {"workspace": workspace_id, "campaign": campaign_id, "key": key}
    row = (
        None
        if "\0" in key
        else (
            await session.execute(
                text(f"SELECT {_COLUMNS} {_FROM} AND k.key = :key"),
                names,
            )
        ).one_or_none()
    )
    if row is None:
        raise NotFound(f"The campaign has no video {key!r}.")
    found = await files(session, workspace_id, [row.generation_id])
    return _told(row, found.get(row.generation_id, {}))


async def counts(
    session: AsyncSession, workspace_id: UUID, campaign_id: UUID, *, wanted: Filter | None = None
) -> Counts:
    """How many combinations the filter leaves, whatever their status, by status and by review."""
    where, named = replace(wanted or Filter(), statuses=frozenset()).where()
    rows = await session.execute(
        text(
            f"SELECT g.status, k.review, k.winner, count(*) AS many {_FROM} {where}"
            " GROUP BY g.status, k.review, k.winner"
        ),
        named | {"workspace": workspace_id, "campaign": campaign_id},
    )
    by_status, by_review = Counter[Status](), Counter[str]()
    winners = 0
    for row in rows:
        by_status[Status(row.status)] += row.many
        by_review[row.review] += row.many
        winners += row.many if row.winner else 0
    return Counts(
        total=by_status.total(), by_status=by_status, by_review=by_review, winners=winners
    )


def _after(sort: Sort, parts: list[str]) -> dict[str, Any]:
    if len(parts) != 2:
        raise BadCursor
    return {"place": sort.check(parts[0]), "position": Sort.POSITION.check(parts[1])}


def _told(row: Row[Any], kept: Mapping[str, File]) -> Combination:
    stored = dict(row._mapping)
    stored.pop("place", None)
    stored["values"] = tuple((str(k), str(v)) for k, v in stored["values"])
    stored["status"] = Status(stored["status"])
    return Combination(**stored, files=kept)

"""Walks through every page of the database: duplicates, orphans, and pages that lost their link."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from spotloom.campaigns.mirrors import claims, outbox, places
from spotloom.campaigns.tenancy import Scope
from spotloom.errors import NotFound
from spotloom.generation.mirrors.notion.desk import TARGET, Desk
from spotloom.notion import pages
from spotloom.notion.pages import Seen

_OURS = text(
    """
    SELECT c.batch_key, k.key, k.id, k.notion_page_id AS page_id
      FROM spotloom.combination k
      JOIN spotloom.campaign c ON c.id = k.campaign_id AND c.deleted_at IS NULL
     WHERE k.workspace_id = :workspace
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What the walk found, and what was done about it."""

    pages: int
    duplicates: tuple[str, ...]  # pages beside the one that is a video's
    orphans: tuple[str, ...]  # pages of videos that there are not, or no more
    unlinked: tuple[str, ...]  # pages of videos that know no page
    missing: tuple[str, ...]  # combination ids whose page is not there
    trashed: int
    linked: int


async def sweep(desk: Desk, scope: Scope, *, fix: bool) -> Swept:
    """Look at every page; with `fix`, trash duplicates and orphans and link what lost its link.

    A page without a batch id and a combination id is somebody's own, and left alone.
    """
    async with scope.read() as session:
        place = await places.place(session, TARGET, scope.workspace_id)
    if place is None:
        raise NotFound("This workspace is not connected to Notion; run `spotloom notion setup`.")
    seen = await _all(desk, place)
    # Afterwards: of what is made while it walks, the pages may be seen, and the videos must be.
    async with scope.read() as session:
        rows = (await session.execute(_OURS, {"workspace": scope.workspace_id})).all()
    ours = {(row.batch_key, row.key): row for row in rows}
    there: dict[tuple[str, str], list[Seen]] = defaultdict(list)
    for page in seen:
        if all(page.ids):
            there[page.ids].append(page)
    kept = {ids: _kept(found, ours.get(ids)) for ids, found in there.items() if ids in ours}
    duplicates = [p.id for ids, one in kept.items() for p in there[ids] if p is not one]
    orphans = [page.id for ids, found in there.items() if ids not in ours for page in found]
    lost = [(ours[ids], one.id) for ids, one in kept.items() if ours[ids].page_id != one.id]
    ids_there = {page.id for page in seen}
    missing = [
        row.key
        for ids, row in ours.items()
        if row.page_id is not None and row.page_id not in ids_there and ids not in kept
    ]
    linked = 0
    if fix:
        for page_id in (*duplicates, *orphans):
            await _trash(desk, page_id)
        linked = await _link(scope, lost)
    return Swept(
        pages=len(seen),
        duplicates=tuple(duplicates),
        orphans=tuple(orphans),
        unlinked=tuple(page_id for _, page_id in lost),
        missing=tuple(missing),
        trashed=len(duplicates) + len(orphans) if fix else 0,
        linked=linked,
    )


def _kept(found: list[Seen], row: Any) -> Seen:
    """Of a video's pages the one that it knows, else the oldest."""
    oldest = sorted(found, key=lambda page: (page.created_at, page.id))
    return next((page for page in oldest if page.id == row.page_id), oldest[0])


async def _all(desk: Desk, place: places.Place) -> list[Seen]:
    """Every page, also where there are more than the 10,000 that one query gives."""
    found: dict[str, Seen] = {}
    since: str | None = None
    while True:
        cursor: str | None = None
        before, newest = len(found), since
        while True:
            answer = await desk.ask(_query(desk, place, since=since, cursor=cursor))
            for page in answer.results:
                found[page.id] = pages.read(page, desk.properties, place.properties)
                newest = page.created_time
            cursor = answer.next_cursor
            if not answer.has_more or cursor is None:
                break
        if not answer.cut or len(found) == before:
            return list(found.values())
        since = newest


def _query(desk: Desk, place: places.Place, *, since: str | None, cursor: str | None) -> Any:
    created = {"timestamp": "created_time", "created_time": {"on_or_after": since}}
    return lambda: desk.notion.query(
        place.data_source_id,
        filter_=None if since is None else created,
        sorts=[{"timestamp": "created_time", "direction": "ascending"}],
        cursor=cursor,
    )


async def _trash(desk: Desk, page_id: str) -> None:
    await desk.ask(lambda: desk.notion.update_page(page_id, {"in_trash": True}))


async def _link(scope: Scope, lost: list[tuple[Any, str]]) -> int:
    """Give the videos their pages, where nobody else has meanwhile; how many."""
    async with scope.begin() as session:
        mended = [
            row.id
            for row, page_id in sorted(lost, key=lambda each: each[0].id)
            if await claims.relink(session, TARGET, row.id, page_id, was=row.page_id)
        ]
        if mended:
            await outbox.append(
                session, TARGET, kind="look", workspace_id=scope.workspace_id, combinations=mended
            )
    return len(mended)

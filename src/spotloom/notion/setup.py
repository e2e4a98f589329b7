"""Makes the database in Notion, or checks and completes one, and says what it changed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from spotloom.errors import BriefError, Problem, SpotloomError
from spotloom.notion.api import Column, Database, DataSource, Notion
from spotloom.notion.properties import OURS, Kind, Property

TITLE = "Spotloom Videos"
LIMITS = (
    "Each video is one page, and Notion counts a page as one block. A free workspace with more "
    "than one member takes 1,000 blocks in its life, and deleting gives none back; paid "
    "workspaces, and free ones of one member, have no such limit. Spotloom writes properties "
    "alone and puts no block into a page."
)
_ID = re.compile(r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A database that has all we need."""

    database_id: str
    data_source_id: str
    title: str
    url: str
    bot_id: str
    properties: dict[str, str]  # our key, its id there
    now: str  # by Notion's clock
    done: tuple[str, ...] = field(default=())  # what was changed, for people


def id_in(written: str, *, where: str) -> str:
    """The id that an address or an id of Notion's ends with; BriefError when it has none."""
    plain = written.partition("#")[0].partition("?")[0].strip().lower()
    # An address ends in words and an id, joined by hyphens; the last match is the id.
    found = _ID.findall(plain)
    if not found:
        raise BriefError(
            [Problem(where, f"'{written[:80]}' holds no id; copy the page's link from Notion.")]
        )
    return "-".join(found[-1])


async def create(notion: Notion, *, page_id: str, wanted: Sequence[Property]) -> str:
    """The id of a new database under that page."""
    database = await notion.create_database(
        {
            "parent": {"type": "page_id", "page_id": page_id},
            "title": [{"type": "text", "text": {"content": TITLE}}],
            "initial_data_source": {"properties": {one.name: one.schema() for one in wanted}},
        }
    )
    return database.id


async def complete(
    notion: Notion, *, database_id: str, wanted: Sequence[Property], known: dict[str, str]
) -> Prepared:
    """That database with all that it lacked; `known` are ids of properties from an earlier time."""
    bot = await notion.me()
    database = await notion.database(database_id)
    if database.in_trash:
        raise BriefError([Problem("database", "is in Notion's trash; restore it, or name another")])
    source = await notion.data_source(_only(database))
    ids, missing = _matched(source, wanted, known=known)
    done = []
    if missing:
        taken = {name.casefold() for name in source.properties}
        added = {_free(one.name, taken): one.schema() for one in missing}
        source = await notion.update_data_source(source.id, {"properties": added})
        names = dict(zip(added, missing, strict=True))
        ids |= {
            one.key: column.id
            for name, column in source.properties.items()
            if (one := names.get(name)) is not None
        }
        done.append(f"Added {_listed(list(added))}.")
    done += await _views(notion, database, source, ids)
    done = done or ["Nothing was missing."]
    return _prepared(database, source, bot_id=bot.id, ids=ids, done=done)


async def lacking(
    notion: Notion, data_source_id: str, wanted: Sequence[Property], known: dict[str, str]
) -> list[str]:
    """The names of properties that we write to and that are there no more, or of another type."""
    source = await notion.data_source(data_source_id)
    there = {column.id: column.type for column in source.properties.values()}
    return [
        one.name
        for one in wanted
        if one.key in known and there.get(known[one.key]) != one.kind.value
    ]


def _matched(
    source: DataSource, wanted: Sequence[Property], *, known: dict[str, str]
) -> tuple[dict[str, str], list[Property]]:
    """The id of each property that is there, and the properties that are not."""
    by_id = {column.id: column for column in source.properties.values()}
    by_name = {name.casefold(): column for name, column in source.properties.items()}
    ids: dict[str, str] = {}
    missing = []
    for one in wanted:
        column = _column(one, by_id.get(known.get(one.key, "")), by_name, source)
        if column is None:
            missing.append(one)
        else:
            ids[one.key] = column.id
    return ids, missing


def _column(
    one: Property, known: Column | None, by_name: dict[str, Column], source: DataSource
) -> Column | None:
    if one.kind is Kind.TITLE:  # every data source has exactly one, whatever it is called
        return next(c for c in source.properties.values() if c.type == Kind.TITLE)
    names = (one.name.casefold(), f"{one.name} {OURS}".casefold())
    for column in (known, *map(by_name.get, names)):
        if column is not None and column.type == one.kind.value:
            return column
    return None


def _free(name: str, taken: set[str]) -> str:
    """The name, or another where something else is called so."""
    return f"{name} {OURS}" if name.casefold() in taken else name


async def _views(
    notion: Notion, database: Database, source: DataSource, ids: dict[str, str]
) -> list[str]:
    """Make a board and a gallery where there are none; what was made, or why not."""
    try:
        there = {view.type for view in await notion.views(database.id)}
        made = []
        for kind, name, configuration in _wanted_views(ids):
            if kind in there:
                continue
            await notion.create_view(
                {
                    "database_id": database.id,
                    "data_source_id": source.id,
                    "name": name,
                    "type": kind,
                    "configuration": configuration,
                }
            )
            made.append(f"Made the view '{name}'.")
    except SpotloomError as error:  # the mirror does without them
        return [f"The views could not be made: {error}."]
    return made


def _wanted_views(ids: dict[str, str]) -> list[tuple[str, str, dict[str, Any]]]:
    cover = {"type": "property", "property_id": ids["poster"]}
    groups = {"type": "select", "property_id": ids["status"], "sort": {"type": "manual"}}
    shown = [{"property_id": ids[key], "visible": True} for key in ("status", "review", "winner")]
    return [
        ("board", "By status", {"type": "board", "group_by": groups, "cover": cover}),
        (
            "gallery",
            "Gallery",
            {
                "type": "gallery",
                "cover": cover,
                "cover_size": "medium",
                "cover_aspect": "contain",
                "properties": shown,
            },
        ),
    ]


def _only(database: Database) -> str:
    if not database.data_sources:
        raise BriefError([Problem("database", "has no data source; name another")])
    return database.data_sources[0].id


def _prepared(
    database: Database, source: DataSource, *, bot_id: str, ids: dict[str, str], done: list[str]
) -> Prepared:
    return Prepared(
        database_id=database.id,
        data_source_id=source.id,
        title="".join(piece.plain_text for piece in database.title) or TITLE,
        url=database.url,
        bot_id=bot_id,
        properties=ids,
        now=source.last_edited_time,
        done=tuple(done),
    )


def _listed(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)

"""What the workspace holds, and each thing as an answer shows it."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from tests.integration.notion_peer import values
from tests.integration.notion_peer.refusals import invalid

Answer = dict[str, Any]
BOT = str(uuid.UUID(int=0xB07 << 96))
PERSON = str(uuid.UUID(int=0xA11CE << 96))
WORKSPACE = str(uuid.UUID(int=0x5ACE << 96))
INTEGRATION = str(uuid.UUID(int=0x1A7 << 96))


def shown(moment: datetime, *, rounded: bool) -> str:
    """A time as Notion writes it: down to the minute, unless a test wants to see more."""
    if rounded:
        moment = moment.replace(second=0, microsecond=0)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def user(user_id: str) -> Answer:
    return {"object": "user", "id": user_id}


@dataclass(kw_only=True)
class Thing:
    """What every thing in a workspace has."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: datetime
    edited: datetime
    created_by: str = BOT
    edited_by: str = BOT
    in_trash: bool = False
    icon: Answer | None = None
    cover: Answer | None = None

    def common(self, kind: str, *, rounded: bool) -> Answer:
        """The members that all answers share."""
        bare = self.id.replace("-", "")
        return {
            "object": kind,
            "id": self.id,
            "created_time": shown(self.created, rounded=rounded),
            "last_edited_time": shown(self.edited, rounded=rounded),
            "in_trash": self.in_trash,
            "icon": self.icon,
            "cover": self.cover,
            "url": f"https://www.notion.so/{bare}",
            "public_url": None,
        }


@dataclass(kw_only=True)
class Database(Thing):
    """A container of data sources on a page."""

    parent: Answer
    title: list[Answer]
    description: list[Answer] = field(default_factory=list)
    is_inline: bool = False
    is_locked: bool = False
    sources: list["DataSource"] = field(default_factory=list)

    def answer(self, *, rounded: bool) -> Answer:
        return self.common("database", rounded=rounded) | {
            "title": self.title,
            "description": self.description,
            "parent": self.parent,
            "is_inline": self.is_inline,
            "is_locked": self.is_locked,
            "data_sources": [{"id": one.id, "name": plain(one.title)} for one in self.sources],
        }


@dataclass(kw_only=True)
class DataSource(Thing):
    """A table: its properties by their ids."""

    database: Database
    title: list[Answer]
    properties: dict[str, values.Config] = field(default_factory=dict)
    pages: dict[str, "Page"] = field(default_factory=dict)
    next_property: int = 1

    def answer(self, *, rounded: bool) -> Answer:
        return self.common("data_source", rounded=rounded) | {
            "title": self.title,
            "description": [],
            "parent": {"type": "database_id", "database_id": self.database.id},
            "database_parent": self.database.parent,
            "is_inline": self.database.is_inline,
            "created_by": user(self.created_by),
            "last_edited_by": user(self.edited_by),
            "properties": {config["name"]: config for config in self.properties.values()},
        }

    def find(self, name: str) -> values.Config | None:
        """A property by its name or its id."""
        if name in self.properties:
            return self.properties[name]
        named = (one for one in self.properties.values() if one["name"] == name)
        return next(named, None)

    def add(self, name: str, given: Answer) -> None:
        """A new property."""
        config = configured(name, given)
        config["id"] = "title" if config["type"] == "title" else self._new_id()
        self.properties[config["id"]] = config

    def _new_id(self) -> str:
        # Notion's ids have characters that it writes percent-encoded; a client must not touch them.
        number, self.next_property = self.next_property, self.next_property + 1
        return quote(f"p;{number:02d}", safe="")


def configured(name: str, given: Answer) -> values.Config:
    """A property of a data source, from what a request says of it."""
    kind = next((key for key in given if key in values.KINDS), None)
    if kind is None:
        raise invalid(f"this peer has no property of this type: {name}: {sorted(given)}")
    detail: Answer = dict(given[kind])
    if kind in {"select", "multi_select", "status"}:
        detail["options"] = [values.new_option(one) for one in detail.get("options", [])]
    if kind == "status":
        detail["groups"] = []
    if kind == "number":
        detail = {"format": detail.get("format", "number")}
    return {
        "id": "",
        "name": name,
        "description": given.get("description"),
        "type": kind,
        kind: detail,
    }


@dataclass(kw_only=True)
class Page(Thing):
    """A row of a data source, or the page that a test puts its database on."""

    source: DataSource | None = None
    held: dict[str, Any] = field(default_factory=dict)
    searchable_from: float = 0.0  # on the monotonic clock
    history: list[Answer] = field(default_factory=list)

    def parent(self) -> Answer:
        if self.source is None:
            return {"type": "workspace", "workspace": True}
        ids = {"data_source_id": self.source.id, "database_id": self.source.database.id}
        return {"type": "data_source_id"} | ids

    def answer(self, *, rounded: bool, only: list[str] | None = None) -> Answer:
        return self.common("page", rounded=rounded) | {
            "is_archived": False,
            "is_locked": False,
            "parent": self.parent(),
            "created_by": user(self.created_by),
            "last_edited_by": user(self.edited_by),
            "properties": {
                config["name"]: self._valued(config, rounded=rounded)
                for config in self._configs()
                if only is None or config["id"] in only or config["name"] in only
            },
        }

    def _configs(self) -> list[values.Config]:
        if self.source is None:
            return [{"id": "title", "name": "title", "type": "title", "title": {}}]
        return list(self.source.properties.values())

    def value(self, config: values.Config) -> Any:
        """What it holds there; its own times and authors are exact."""
        computed = {
            "created_time": self.created,
            "last_edited_time": self.edited,
            "created_by": user(self.created_by),
            "last_edited_by": user(self.edited_by),
        }
        kind = config["type"]
        if kind in computed:
            return computed[kind]
        return self.held.get(config["id"], values.empty(kind))

    def _valued(self, config: values.Config, *, rounded: bool) -> Answer:
        value, kind = self.value(config), config["type"]
        if isinstance(value, datetime):
            value = shown(value, rounded=rounded)
        return {"id": config["id"], "type": kind, kind: value}

    def plain(self) -> Answer:
        """Its values by the names of the properties, as a test compares them."""
        told = {}
        for config in self._configs():
            value = self.value(config)
            plain_value = values.plain(config["type"], value)
            told[config["name"]] = str(value) if isinstance(value, datetime) else plain_value
        return told


@dataclass(kw_only=True)
class View(Thing):
    """How a data source is looked at."""

    database: Database
    source: DataSource
    name: str
    type: str
    said: Answer = field(default_factory=dict)

    def answer(self, *, rounded: bool) -> Answer:
        common = self.common("view", rounded=rounded)
        kept = {k: common[k] for k in ("object", "id", "created_time", "last_edited_time", "url")}
        return kept | {
            "parent": {"type": "database_id", "database_id": self.database.id},
            "data_source_id": self.source.id,
            "name": self.name,
            "type": self.type,
            "created_by": user(self.created_by),
            "last_edited_by": user(self.edited_by),
            "filter": self.said.get("filter"),
            "sorts": self.said.get("sorts"),
            "configuration": self.said.get("configuration"),
        }


def plain(text: list[Answer]) -> str:
    return "".join(item["plain_text"] for item in text)

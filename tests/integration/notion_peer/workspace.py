"""The workspace: what the requests do to the databases, the pages and the views in it."""

import pickle
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.integration.notion_peer import values
from tests.integration.notion_peer.records import (
    BOT,
    Answer,
    Database,
    DataSource,
    Page,
    Thing,
    View,
)
from tests.integration.notion_peer.refusals import Refused, invalid, not_found

Tell = Callable[[str, Thing, str, list[str]], None]


class Workspace:
    """Everything in it, and what it costs; a request is one synchronous call, so atomic."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.things: dict[str, Thing] = {}
        self.ahead = timedelta()
        self.lag_s = 0.0
        self.most_blocks: int | None = None
        self.blocks = 0
        self.home = Page(created=self.now(), edited=self.now())
        self.home.held["title"] = values.rich_text([{"text": {"content": "Home"}}], where="")
        self._keep(self.home)

    def save(self, file: Path) -> None:
        """Keep all that is in it."""
        file.write_bytes(pickle.dumps((self.things, self.home.id, self.blocks, self.ahead)))

    def restore(self, file: Path) -> None:
        """Have again what was kept."""
        kept = pickle.loads(file.read_bytes())  # noqa: S301 - written by the line above
        self.things, home_id, self.blocks, self.ahead = kept
        self.home = self.page(home_id)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    # finding

    def page(self, given: str) -> Page:
        return self._find(Page, "page", given)

    def database(self, given: str) -> Database:
        return self._find(Database, "database", given)

    def source(self, given: str) -> DataSource:
        return self._find(DataSource, "data source", given)

    def view(self, given: str) -> View:
        return self._find(View, "view", given)

    def _find(self, kind: type[Any], word: str, given: str) -> Any:
        try:
            thing = self.things.get(str(uuid.UUID(given)))
        except ValueError:
            raise invalid(
                f"path failed validation: {word} id should be a valid uuid, instead was `{given}`."
            ) from None
        if not isinstance(thing, kind):
            raise not_found(word, given)
        return thing

    def all(self, kind: type[Any]) -> list[Any]:
        return [thing for thing in self.things.values() if isinstance(thing, kind)]

    def _keep(self, thing: Thing) -> None:
        self.things[thing.id] = thing

    def _spend_block(self) -> None:
        """A free workspace takes the write that reaches its limit, and none after it."""
        if self.most_blocks is not None and self.blocks >= self.most_blocks:
            raise Refused("restricted_resource", "This workspace has reached its block limit.")
        self.blocks += 1

    # databases and data sources

    def create_database(self, said: Answer) -> Database:
        parent = said["parent"]
        if "page_id" not in parent:
            raise invalid("An internal connection makes a database on a page: give a page_id.")
        on = self.page(parent["page_id"])
        first = said.get("initial_data_source", {})
        title = values.rich_text(said.get("title", []), where="body.title")
        now = self.now()
        database = Database(
            created=now,
            edited=now,
            parent={"type": "page_id", "page_id": on.id},
            title=title,
            description=values.rich_text(said.get("description", []), where="body.description"),
            is_inline=said.get("is_inline", False),
        )
        source = self._new_source(database, first, title=title)
        self._spend_block()
        self._keep(database)
        self._keep(source)
        database.sources.append(source)
        table = View(
            created=now,
            edited=now,
            database=database,
            source=source,
            name="Default view",
            type="table",
        )
        self._keep(table)
        return database

    def _new_source(self, database: Database, said: Answer, *, title: list[Answer]) -> DataSource:
        now = self.now()
        source = DataSource(created=now, edited=now, database=database, title=title)
        properties = said.get("properties") or {"Name": {"title": {}}}
        for name, given in properties.items():
            source.add(name, given)
        _one_title(source)
        return source

    def create_source(self, said: Answer) -> DataSource:
        database = self.database(said["parent"]["database_id"])
        title = values.rich_text(said.get("title", []), where="body.title")
        source = self._new_source(database, said, title=title)
        self._keep(source)
        database.sources.append(source)
        return source

    def update_database(self, said: Answer) -> Database:
        database = self.database(said["database_id"])
        for name in ("title", "description"):
            if name in said:
                setattr(database, name, values.rich_text(said[name], where=f"body.{name}"))
        for name in ("is_inline", "is_locked", "in_trash"):
            if name in said:
                setattr(database, name, said[name])
        self._touch(database, BOT)
        return database

    def update_source(self, said: Answer, *, by: str = BOT) -> DataSource:
        source = self.source(said["data_source_id"])
        if "title" in said:
            source.title = values.rich_text(said["title"], where="body.title")
        source.in_trash = said.get("in_trash", source.in_trash)
        before = {key: dict(config) for key, config in source.properties.items()}
        try:
            for name, given in said.get("properties", {}).items():
                _change(source, name, given)
            _one_title(source)
        except Refused:
            source.properties = before
            raise
        self._touch(source, by)
        if "properties" in said:
            self._tell("data_source.schema_updated", source, by, list(said["properties"]))
        return source

    # pages

    def create_page(self, said: Answer, *, by: str = BOT) -> Page:
        source = self._parent_of_page(said.get("parent", {}))
        if source.in_trash or source.database.in_trash:
            raise not_found("data source", source.id)
        changes = _values(source, said.get("properties", {}))
        self._spend_block()
        now = self.now()
        page = Page(created=now, edited=now, source=source, created_by=by, edited_by=by)
        page.held, page.icon = changes, _icon(said.get("icon"))
        page.searchable_from = time.monotonic() + self.lag_s
        self._keep(page)
        source.pages[page.id] = page
        _remember(page, by, changes)
        self._tell("page.created", page, by, [])
        return page

    def _parent_of_page(self, parent: Answer) -> DataSource:
        if "data_source_id" in parent:
            return self.source(parent["data_source_id"])
        if "database_id" in parent:
            database = self.database(parent["database_id"])
            if len(database.sources) != 1:
                raise invalid(f"Database {database.id} has several data sources: name one.")
            return database.sources[0]
        raise invalid("body failed validation: this peer makes pages in data sources: body.parent")

    def update_page(self, said: Answer, *, by: str = BOT) -> Page:
        page = self.page(said["page_id"])
        if page.source is None:
            raise Refused("restricted_resource")
        was_trash, page_trash = page.in_trash, said.get("in_trash", page.in_trash)
        if was_trash and page_trash:
            raise invalid(
                "Can't edit block that is archived. You must unarchive the block before editing."
            )
        changes = _values(page.source, said.get("properties", {}))
        page.held |= changes
        page.in_trash = page_trash
        if "icon" in said:
            page.icon = _icon(said["icon"])
        self._touch(page, by)
        _remember(page, by, changes)
        if was_trash != page_trash:
            self._tell("page.deleted" if page_trash else "page.undeleted", page, by, [])
        if changes:
            self._tell("page.properties_updated", page, by, list(changes))
        return page

    def delete_for_ever(self, page_id: str) -> None:
        """As a person empties the trash: from here on nobody finds it."""
        page = self.page(page_id)
        del self.things[page.id]
        if page.source is not None:
            del page.source.pages[page.id]

    def _touch(self, thing: Thing, by: str) -> None:
        thing.edited, thing.edited_by = self.now(), by

    # views

    def create_view(self, said: Answer) -> View:
        source, database = self.source(said["data_source_id"]), self.database(said["database_id"])
        configuration = said.get("configuration") or {}
        if configuration and configuration["type"] != said["type"]:
            raise invalid(f"The configuration is of a {configuration['type']}, not {said['type']}.")
        _known_properties(source, configuration)
        now = self.now()
        view = View(
            created=now,
            edited=now,
            database=database,
            source=source,
            name=said["name"],
            type=said["type"],
            said=said,
        )
        self._keep(view)
        return view

    def update_view(self, said: Answer) -> View:
        view = self.view(said["view_id"])
        _known_properties(view.source, said.get("configuration") or {})
        view.name = said.get("name", view.name)
        view.said |= {k: v for k, v in said.items() if k in {"filter", "sorts", "configuration"}}
        self._touch(view, BOT)
        return view

    def delete_view(self, view_id: str) -> View:
        view = self.view(view_id)
        del self.things[view.id]
        return view


def _one_title(source: DataSource) -> None:
    titles = [one for one in source.properties.values() if one["type"] == "title"]
    if len(titles) != 1:
        raise invalid(f"A data source has exactly one title property, not {len(titles)}.")


def _change(source: DataSource, name: str, given: Answer | None) -> None:
    known = source.find(name)
    if known is None:
        if given is not None:
            source.add(name, given)
        return
    if given is None:
        if known["type"] == "title":
            raise invalid("Cannot delete the title property.")
        del source.properties[known["id"]]
        return
    kind = next((key for key in given if key in values.KINDS), known["type"])
    if known["type"] == "title" and kind != "title":
        raise invalid("The type of the title property cannot be changed.")
    changed = known | {"name": given.get("name", known["name"])}
    if kind in given:
        del changed[changed["type"]]
        changed |= {"type": kind, kind: _detail(known, kind, given[kind])}
    source.properties[known["id"]] = changed


def _detail(known: values.Config, kind: str, given: Answer) -> Answer:
    """The new detail of a property; an option of a select that is not said again is gone."""
    if kind == "number":
        return {"format": given.get("format", "number")}
    if kind not in {"select", "multi_select"} or "options" not in given:
        return dict(known.get(kind, given))
    before = known.get(kind, {}).get("options", [])
    by_id, by_name = {o["id"]: o for o in before}, {o["name"]: o for o in before}
    kept = [(by_id.get(o.get("id")) or by_name.get(o.get("name")), o) for o in given["options"]]
    return {"options": [old or values.new_option(new) for old, new in kept]}


def _values(source: DataSource, given: Answer) -> dict[str, Any]:
    """The values of a request by the ids of the properties."""
    told = {}
    for name, value in given.items():
        config = source.find(name)
        if config is None:
            raise invalid(f"{name} is not a property that exists.")
        told[config["id"]] = values.valued(config, value)
    return told


def _known_properties(source: DataSource, configuration: Answer) -> None:
    """A view is told of properties by their ids."""
    for told in (configuration.get("group_by"), configuration.get("cover")):
        named = (told or {}).get("property_id")
        if named is not None and named not in source.properties:
            raise invalid(f"Could not find property with ID: {named}")


def _icon(given: Answer | None) -> Answer | None:
    if given is None or "emoji" not in given:
        return None
    return {"type": "emoji", "emoji": given["emoji"]}


def _remember(page: Page, by: str, changes: dict[str, Any]) -> None:
    page.history.append({"at": time.time(), "by": by, "properties": sorted(changes)})

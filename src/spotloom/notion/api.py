"""Speaks Notion's API, version 2026-03-11: one request a call, none repeated by itself."""

import asyncio
import email.utils
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ValidationError

from spotloom.errors import Conflict, OutcomeUnknown, SpotloomError, Transient

VERSION = "2026-03-11"
HOME = "https://api.notion.com"
TIMEOUT_S = 30.0
PAGE_SIZE = 100  # the most that one answer holds
LONGEST_REASON = 500
_SLOW_DOWN = {429, 529}  # refused for now: nothing was done
_COLLIDED = 409  # two writes at once: nothing was done

Json = Mapping[str, Any]
M = TypeVar("M", bound=BaseModel)


class NotionSlow(Transient):
    """Notion wants fewer requests, or is overloaded; nothing was done."""


class NotionAway(Transient):
    """Notion could not be asked; nothing was done."""


class NotionSilent(OutcomeUnknown):
    """The request may have arrived, and no usable answer has come."""


class NotionRefused(Conflict):
    """Notion will not do it; the same request would be refused again."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code = status, code
        super().__init__(f"{message[:LONGEST_REASON]} ({status} {code})")

    @property
    def unauthorised(self) -> bool:
        """Whether the key, or what it was given access to, is wrong for everything."""
        return self.status in {401, 403}

    @property
    def missing(self) -> bool:
        """Whether there is nothing at that id, or nothing that we may see."""
        return self.status == 404


class Person(BaseModel):
    """Somebody of Notion's: a person or a bot."""

    id: str


class Page(BaseModel):
    """A page of the database, as far as we read it."""

    id: str
    url: str = ""
    created_time: str
    last_edited_time: str
    last_edited_by: Person
    in_trash: bool
    properties: dict[str, dict[str, Any]]  # by name; each carries its id and its type


class _Status(BaseModel):
    type: str


class Found(BaseModel):
    """One answer of a query."""

    results: list[Page]
    has_more: bool
    next_cursor: str | None
    request_status: _Status | None = None

    @property
    def cut(self) -> bool:
        """Whether Notion has more than the 10,000 results that a query gives."""
        return self.request_status is not None and self.request_status.type == "incomplete"


class Titled(BaseModel):
    """A piece of text."""

    plain_text: str


class Reference(BaseModel):
    """One data source of a database."""

    id: str
    name: str


class Parent(BaseModel):
    """Where something stands."""

    page_id: str | None = None  # None: not on a page


class Database(BaseModel):
    """A database: what people see, around one or more data sources."""

    id: str
    url: str
    title: list[Titled]
    in_trash: bool
    parent: Parent = Parent()
    data_sources: list[Reference]


class Column(BaseModel):
    """One property of a data source."""

    id: str
    name: str
    type: str


class DataSource(BaseModel):
    """A data source: the properties, and the pages."""

    id: str
    last_edited_time: str
    properties: dict[str, Column]


class View(BaseModel):
    """One way of looking at a database."""

    id: str
    type: str = ""


class _Views(BaseModel):
    results: list[View]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What lets us in, and where."""

    token: str
    address: str = HOME
    timeout_s: float = TIMEOUT_S


class Notion:
    """The API for one key; made once, closed in the end."""

    def __init__(self, key: Key) -> None:
        # With no key nobody needs these, and they are 10 MB of a worker.
        import httpx
        import notion_client

        # Its own retries resend a create whose answer was lost, and lose pages that were slowed.
        self._client = notion_client.AsyncClient(
            auth=key.token,
            base_url=key.address.rstrip("/"),
            notion_version=VERSION,
            timeout_ms=round(key.timeout_s * 1000),
            retry=False,
            log_level=logging.CRITICAL,  # it would print what pages say
            logger=logging.getLogger("notion_client"),
            client=httpx.AsyncClient(trust_env=False),
        )
        self._httpx, self._errors = httpx, notion_client
        self._timeout_s = key.timeout_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def me(self) -> Person:
        """Who we are there."""
        return _read(Person, await self._ask("GET", "users/me"))

    async def database(self, database_id: str) -> Database:
        """The database of that id."""
        return _read(Database, await self._ask("GET", f"databases/{database_id}"))

    async def create_database(self, body: Json) -> Database:
        """A new database."""
        return _read(Database, await self._ask("POST", "databases", body))

    async def data_source(self, data_source_id: str) -> DataSource:
        """The data source of that id."""
        return _read(DataSource, await self._ask("GET", f"data_sources/{data_source_id}"))

    async def update_data_source(self, data_source_id: str, body: Json) -> DataSource:
        """The data source, changed."""
        path = f"data_sources/{data_source_id}"
        return _read(DataSource, await self._ask("PATCH", path, body))

    async def views(self, database_id: str) -> list[View]:
        """The database's views."""
        path, asked = "views", {"database_id": database_id}
        told = _read(_Views, await self._ask("GET", path, query=asked)).results
        return [
            each if each.type else _read(View, await self._ask("GET", f"views/{each.id}"))
            for each in told
        ]

    async def create_view(self, body: Json) -> None:
        """Add a view to a database."""
        await self._ask("POST", "views", body)

    async def query(
        self,
        data_source_id: str,
        *,
        filter_: Json | None = None,
        sorts: list[Json] | None = None,
        cursor: str | None = None,
        in_trash: bool = False,
    ) -> Found:
        """Up to a hundred pages of the data source."""
        body: dict[str, Any] = {"page_size": PAGE_SIZE, "result_type": "page"}
        given = {"filter": filter_, "sorts": sorts, "start_cursor": cursor}
        body |= {name: value for name, value in given.items() if value is not None}
        if in_trash:
            body["in_trash"] = True
        return _read(Found, await self._ask("POST", f"data_sources/{data_source_id}/query", body))

    async def page(self, page_id: str) -> Page:
        """The page of that id."""
        return _read(Page, await self._ask("GET", f"pages/{page_id}"))

    async def create_page(self, data_source_id: str, properties: Json) -> Page:
        """A new page; NotionSilent when there may be one now."""
        parent = {"type": "data_source_id", "data_source_id": data_source_id}
        body = {"parent": parent, "properties": properties}
        return _read(Page, await self._ask("POST", "pages", body))

    async def update_page(self, page_id: str, body: Json) -> Page:
        """The page, changed."""
        return _read(Page, await self._ask("PATCH", f"pages/{page_id}", body))

    async def _ask(
        self, method: str, path: str, body: Json | None = None, *, query: Json | None = None
    ) -> Any:
        httpx, notion = self._httpx, self._errors
        try:
            # The client's own timeout is for each read; a trickle would never end.
            async with asyncio.timeout(2 * self._timeout_s):
                return await self._client.request(
                    path=path,
                    method=method,
                    query=None if query is None else dict(query),
                    body=None if body is None else dict(body),
                )
        except notion.errors.HTTPResponseError as error:
            code = str(getattr(error.code, "value", error.code))
            raise _of(error.status, code, str(error), error.headers) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotionAway(f"Notion cannot be reached: {_named(error)}.") from error
        except (httpx.HTTPError, notion.errors.NotionClientErrorBase, TimeoutError) as error:
            raise NotionSilent(f"Notion's answer did not come: {_named(error)}.") from error
        except ValueError as error:
            raise NotionSilent("Notion answered something that is no JSON.") from error


def _read(model: type[M], told: Any) -> M:
    try:
        return model.model_validate(told)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, each["loc"])) for each in error.errors()[:5])
        raise NotionSilent(f"Notion's answer lacks what we know of it: {fields}.") from error


def _of(status: int, code: str, message: str, headers: Mapping[str, str]) -> SpotloomError:
    if status in _SLOW_DOWN:
        wait_s = retry_after_s(headers.get("retry-after"))
        return NotionSlow(f"Notion wants us to wait ({status}).", retry_after_s=wait_s)
    if status == _COLLIDED:
        return NotionAway(f"Notion was changing the same thing ({status} {code}).")
    if status >= 500:
        return NotionSilent(f"Notion answered {status}; it may have been done all the same.")
    return NotionRefused(status, code, message)


def retry_after_s(written: str | None) -> float | None:
    """The seconds that a Retry-After header names, as a number or as a date."""
    if written is None:
        return None
    try:
        return max(0.0, float(written))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(written).timestamp() - time.time())
    except ValueError:
        return None


def _named(error: Exception) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__

"""Queries of a data source and searches: filters, sorts, pages of results and their cap."""

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.integration.notion_peer import values
from tests.integration.notion_peer.records import Answer, DataSource, Page, plain
from tests.integration.notion_peer.refusals import invalid
from tests.integration.notion_peer.workspace import Workspace

LONGEST_PAGE = 100
Judge = Callable[[Any, Any], bool]


def query(workspace: Workspace, said: Answer, *, cap: int, rounded: bool) -> Answer:
    """A page of the results of a query."""
    source = workspace.source(said["data_source_id"])
    found = [page for page in source.pages.values() if _seen(page, said.get("in_trash", False))]
    if "filter" in said:
        found = [page for page in found if _passes(page, source, said["filter"], rounded=rounded)]
    for order in reversed(said.get("sorts", [])):
        key = _order(source, order, rounded=rounded)
        found.sort(key=key, reverse=order["direction"] == "descending")
    only = said.get("filter_properties")
    rows = [(page.id, lambda p=page: p.answer(rounded=rounded, only=only)) for page in found]
    return _listed(rows, said, kind="page_or_data_source", cap=cap)


def search(workspace: Workspace, said: Answer, *, cap: int, rounded: bool) -> Answer:
    """What has a title with the words of the search in it."""
    wanted, words = said.get("filter", {}).get("value"), said.get("query", "").lower()
    trash = said.get("filter", {}).get("in_trash", False)
    rows: list[tuple[str, Callable[[], Answer]]] = []
    if wanted != "page":
        rows += [
            (source.id, lambda s=source: s.answer(rounded=rounded))
            for source in workspace.all(DataSource)
            if words in plain(source.title).lower() and source.in_trash == trash
        ]
    if wanted != "data_source":
        for page in workspace.all(Page):
            title = values.plain("title", page.held.get("title", []))
            if words in title.lower() and _seen(page, trash):
                rows.append((page.id, lambda p=page: p.answer(rounded=rounded)))
    return _listed(rows, said, kind="page_or_data_source", cap=cap)


def listed(rows: list[tuple[str, Callable[[], Answer]]], said: Answer, *, kind: str) -> Answer:
    """A page of a short list."""
    return _listed(rows, said, kind=kind, cap=len(rows))


def _listed(
    rows: list[tuple[str, Callable[[], Answer]]], said: Answer, *, kind: str, cap: int
) -> Answer:
    size = said.get("page_size", LONGEST_PAGE)
    if not 1 <= size <= LONGEST_PAGE:
        raise invalid(
            f"body failed validation: body.page_size should be ≤ `{LONGEST_PAGE}`,"
            f" instead was `{size}`."
        )
    capped, start = rows[:cap], 0
    if (cursor := said.get("start_cursor")) is not None:
        starts = [index for index, (row_id, _) in enumerate(capped) if row_id == _uuid(cursor)]
        if not starts:
            raise invalid(f"The start_cursor provided is invalid: {cursor}")
        start = starts[0]
    more = start + size < len(capped)
    answer = {
        "object": "list",
        "results": [row() for _, row in capped[start : start + size]],
        "next_cursor": capped[start + size][0] if more else None,
        "has_more": more,
        "type": kind,
        kind: {},
    }
    if len(rows) > cap:
        reason = "query_result_limit_reached"
        answer["request_status"] = {"type": "incomplete", "incomplete_reason": reason}
    return answer


def _uuid(given: str) -> str:
    try:
        return str(uuid.UUID(given))
    except ValueError:
        return given


def _seen(page: Page, trash: bool) -> bool:
    return page.in_trash == trash and page.searchable_from <= time.monotonic()


# filters


def _passes(page: Page, source: DataSource, told: Answer, *, rounded: bool) -> bool:
    if "and" in told:
        return all(_passes(page, source, one, rounded=rounded) for one in told["and"])
    if "or" in told:
        return any(_passes(page, source, one, rounded=rounded) for one in told["or"])
    if "timestamp" in told:
        kind, value = told["timestamp"], _time(page, told["timestamp"], rounded=rounded)
        return _holds(value, told[kind])
    config = source.find(told["property"])
    if config is None:
        raise invalid(f"Could not find property with name or id: {told['property']}")
    kind = config["type"]
    if kind not in told:
        given = sorted(set(told) - {"property", "type"})
        raise invalid(f"database property {kind} does not match filter {', '.join(given)}")
    value = values.plain(kind, page.value(config))
    return _holds(_cut(value, rounded=rounded), told[kind])


def _time(page: Page, kind: str, *, rounded: bool) -> datetime:
    return _cut(page.created if kind == "created_time" else page.edited, rounded=rounded)


def _cut(value: Any, *, rounded: bool) -> Any:
    if isinstance(value, datetime) and rounded:
        return value.replace(second=0, microsecond=0)
    return value


def _holds(value: Any, conditions: Answer) -> bool:
    return all(_JUDGES[name](value, asked) for name, asked in conditions.items())


def _is_empty(value: Any) -> bool:
    return value in (None, "", [])


def _same(value: Any, asked: Any) -> bool:
    if isinstance(value, datetime):
        return value == _moment(asked)
    if isinstance(asked, list):
        return value in asked
    return bool(value == asked)


def _contains(value: Any, asked: Any) -> bool:
    if isinstance(value, str):
        return str(asked).lower() in value.lower()
    return asked in (value or [])


def _compared(judge: Callable[[Any, Any], bool]) -> Judge:
    def compare(value: Any, asked: Any) -> bool:
        if value is None:
            return False
        if isinstance(asked, str):
            value, asked = _moment(value), _moment(asked)
        return judge(value, asked)

    return compare


def _moment(given: Any) -> datetime:
    if isinstance(given, datetime):
        return given
    try:
        read = datetime.fromisoformat(given)
    except ValueError:
        raise invalid(f"{given} is not an ISO 8601 date.") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


_JUDGES: dict[str, Judge] = {
    "equals": _same,
    "does_not_equal": lambda value, asked: not _same(value, asked),
    "contains": _contains,
    "does_not_contain": lambda value, asked: not _contains(value, asked),
    "starts_with": lambda value, asked: str(value or "").startswith(asked),
    "ends_with": lambda value, asked: str(value or "").endswith(asked),
    "is_empty": lambda value, _: _is_empty(value),
    "is_not_empty": lambda value, _: not _is_empty(value),
    "greater_than": _compared(lambda value, asked: value > asked),
    "less_than": _compared(lambda value, asked: value < asked),
    "greater_than_or_equal_to": _compared(lambda value, asked: value >= asked),
    "less_than_or_equal_to": _compared(lambda value, asked: value <= asked),
    "after": _compared(lambda value, asked: value > asked),
    "before": _compared(lambda value, asked: value < asked),
    "on_or_after": _compared(lambda value, asked: value >= asked),
    "on_or_before": _compared(lambda value, asked: value <= asked),
}


def _order(source: DataSource, order: Answer, *, rounded: bool) -> Callable[[Page], Any]:
    if "timestamp" in order:
        return lambda page: _time(page, order["timestamp"], rounded=rounded)
    config = source.find(order["property"])
    if config is None:
        raise invalid(f"Could not find sort property with name or id: {order['property']}")

    def key(page: Page) -> Any:
        value = values.plain(config["type"], page.value(config))
        return (_is_empty(value), "" if _is_empty(value) else value)

    return key

"""Values of properties: from the shape of a request to the shape of an answer."""

import uuid
from collections.abc import Callable
from typing import Any

from tests.integration.notion_peer.refusals import invalid

LONGEST_TEXT = 2000
LONGEST_LIST = 100
_PLAIN = {
    "bold": False,
    "italic": False,
    "strikethrough": False,
    "underline": False,
    "code": False,
    "color": "default",
}
_EMPTY: dict[str, Any] = {
    "title": [],
    "rich_text": [],
    "multi_select": [],
    "people": [],
    "files": [],
    "relation": [],
    "checkbox": False,
}
READ_ONLY = frozenset({"created_time", "last_edited_time", "created_by", "last_edited_by"})
# What the peer can hold; a database with any other property is refused when it is made.
KINDS = frozenset(_EMPTY) - {"relation"} | READ_ONLY
KINDS |= {"number", "url", "email", "phone_number", "select", "status", "date"}

Config = dict[str, Any]


def characters(text: str) -> int:
    """How long Notion finds a text: it counts as JavaScript does, an emoji twice."""
    return len(text.encode("utf-16-le")) // 2


def rich_text(items: list[dict[str, Any]], *, where: str) -> list[dict[str, Any]]:
    """Rich text as an answer has it."""
    if len(items) > LONGEST_LIST:
        raise _too_long(where, len(items), LONGEST_LIST)
    return [_text(item, where=f"{where}[{index}]") for index, item in enumerate(items)]


def _text(item: dict[str, Any], *, where: str) -> dict[str, Any]:
    if "text" not in item:
        raise invalid(f"body failed validation: this peer takes plain text alone: {where}")
    content, link = item["text"]["content"], item["text"].get("link")
    if (length := characters(content)) > LONGEST_TEXT:
        raise _too_long(f"{where}.text.content", length, LONGEST_TEXT)
    if link and (length := characters(link["url"])) > LONGEST_TEXT:
        raise _too_long(f"{where}.text.link.url", length, LONGEST_TEXT)
    return {
        "type": "text",
        "text": {"content": content, "link": link and {"url": link["url"]}},
        "annotations": _PLAIN | item.get("annotations", {}),
        "plain_text": content,
        "href": link and link["url"],
    }


def _too_long(where: str, length: int, most: int) -> Exception:
    return invalid(
        f"body failed validation: {where}.length should be ≤ `{most}`, instead was `{length}`."
    )


def option(config: Config, given: dict[str, Any] | None, *, where: str) -> dict[str, Any] | None:
    """An option of a select; one that was not there yet is added, as Notion does."""
    if given is None:
        return None
    options = config[config["type"]]["options"]
    for known in options:
        if given.get("id") == known["id"] or given.get("name") == known["name"]:
            return {key: known[key] for key in ("id", "name", "color")}
    if "name" not in given or config["type"] == "status":
        raise invalid(f"{where} has no option {given}.")
    options.append(new_option(given))
    return {key: options[-1][key] for key in ("id", "name", "color")}


def new_option(given: dict[str, Any]) -> dict[str, Any]:
    """An option as a data source keeps it."""
    if "," in given["name"]:
        raise invalid(f"Invalid select option, commas not allowed: {given['name']}")
    made = {"id": str(uuid.uuid4()), "name": given["name"]}
    return made | {
        "color": given.get("color", "default"),
        "description": given.get("description"),
    }


def empty(kind: str) -> Any:
    """The value of a property that nobody has set."""
    value = _EMPTY.get(kind)
    return [] if value == [] else value


def valued(config: Config, given: dict[str, Any]) -> Any:
    """A property's value as an answer has it, from what a request gives."""
    kind, name = config["type"], config["name"]
    if kind in READ_ONLY:
        raise invalid(f"{name} is a computed property and cannot be set.")
    if kind not in given:
        raise invalid(f"{name} is expected to be {kind}.")
    return _VALUED.get(kind, _checked)(config, given[kind])


def _checked(config: Config, given: Any) -> Any:
    longest = {"url": 2000, "email": 200, "phone_number": 200}.get(config["type"])
    if longest and given is not None and characters(given) > longest:
        raise _too_long(f"body.properties.{config['name']}.{config['type']}", len(given), longest)
    return given


def _rich(config: Config, given: Any) -> Any:
    return rich_text(given, where=f"body.properties.{config['name']}.{config['type']}")


def _option(config: Config, given: Any) -> Any:
    return option(config, given, where=config["name"])


def _options(config: Config, given: Any) -> Any:
    if len(given) > LONGEST_LIST:
        raise _too_long(f"body.properties.{config['name']}", len(given), LONGEST_LIST)
    return [option(config, one, where=config["name"]) for one in given]


def _date(config: Config, given: Any) -> Any:
    empty_date = {"end": None, "time_zone": None}
    return None if given is None else empty_date | given


def _people(config: Config, given: Any) -> Any:
    return [{"object": "user", "id": one["id"]} for one in given]


def _files(config: Config, given: Any) -> Any:
    if any("external" not in one for one in given):
        raise invalid(f"this peer takes files by their URL alone: {config['name']}")
    return [{"name": f["name"], "type": "external", "external": f["external"]} for f in given]


_VALUED: dict[str, Callable[[Config, Any], Any]] = {
    "title": _rich,
    "rich_text": _rich,
    "select": _option,
    "status": _option,
    "multi_select": _options,
    "date": _date,
    "people": _people,
    "files": _files,
}


def plain(kind: str, value: Any) -> Any:
    """A value as a test wants to compare it: text, a name, a number."""
    match kind:
        case "title" | "rich_text":
            return "".join(item["plain_text"] for item in value)
        case "select" | "status":
            return value and value["name"]
        case "multi_select":
            return [one["name"] for one in value]
        case "date":
            return value and value["start"]
        case "files":
            return [one["external"]["url"] for one in value]
        case "people":
            return [one["id"] for one in value]
        case "created_by" | "last_edited_by":
            return [value["id"]]
    return value

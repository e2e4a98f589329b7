"""Reads YAML that strangers wrote: plain values only, small, and with a place for every fault."""

import re
from collections.abc import Hashable
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from spotloom.errors import BriefError, Problem
from spotloom.forms.problems import kind, quoted

LARGEST_FILE = 1024 * 1024  # bytes
_DEEPEST = 20  # levels; a brief has 4
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def read_brief(path: Path) -> dict[str, Any]:
    """The brief file as plain data; BriefError when it cannot be read."""
    return read_mapping(path, what="brief")


def read_mapping(path: Path, *, what: str) -> dict[str, Any]:
    """The YAML file's mapping; BriefError under the field `what` when it is not one."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise _refused(what, f"{path}: cannot be read ({reason}).") from error
    if len(raw) > LARGEST_FILE:
        raise _refused(what, f"{path}: is larger than 1 MiB; a {what} is a page of text.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"{path}, line {line}: is not UTF-8 text; save the file as UTF-8."
        raise _refused(what, message) from error
    return parse_mapping(text, what=what, name=str(path))


def parse_mapping(text: str, *, what: str, name: str) -> dict[str, Any]:
    """The YAML text's mapping; `name` says in messages where the text came from."""
    if found := _FORBIDDEN.search(text):
        before = text[: found.start()]
        line, column = before.count("\n") + 1, found.start() - before.rfind("\n")
        character = "a NUL byte" if found[0] == "\0" else f"the control character {found[0]!a}"
        message = f"{name}, line {line}, column {column}: holds {character}; take it out."
        raise _refused(what, message)
    try:
        data = _loaded(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise _refused(what, f"{name}{place}: {error.problem or error.context}.") from error
    if not isinstance(data, dict):
        message = f"{name}: must be a mapping such as `brand: …`, but is {kind(data)}."
        raise _refused(what, message)
    return data


def _loaded(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _refused(field: str, message: str) -> BriefError:
    return BriefError([Problem(field, message)])


def _fault(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


class _Loader(yaml.SafeLoader):
    """YAML with the surprises taken out.

    Text stays text unless it is null, true, false or a number, so that `9:16` is not 556 and `no`
    is not false; decimals are exact; a key may stand once; aliases, which can blow up a small
    file, are refused.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own attribute, set before any instance
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call] # the stubs leave it out
        if isinstance(event, yaml.AliasEvent):
            raise _fault(
                f"the alias {quoted(event.anchor)} is not supported; write the value out",
                event.start_mark,
            )
        if getattr(event, "tag", None) is not None:
            raise _fault(
                f"the tag {quoted(event.tag)} is not supported; write a plain value",
                event.start_mark,
            )
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _fault(f"is nested deeper than {_DEEPEST} levels", event.start_mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge keys are never resolved: without aliases there is nothing to merge."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _fault("a key must be a plain word", key_node.start_mark)
            if key_node.value in seen:
                raise _fault(
                    f"the key {quoted(key_node.value)} stands here a second time",
                    key_node.start_mark,
                )
            seen.add(key_node.value)
        pairs = [(key.value, self.construct_object(value, deep=deep)) for key, value in node.value]
        return dict(pairs)

    def text(self, node: yaml.ScalarNode) -> str:
        """The scalar, with JSON's pairs of surrogate escapes joined into one character."""
        value = str(self.construct_scalar(node))
        if value.isascii():
            return value
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")

    def decimal(self, node: yaml.ScalarNode) -> Decimal:
        return Decimal(str(self.construct_scalar(node)))


for _tag, _pattern, _first in (
    ("null", r"(~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
    ("bool", r"(true|True|TRUE|false|False|FALSE)\Z", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]{0,17})\Z", list("-+0123456789")),
    ("float", r"[-+]?[0-9]{1,18}\.[0-9]{1,18}\Z", list("-+0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.decimal)
_Loader.add_constructor("tag:yaml.org,2002:str", _Loader.text)

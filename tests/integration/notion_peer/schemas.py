"""Holds requests, answers and webhook events to the types of the official SDK."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

_FILE = Path(__file__).with_name("schemas.json")


@cache
def _written() -> dict[str, Any]:
    return dict(json.loads(_FILE.read_text(encoding="utf-8")))


@cache
def _validator(group: str, name: str) -> jsonschema_rs.Validator:
    written = _written()
    return jsonschema_rs.validator_for(
        {"$ref": written[group][name], "definitions": written["definitions"]}
    )


def problem(group: str, name: str, value: Any) -> str | None:
    """What is wrong with a value of that name, told by its nearest type; None where nothing is."""
    validator = _validator(group, name)
    if validator.is_valid(value):
        return None
    path, text = max(_leaves(validator.iter_errors(value)), key=lambda leaf: len(leaf[0]))
    return f"{'.'.join(str(part) for part in path) or name}: {text[:300]}"


def _leaves(errors: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The innermost complaints: of a union, those of the branch that was meant most likely."""
    for error in errors:
        branches = getattr(error.kind, "context", None)
        if not branches:
            yield tuple(error.instance_path), error.message
            continue
        near = min(branches, key=lambda branch: (_foreign(branch), len(branch)))
        if any(map(_deep(error), near)):
            yield from _leaves(near)
        else:
            yield tuple(error.instance_path), f"{error.message} ({near[0].message})"


def _foreign(branch: Any) -> int:
    return sum("required property" in error.message for error in branch)


def _deep(error: Any) -> Any:
    return lambda inner: len(inner.instance_path) > len(error.instance_path)

"""Parses a brief as people and machines write it, and writes one back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from spotloom.creative.brief import Brief, Priority
from spotloom.creative.dimensions import ANY, Vocabulary
from spotloom.creative.pricing import dollars
from spotloom.creative.rules import Condition
from spotloom.errors import BriefError, Problem
from spotloom.forms.choices import read_animation_style, read_choices, read_exclude
from spotloom.forms.order import Order, read_order
from spotloom.forms.problems import Problems, did_you_mean, field_name, kind, listed, quoted
from spotloom.providers.provider import Capability

# The texts of a brief: key in a file, field of the Brief, most characters.
_TEXTS = (
    ("brand", "brand", 80),
    ("bigIdea", "big_idea", 600),
    ("visualMessaging", "visual_messaging", 1000),
    ("audioMessaging", "audio_messaging", 1000),
    ("productCategory", "product_category", 120),
    ("heroVoDescription", "hero_vo_description", 400),
    ("callToAction", "call_to_action", 120),
    ("landingUrl", "landing_url", 500),
)
_REQUIRED = ("brand", "bigIdea")
_KEYS = (
    *(key for key, _, _ in _TEXTS),
    *("dimensions", "animationStyle", "model", "duration", "aspectRatio"),
    *("loop", "priority", "budget", "exclude"),
)
_LARGEST_BUDGET = Decimal(10_000_000)
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MONEY = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?", re.ASCII)


def parse_brief(data: object, *, vocabulary: Vocabulary, offers: Sequence[Capability]) -> Brief:
    """The brief that this data describes; BriefError with every problem in it.

    `offers` are the models to choose from, the default first.
    """
    if not isinstance(data, Mapping):
        raise BriefError([Problem("brief", f"must be a mapping of keys, but is {kind(data)}.")])
    problems = Problems()
    read, order = _read(data, vocabulary, offers, problems)
    if order is None or problems.found:
        raise problems.error()
    return Brief(
        **read,
        model=order.model,
        duration=order.duration,
        aspect_ratio=order.aspect_ratio,
        size=order.size,
        loop=order.loop,
    )


def read_draft(
    data: object, *, vocabulary: Vocabulary, offers: Sequence[Capability]
) -> tuple[dict[str, Any], list[Problem]]:
    """What can be read of a brief, as `brief_to_data` writes it, and all that is wrong with it."""
    if not isinstance(data, Mapping):
        raise BriefError([Problem("brief", f"must be a mapping of keys, but is {kind(data)}.")])
    problems = Problems()
    read, order = _read(data, vocabulary, offers, problems)
    return _written(read, order), problems.found


def brief_to_data(brief: Brief) -> dict[str, Any]:
    """The brief as `parse_brief` reads it, in plain JSON values; what is empty is left out."""
    read = {field.name: getattr(brief, field.name) for field in fields(Brief)}
    return _written(read, brief)


def _read(
    data: Mapping[object, object],
    vocabulary: Vocabulary,
    offers: Sequence[Capability],
    problems: Problems,
) -> tuple[dict[str, Any], Order | None]:
    """The fields of a Brief that are no matter of the model, and the order of the model."""
    texts = {field: _text(data, key, longest, problems) for key, field, longest in _TEXTS}
    _check_address(texts["landing_url"], problems)
    choices = read_choices(data.get("dimensions"), vocabulary, problems)
    style = read_animation_style(data.get("animationStyle"), vocabulary, problems)
    order = read_order(data, offers, problems)
    read = {
        **texts,
        "choices": choices,
        "animation_style": style,
        "priority": _priority(data.get("priority"), problems),
        "budget": _budget(data.get("budget"), problems),
        "exclude": read_exclude(data.get("exclude"), vocabulary, problems),
    }
    _unknown_keys(data, vocabulary, problems)
    return read, order


def _written(read: Mapping[str, Any], order: Order | Brief | None) -> dict[str, Any]:
    texts = {key: read[field] for key, field, _ in _TEXTS}
    exclude = [
        {key: list(options) for key, options in entry.terms}
        if isinstance(entry, Condition)
        else entry
        for entry in read["exclude"]
    ]
    optional = {
        "animationStyle": read["animation_style"],
        "budget": None if read["budget"] is None else str(read["budget"]),
        "exclude": exclude,
    }
    ordered = {}
    if order is not None:
        ordered = {
            "model": order.model,
            "duration": int(order.duration),
            "aspectRatio": str(order.aspect_ratio),
            "loop": order.loop,
        }
    return {
        **{key: text for key, text in texts.items() if text},
        "dimensions": {key: list(chosen) for key, chosen in read["choices"] if chosen != (ANY,)},
        **ordered,
        "priority": str(read["priority"]),
        **{key: value for key, value in optional.items() if value},
    }


def _text(data: Mapping[object, object], key: str, longest: int, problems: Problems) -> str:
    value = data.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # a brand such as 1984, which YAML takes for a number
    if value is not None and not isinstance(value, str):
        problems.add(key, f"must be a text, but is {kind(value)}.")
        return ""
    text = (value or "").strip()
    if not text and key in _REQUIRED:
        problems.add(key, "is missing; every brief needs one.")
    if len(text) > longest:
        problems.add(key, f"has {len(text):,} characters; {longest:,} are allowed.")
    if found := _UNSAFE.search(text):
        problems.add(key, f"holds the unusable character U+{ord(found[0]):04X}; take it out.")
    return text


def _check_address(url: str, problems: Problems) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        usable = usable and parts.username is None and parts.port != 0
    except ValueError:
        usable = False
    if url and (not usable or any(c.isspace() for c in url)):
        message = f"{quoted(url)} is not a web address such as https://example.com/new."
        problems.add("landingUrl", message)


def _priority(written: object, problems: Problems) -> Priority:
    if written is None or written == "":
        return Priority.NORMAL
    if isinstance(written, str) and written in tuple(Priority):
        return Priority(written)
    hint = did_you_mean(written, Priority)
    problems.add("priority", f"{quoted(written)} is unknown.{hint} Allowed: {listed(Priority)}.")
    return Priority.NORMAL


def _budget(written: object, problems: Problems) -> Decimal | None:
    if written is None or written == "":
        return None
    text = format(written, "f") if isinstance(written, float | Decimal) else str(written).strip()
    if isinstance(written, bool) or not _MONEY.fullmatch(text):
        message = f"must be an amount in US dollars such as 500 or 99.50, but is {quoted(written)}."
        problems.add("budget", message)
        return None
    amount = Decimal(text)
    if amount < 0:
        problems.add("budget", f"{dollars(amount)} is below zero.")
    if amount > _LARGEST_BUDGET:
        problems.add("budget", f"{dollars(amount)} is above {dollars(_LARGEST_BUDGET)}, the most.")
    if amount != round(amount, 2):
        problems.add("budget", f"{text} has more than two decimals.")
    return round(amount, 2)


def _unknown_keys(
    data: Mapping[object, object], vocabulary: Vocabulary, problems: Problems
) -> None:
    dimensions = [dimension.key for dimension in vocabulary.dimensions]
    for key in data:
        if problems.full:
            break
        if key in dimensions:
            problems.add(str(key), f"belongs under `dimensions`, as dimensions.{key}.")
        elif key not in _KEYS:
            hint = did_you_mean(key, (*_KEYS, *dimensions))
            known = listed(_KEYS, last="and")
            problems.add(field_name(key), f"is not a key of a brief.{hint} Known: {known}.")

"""The vocabulary of a brief: the dimensions, their options, and the rules between them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from spotloom.creative.rules import Condition, Effect, Rule
from spotloom.errors import BriefError, Problem

ANY = "any"  # the option of an optional dimension in which nothing was chosen

_DIMENSION_KEY = re.compile(r"[a-z][A-Za-z0-9]{0,39}")
_OPTION_KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_KEY = 40
_LONGEST_TEXT = 400


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a dimension, and the direction it gives the video model."""

    key: str
    label: str
    help: str
    direction: str


@dataclass(frozen=True, slots=True)
class Dimension:
    """One of the choices that a brief multiplies."""

    key: str
    label: str
    required: bool
    options: tuple[Option, ...]

    def option(self, key: str) -> Option:
        """The option of that key; KeyError when there is none."""
        for option in self.options:
            if option.key == key:
                return option
        raise KeyError(key)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything a brief can choose from, in the order of the table."""

    dimensions: tuple[Dimension, ...]
    animation_styles: tuple[Option, ...]
    rules: tuple[Rule, ...]

    def dimension(self, key: str) -> Dimension:
        """The dimension of that key; KeyError when there is none."""
        for dimension in self.dimensions:
            if dimension.key == key:
                return dimension
        raise KeyError(key)

    def animation_style(self, key: str) -> Option:
        """The animation style of that key; KeyError when there is none."""
        for style in self.animation_styles:
            if style.key == key:
                return style
        raise KeyError(key)

    @classmethod
    def from_mapping(cls, data: object) -> Self:
        """The vocabulary written as plain mappings; BriefError with every wrong path."""
        reading = _Reading()
        top = reading.mapping(data, "vocabulary", known=("dimensions", "animationStyles", "rules"))
        dimensions = tuple(reading.dimensions(top.get("dimensions", {})))
        styles = tuple(reading.options(top.get("animationStyles", {}), "animationStyles"))
        reading.directions([*(o for d in dimensions for o in d.options), *styles])
        rules = tuple(reading.rules(top.get("rules", {}), dimensions))
        if reading.problems:
            raise BriefError(reading.problems)
        return cls(dimensions, styles, rules)


class _Reading:
    """Reads the mappings once and keeps what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def wrong(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

    def mapping(self, data: object, path: str, *, known: tuple[str, ...] = ()) -> dict[str, object]:
        if not isinstance(data, Mapping):
            self.wrong(path, "must be a mapping of keys to values.")
            return {}
        for key in data:
            if known and key not in known:
                self.wrong(f"{path}.{key}", f"is unknown; {', '.join(known)} are known.")
        return {str(key): value for key, value in data.items()}

    def text(self, data: Mapping[str, object], key: str, path: str, *, blank: bool = False) -> str:
        value = data.get(key, "" if blank else None)
        if not isinstance(value, str) or not (blank or value.strip()):
            self.wrong(f"{path}.{key}", "must be a text.")
            return ""
        if len(value) > _LONGEST_TEXT:
            self.wrong(f"{path}.{key}", f"has {len(value)} characters; {_LONGEST_TEXT} at most.")
        return " ".join(value.split())

    def dimensions(self, data: object) -> Iterator[Dimension]:
        written = self.mapping(data, "dimensions")
        if not written:
            self.wrong("dimensions", "must name at least one dimension.")
        for key, value in written.items():
            path = f"dimensions.{key}"
            if not _DIMENSION_KEY.fullmatch(key):
                self.wrong(path, "must be written in camelCase letters and digits, 40 at most.")
            body = self.mapping(value, path, known=("label", "required", "options"))
            required = body.get("required", False)
            if not isinstance(required, bool):
                self.wrong(f"{path}.required", "must be true or false.")
            options = tuple(self.options(body.get("options", {}), f"{path}.options"))
            if not options:
                self.wrong(f"{path}.options", "must name at least one option.")
            elif required is False and ANY not in {o.key for o in options}:
                self.wrong(f"{path}.options", f"must hold `{ANY}`, as the dimension is optional.")
            label = self.text(body, "label", path)
            yield Dimension(key, label, required is True, options)

    def options(self, data: object, path: str) -> Iterator[Option]:
        for key, value in self.mapping(data, path).items():
            here = f"{path}.{key}"
            if not _OPTION_KEY.fullmatch(key) or len(key) > _LONGEST_KEY:
                self.wrong(here, "must be lower-case words joined by hyphens, 40 letters at most.")
            body = self.mapping(value, here, known=("label", "help", "direction"))
            yield Option(
                key,
                label=self.text(body, "label", here),
                help=self.text(body, "help", here),
                direction=self.text(body, "direction", here, blank=key == ANY),
            )

    def directions(self, options: Iterable[Option]) -> None:
        """Two options with one direction would ask for the same video twice."""
        seen: dict[str, str] = {}
        for option in options:
            first = seen.setdefault(option.direction.casefold(), option.key)
            if option.direction and first != option.key:
                self.wrong(
                    option.key, f"has the direction of {first}; each option needs one of its own."
                )

    def rules(self, data: object, dimensions: tuple[Dimension, ...]) -> Iterator[Rule]:
        for key, value in self.mapping(data, "rules").items():
            path = f"rules.{key}"
            body = self.mapping(value, path, known=("effect", "when", "reason"))
            effect = body.get("effect")
            if effect not in tuple(Effect):
                self.wrong(f"{path}.effect", f"must be {' or '.join(Effect)}.")
                continue
            when = self.condition(body.get("when", {}), f"{path}.when", dimensions)
            yield Rule(key, Effect(str(effect)), when, self.text(body, "reason", path))

    def condition(self, data: object, path: str, dimensions: tuple[Dimension, ...]) -> Condition:
        written = self.mapping(data, path, known=tuple(d.key for d in dimensions))
        if not written:
            self.wrong(path, "must name at least one dimension.")
        terms = []
        for dimension in dimensions:
            if dimension.key in written:
                keys = self.keys(written[dimension.key], f"{path}.{dimension.key}", dimension)
                terms.append((dimension.key, keys))
        return Condition(tuple(terms))

    def keys(self, data: object, path: str, dimension: Dimension) -> tuple[str, ...]:
        if not isinstance(data, list) or not data:
            self.wrong(path, "must be a list of options.")
            return ()
        known = [option.key for option in dimension.options]
        for key in data:
            if key not in known:
                self.wrong(path, f"{key!r} is unknown; {', '.join(known)} are known.")
        return tuple(key for key in known if key in data)

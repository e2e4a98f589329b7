"""Collects what is wrong with a brief, in words that name the value and the way out."""

import difflib
from collections.abc import Iterable, Sequence

from spotloom.errors import BriefError, Problem

_MOST_PROBLEMS = 50
_LONGEST_QUOTE = 40


class Problems:
    """Every problem found so far, in the order of the fields."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    @property
    def full(self) -> bool:
        """Whether nobody would read more of them; ends the loops over what strangers wrote."""
        return len(self.found) >= _MOST_PROBLEMS

    def add(self, field: str, message: str) -> None:
        if not self.full:
            self.found.append(Problem(field, message))

    def error(self) -> BriefError:
        """Everything found, as one error."""
        more = Problem("brief", f"may hold more problems; these are the first {_MOST_PROBLEMS}.")
        return BriefError([*self.found, more] if self.full else self.found)


def quoted(value: object) -> str:
    """The value as a message can show it: short, on one line, in plain characters."""
    text = value if isinstance(value, str) else str(value)
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"“{line[: _LONGEST_QUOTE - 1]}…”" if len(line) > _LONGEST_QUOTE else f"“{line}”"


def field_name(key: object) -> str:
    """The key as a field's path can hold it: as it is when it is a plain word."""
    plain = isinstance(key, str) and key.isidentifier() and len(key) <= _LONGEST_QUOTE
    return str(key) if plain else quoted(key)


def kind(value: object) -> str:
    """What sort of value this is, in a marketer's words."""
    match value:
        case None:
            return "empty"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case Sequence():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return f"the number {quoted(value)[1:-1]}"


def listed(words: Iterable[object], *, last: str = "or") -> str:
    """The words as a sentence lists them: `4, 8 or 12`."""
    *first, end = [str(word) for word in words]
    return f"{', '.join(first)} {last} {end}" if first else end


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """A sentence that offers the nearest known word, or nothing."""
    plain = {_plain(name): name for name in known}
    near = difflib.get_close_matches(_plain(str(word)[:60]), plain, n=1, cutoff=0.6)
    return f" Did you mean {plain[near[0]]}?" if near else ""


def _plain(word: str) -> str:
    return "".join(c for c in word.lower() if c.isalnum())

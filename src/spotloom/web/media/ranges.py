"""Which bytes of a file a request is for (RFC 9110, section 14)."""

import re
from dataclasses import dataclass

_ONE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `start` up to, not with, `end`."""

    start: int
    end: int


class Unsatisfiable(Exception):
    """No byte of the file is in the range."""


def span_of(asked: str | None, size: int) -> Span | None:
    """The one range asked for; None for the whole file, also where the header says nothing usable.

    Several ranges at once are answered with the whole file, as the standard allows.
    """
    found = None if asked is None else _ONE.fullmatch(asked)
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), size if not last else min(size, int(last) + 1)
        if last and int(last) < int(first):
            return None
    if start >= size or start >= end:
        raise Unsatisfiable
    return Span(start, end)

"""Pages, and the cursors that name where one ended."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from spotloom.errors import BriefError, Problem

LONGEST = 200  # rows on a page
_CURSOR_CHARACTERS = 500

T = TypeVar("T")
R = TypeVar("R")


class BadCursor(BriefError):
    """The cursor is none that this list, in this order, has given out."""

    def __init__(self) -> None:
        super().__init__(
            [
                Problem(
                    "cursor",
                    "is not one that this list gave out in this order; "
                    "leave it away to begin with the first page.",
                )
            ]
        )


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, and where the next ones begin; None after the last."""

    rows: tuple[T, ...]
    next: str | None


def write(*parts: str) -> str:
    """The cursor that carries these words."""
    # Not escaped: a brand's 80 characters of any script fit into a cursor.
    text = json.dumps(parts, ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(cursor: str, *begin: str) -> list[str]:
    """What the cursor carries after the words it must begin with; BadCursor when it does not."""
    try:
        if len(cursor) > _CURSOR_CHARACTERS:
            raise BadCursor
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise BadCursor from error
    words = isinstance(parts, list) and all(_is_text(part) for part in parts)
    if not words or parts[: len(begin)] != list(begin):
        raise BadCursor
    return list(parts[len(begin) :])


def _is_text(part: object) -> bool:
    """Whether it is text that a database can hold: no NUL, no half of a character."""
    if not isinstance(part, str) or "\0" in part:
        return False
    try:
        part.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_id(cursor: str, *begin: str) -> UUID:
    """The one id that such a cursor carries."""
    try:
        (word,) = read(cursor, *begin)
        return UUID(word)
    except ValueError as error:
        raise BadCursor from error


def bounded(limit: int) -> int:
    """The page's size, within what a page may hold."""
    return max(1, min(limit, LONGEST))


def cut(
    rows: Sequence[R], limit: int, *, told: Callable[[R], T], end: Callable[[R], str]
) -> Page[T]:
    """The page from its rows and, where there are more, the one after the last."""
    here = rows[:limit]
    return Page(tuple(told(row) for row in here), end(here[-1]) if len(rows) > limit else None)

"""Reads which videos of a campaign are meant, by their positions: `0-40,57`."""

import re
from typing import Annotated

from fastapi import Depends, Query

from spotloom.errors import NotFound, Problem
from spotloom.web.errors import invalid

LONGEST = 6000  # characters: 1,000 positions that have nothing between them in common
_RANGES = re.compile(r"[0-9]{1,6}(-[0-9]{1,6})?(,[0-9]{1,6}(-[0-9]{1,6})?)*")


class Positions:
    """Some positions, as ranges; both ends of each are meant."""

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        self._ranges = ranges

    def among(self, count: int) -> set[int]:
        """The positions; NotFound for one that a campaign of so many videos has not."""
        last = max(end for _, end in self._ranges)
        if last >= count:
            raise NotFound(
                f"The campaign has no video at position {last}; they go from 0 to {count - 1}."
            )
        return {place for first, end in self._ranges for place in range(first, end + 1)}


def _positions(
    at: Annotated[
        str | None,
        Query(
            description="Positions of combinations, from 0, and ranges of them, such as `0-40,57`: "
            "hundreds fit into an address. Beside `key`, the videos of both.",
            examples=["0-40,57"],
        ),
    ] = None,
) -> Positions | None:
    """The positions that the query names; None without any."""
    if at is None:
        return None
    if len(at) > LONGEST:
        raise _wrong(f"has {len(at):,} characters; {LONGEST:,} do.")
    if _RANGES.fullmatch(at) is None:
        raise _wrong("must be positions and ranges of them, such as 0-40,57.")
    ranges = [_range(each) for each in at.split(",")]
    for first, end in ranges:
        if end < first:
            raise _wrong(f"has a range that ends before it begins: {first}-{end}.")
    return Positions(ranges)


def _range(written: str) -> tuple[int, int]:
    first, _, end = written.partition("-")
    return int(first), int(end or first)


def _wrong(message: str) -> Exception:
    return invalid([Problem("at", message)])


At = Annotated[Positions | None, Depends(_positions)]

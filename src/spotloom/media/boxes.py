"""Reads the outermost layout of an MP4 file: enough to see that its end is missing."""

import os
from pathlib import Path
from typing import BinaryIO

from spotloom.media.inspected import BadFile

MOST_BOXES = 10_000
NEEDED = {"ftyp": "type", "moov": "index", "mdat": "picture data"}


def check_whole(path: Path) -> None:
    """BadFile unless every outer box is complete and the index is there."""
    kinds: set[str] = set()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        at = 0
        for _ in range(MOST_BOXES):
            if at >= size:
                break
            found = _box(file, at, left=size - at)
            if found is None:
                if NEEDED.keys() <= kinds:
                    return  # padding after the last box; players do not mind it
                raise BadFile(f"The file is damaged: there is no box at byte {at:,}.")
            kind, length = found
            if length > size - at:
                raise BadFile(
                    f"The file is cut: its {kind} box at byte {at:,} is {length:,} bytes long, "
                    f"and the file ends {length - (size - at):,} bytes early."
                )
            kinds.add(kind)
            at += length
    for needed, what in NEEDED.items():
        if needed not in kinds:
            raise BadFile(f"The file is no whole MP4: its {what} ({needed} box) is missing.")


def _box(file: BinaryIO, at: int, *, left: int) -> tuple[str, int] | None:
    """The kind and whole length of the box that begins there; None when none does."""
    file.seek(at)
    head = file.read(16)
    length, kind = int.from_bytes(head[:4]), head[4:8].decode("latin-1")
    if len(head) < 8 or not kind.isprintable():
        return None
    if length == 0:  # "up to the end of the file"
        return kind, left
    if length == 1:
        length = int.from_bytes(head[8:16])
    return (kind, length) if length >= 8 else None

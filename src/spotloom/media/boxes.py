"""Reads the outermost layout of an MP4 file: enough to see that its end is missing."""

import os
from pathlib import Path
from typing import BinaryIO

from spotloom.media.inspected import BadFile

MOST_BOXES = 10_000


def check_whole(path: Path) -> None:
    """BadFile unless every outer box is complete and the index is there."""
    kinds = set()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        at = 0
        for _ in range(MOST_BOXES):
            if at >= size:
                break
            kind, length = _box(file, at, left=size - at)
            if length > size - at:
                raise BadFile(
                    f"The file is cut: its {kind} box at byte {at:,} is {length:,} bytes long, "
                    f"and the file ends {length - (size - at):,} bytes early."
                )
            kinds.add(kind)
            at += length
    for needed, what in (("ftyp", "type"), ("moov", "index"), ("mdat", "picture data")):
        if needed not in kinds:
            raise BadFile(f"The file is no whole MP4: its {what} ({needed} box) is missing.")


def _box(file: BinaryIO, at: int, *, left: int) -> tuple[str, int]:
    """The kind of the box that begins there, and its whole length."""
    file.seek(at)
    head = file.read(16)
    length, kind = int.from_bytes(head[:4]), head[4:8].decode("latin-1")
    if length == 0:  # "up to the end of the file"
        return kind, left
    if length == 1:
        length = int.from_bytes(head[8:16])
    if length < 8 or len(head) < 8 or not kind.isprintable():
        raise BadFile(f"The file is damaged: there is no box at byte {at:,}, but {head!r}.")
    return kind, length

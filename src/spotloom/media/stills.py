"""Draws the poster and the hover sprite from the frames that the probe decodes anyway."""

from pathlib import Path

import av
import numpy as np
from PIL import Image

from spotloom.media.disk import on_disk
from spotloom.media.inspected import Inspected
from spotloom.media.probe import probe

COLUMNS = ROWS = 5
CELLS = COLUMNS * ROWS
CELL_SIDE = 160
POSTER_SIDE = 720
QUALITY = 80
SAMPLES = 2 * CELLS  # kept at least, so that a cell is never more than half a step off
BETTER = 1.05  # a later frame must be this much richer to replace an earlier poster


def inspect(path: Path, folder: Path) -> Inspected:
    """Measure the file and write `poster.webp` and `sprite.webp` into the folder."""
    drawer = _Drawer()
    measured = probe(path, drawer)
    poster, sprite = folder / "poster.webp", folder / "sprite.webp"
    with on_disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _save(drawer.poster(), poster)
        _save(drawer.sprite(), sprite)
    return Inspected(path, measured, poster, sprite)


class _Drawer:
    """Keeps a bounded, evenly spaced choice of small pictures, and the richest frame."""

    def __init__(self) -> None:
        self._seen = 0
        self._every = 1
        self._samples: list[Image.Image] = []
        self._poster: Image.Image | None = None
        self._richness = 0.0

    def see(self, frame: av.VideoFrame) -> None:
        index = self._seen
        self._seen += 1
        if index % self._every:
            return
        if len(self._samples) == 2 * SAMPLES:
            # The file's own word on its length is not trusted: thin out as it grows.
            self._samples = self._samples[::2]
            self._every *= 2
            if index % self._every:
                return
        small = _picture(frame, CELL_SIDE, enlarge=True)
        self._samples.append(small)
        richness = float(np.asarray(small.convert("L")).std())
        if self._poster is None or richness > self._richness * BETTER:
            self._poster = _picture(frame, POSTER_SIDE, enlarge=False)
            self._richness = richness

    def poster(self) -> Image.Image:
        if self._poster is None:
            raise ValueError("No frame was seen.")
        return self._poster

    def sprite(self) -> Image.Image:
        width, height = self._samples[0].size
        sheet = Image.new("RGB", (COLUMNS * width, ROWS * height))
        for cell in range(CELLS):
            # The middle of each of the 25 stretches; with fewer frames they repeat.
            frame = (2 * cell + 1) * self._seen // (2 * CELLS)
            sample = self._samples[min(frame // self._every, len(self._samples) - 1)]
            row, column = divmod(cell, COLUMNS)
            sheet.paste(sample.resize((width, height)), (column * width, row * height))
        return sheet


def _picture(frame: av.VideoFrame, side: int, *, enlarge: bool) -> Image.Image:
    scale = side / max(frame.width, frame.height)
    if scale > 1 and not enlarge:
        scale = 1.0
    small = frame.reformat(
        width=max(1, round(frame.width * scale)),
        height=max(1, round(frame.height * scale)),
        format="rgb24",
        interpolation="AREA" if scale < 1 else "BICUBIC",
        threads=1,
    )
    picture = Image.fromarray(small.to_ndarray())
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture


def _save(picture: Image.Image, path: Path) -> None:
    part = path.with_name(path.name + ".part")
    picture.save(part, "WEBP", quality=QUALITY, method=4)
    part.replace(path)


__all__ = ["Inspected", "inspect"]

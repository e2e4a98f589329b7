"""Pictures become a film: layers in YUV planes, blended frame by frame and written as an MP4."""

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

FPS = 24
RATE = 48_000
OPAQUE = 256

Plane = NDArray[np.uint8]
Wide = NDArray[np.uint16]

_BLACK = np.array([16.5, 128.5, 128.5], np.float32)  # the half rounds
# BT.709, limited range: what players assume of HD.
_MATRIX = np.array(
    [
        [0.2126 * 219, 0.7152 * 219, 0.0722 * 219],
        [-0.1146 * 224, -0.3854 * 224, 0.5 * 224],
        [0.5 * 224, -0.4542 * 224, -0.0458 * 224],
    ],
    dtype=np.float32,
) / np.float32(255)


@dataclass(frozen=True, slots=True)
class Box:
    """A region of the picture in even pixels: left, top, right, bottom."""

    left: int
    top: int
    right: int
    bottom: int


class Canvas:
    """One frame's planes, to be painted back to front."""

    def __init__(self, width: int, height: int) -> None:
        self.frame = av.VideoFrame(width, height, "yuv420p")
        self.box = Box(0, 0, width, height)
        self.planes = tuple(
            np.frombuffer(p, np.uint8).reshape(-1, p.line_size)[: p.height, : p.width]  # type: ignore[call-overload]  # a Plane is a buffer; the stubs do not say so
            for p in self.frame.planes
        )


class Layer:
    """A drawn picture, RGB or RGBA, ready to be laid on a canvas at any whole position."""

    def __init__(self, picture: Image.Image) -> None:
        pixels = np.asarray(picture)
        self.height, self.width = pixels.shape[:2]
        self.opaque = picture.mode == "RGB"
        luma, *self._colours = _in_yuv(pixels)
        alpha = pixels[..., -1]
        # 0..256, so that a shift by 8 divides.
        keep = None if self.opaque else (OPAQUE - alpha.astype(np.uint16) - (alpha > 127))
        self._luma = _Part.of(luma, keep)
        self._chroma: dict[tuple[int, int], tuple[_Part, _Part]] = {}

    def lay(
        self, canvas: Canvas, x: int, y: int, *, opacity: int = OPAQUE, clip: Box | None = None
    ) -> None:
        """Paint the layer with its corner at (x, y), inside `clip`."""
        clip = clip or canvas.box
        left, top = max(x, clip.left, 0), max(y, clip.top, 0)
        right = min(x + self.width, clip.right, canvas.box.right)
        bottom = min(y + self.height, clip.bottom, canvas.box.bottom)
        if left >= right or top >= bottom or opacity <= 0:
            return
        self._luma.paint(canvas.planes[0], Box(left, top, right, bottom), (x, y), opacity)
        odd = (x & 1, y & 1)
        half = Box(left // 2, top // 2, (right + 1) // 2, (bottom + 1) // 2)
        corner = ((x - odd[0]) // 2, (y - odd[1]) // 2)
        for plane, part in zip(canvas.planes[1:], self._halved(*odd), strict=True):
            part.paint(plane, half, corner, opacity)

    def _halved(self, odd_x: int, odd_y: int) -> tuple["_Part", "_Part"]:
        """The two chroma planes for a corner on even or odd pixels."""
        key = (odd_x, odd_y)
        if key not in self._chroma:
            pad = ((odd_y, (self.height + odd_y) % 2), (odd_x, (self.width + odd_x) % 2))
            colours = [np.pad(colour, pad, mode="edge") for colour in self._colours]
            if self._luma.keep is None:
                parts = [_Part(_fourth(c), None) for c in colours]
            else:
                alpha = OPAQUE - np.pad(self._luma.keep, pad, constant_values=OPAQUE)
                weight, keep = np.maximum(_sum(alpha), 1), OPAQUE - (_sum(alpha) >> 2)
                means = [_sum(c.astype(np.uint32) * alpha) // weight for c in colours]
                parts = [_Part.of(m.astype(np.uint8), keep.astype(np.uint16)) for m in means]
            self._chroma[key] = (parts[0], parts[1])
        return self._chroma[key]


@dataclass(frozen=True, slots=True)
class _Part:
    """One plane of a layer: its values, times their alpha where it has one."""

    colour: Plane | Wide
    keep: Wide | None  # how much stays of what is below, of 256; None where nothing does

    @classmethod
    def of(cls, value: Plane, keep: Wide | None) -> Self:
        if keep is None:
            return cls(value, None)
        colour = value.astype(np.uint16) * (OPAQUE - keep)
        colour += (keep < OPAQUE) * np.uint16(127)  # rounds the shift
        return cls(colour, keep)

    def paint(self, plane: Plane, region: Box, corner: tuple[int, int], opacity: int) -> None:
        """Blend the part that falls into the region; `corner` is where the layer begins."""
        high, wide = self.colour.shape
        rows = slice(region.top - corner[1], min(region.bottom - corner[1], high))
        columns = slice(region.left - corner[0], min(region.right - corner[0], wide))
        colour: NDArray[Any] = self.colour[rows, columns]
        keep: NDArray[Any] | int
        under = plane[region.top :, region.left :][: colour.shape[0], : colour.shape[1]]
        if self.keep is None and opacity >= OPAQUE:
            under[...] = colour
            return
        if self.keep is None:
            colour, keep = colour.astype(np.uint16) * np.uint16(opacity), OPAQUE - opacity
        else:
            keep = self.keep[rows, columns]
            if opacity < OPAQUE:
                colour = (colour >> 8) * np.uint16(opacity)
                keep = OPAQUE - ((OPAQUE - keep) * np.uint16(opacity) >> 8)
        mixed = np.multiply(under, keep, dtype=np.uint16, casting="unsafe")
        mixed += colour
        np.right_shift(mixed, 8, out=under, casting="unsafe")


def _in_yuv(pixels: Plane) -> tuple[Plane, Plane, Plane]:
    """The picture's three planes, made a band at a time so that little memory is in use."""
    planes = tuple(np.empty(pixels.shape[:2], np.uint8) for _ in range(3))
    for top in range(0, pixels.shape[0], 128):
        band = pixels[top : top + 128, :, :3].astype(np.float32) @ _MATRIX.T
        band += _BLACK
        for channel, plane in enumerate(planes):
            plane[top : top + 128] = band[..., channel]
    return planes[0], planes[1], planes[2]


def _sum(values: NDArray[np.uint16] | NDArray[np.uint32]) -> NDArray[np.uint32]:
    rows = values[0::2].astype(np.uint32) + values[1::2]
    return rows[:, 0::2] + rows[:, 1::2]


def _fourth(values: Plane) -> Plane:
    return (_sum(values.astype(np.uint16)) >> 2).astype(np.uint8)


def write(
    path: Path,
    frames: Iterable[Canvas],
    sound: NDArray[np.float32],
    *,
    size: tuple[int, int],
    title: str,
    comment: str,
) -> None:
    """A finished MP4 at `path`, whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    partial = Path(name)
    try:
        _mux(partial, frames, sound, size=size, tags={"title": title, "comment": comment})
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _mux(
    path: Path,
    frames: Iterable[Canvas],
    sound: NDArray[np.float32],
    *,
    size: tuple[int, int],
    tags: dict[str, str],
) -> None:
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        container.metadata.update(tags)
        video = container.add_stream("libx264", rate=FPS)
        width, height = video.width, video.height = size
        video.pix_fmt = "yuv420p"
        video.codec_context.thread_count = 1
        video.codec_context.gop_size = FPS * 4
        video.codec_context.color_range = 1
        video.codec_context.colorspace = 1
        video.codec_context.color_primaries = 1
        video.codec_context.color_trc = 1
        # The ceiling holds 10 s of 720x1280 under 1 MB whatever moves; most films need far less.
        rate = max(300, width * height * 720 // (720 * 1280))
        # A short lookahead and two plain B-frames: 50 MB and 0.9 CPU seconds less per film than
        # `veryfast` takes, at the same size.
        video.options = {
            "preset": "superfast",
            "crf": "23",
            "maxrate": f"{rate}k",
            "bufsize": f"{rate}k",
            "x264-params": "rc-lookahead=4:mbtree=1:bframes=2:b-adapt=0:b-pyramid=0:ref=1"
            ":weightp=0:sync-lookahead=0",
        }
        audio = container.add_stream("aac", rate=RATE, layout="stereo")
        audio.bit_rate = 72_000
        samples = iter(_audio(sound))
        for number, canvas in enumerate(frames):
            canvas.frame.pts = number
            container.mux(video.encode(canvas.frame))
            due = (number + 1) * RATE // FPS
            for block in samples:
                container.mux(audio.encode(block))
                if block.pts is None or block.pts >= due:
                    break
        for block in samples:
            container.mux(audio.encode(block))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def _audio(sound: NDArray[np.float32]) -> Iterable[av.AudioFrame]:
    for start in range(0, sound.shape[1], 1024):
        block = np.ascontiguousarray(sound[:, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
        frame.sample_rate = RATE
        frame.pts = start
        yield frame

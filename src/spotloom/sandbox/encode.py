"""Pictures become a film: layers in YUV planes, blended frame by frame and written as an MP4."""

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

FPS = 24
RATE = 48_000
OPAQUE = 256

Plane = NDArray[np.uint8]
Wide = NDArray[np.uint16]

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
    """A drawn picture, ready to be laid on a canvas at any whole position."""

    def __init__(self, picture: Image.Image) -> None:
        rgba = np.asarray(picture.convert("RGBA"))
        self.height, self.width = rgba.shape[:2]
        alpha = rgba[..., 3]
        self.opaque = bool(alpha.min() == 255)
        rgb = rgba[..., :3].astype(np.float32)
        yuv = rgb @ _MATRIX.T
        yuv += np.array([16.5, 128.5, 128.5], np.float32)  # the half rounds
        self._yuv = yuv.astype(np.uint8)
        self._alpha = alpha.astype(np.uint16) + (alpha > 127)  # 0..256, so that >> 8 divides
        self._luma = _premultiplied(self._yuv[..., 0], self._alpha)
        self._chroma: dict[tuple[int, int], list[tuple[Wide, Wide]]] = {}

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
        self._paint(canvas.planes[0], self._luma, (left, top, right, bottom), (x, y), opacity)
        odd_x, odd_y = x & 1, y & 1
        half = (left // 2, top // 2, (right + 1) // 2, (bottom + 1) // 2)
        corner = ((x - odd_x) // 2, (y - odd_y) // 2)
        for plane, part in zip(canvas.planes[1:], self._halved(odd_x, odd_y), strict=True):
            self._paint(plane, part, half, corner, opacity)

    def _paint(
        self,
        plane: Plane,
        part: tuple[Wide, Wide],
        region: tuple[int, int, int, int],
        corner: tuple[int, int],
        opacity: int,
    ) -> None:
        left, top, right, bottom = region
        colour, keep = part
        rows = slice(top - corner[1], min(bottom - corner[1], colour.shape[0]))
        columns = slice(left - corner[0], min(right - corner[0], colour.shape[1]))
        colour, keep = colour[rows, columns], keep[rows, columns]
        under = plane[top : top + colour.shape[0], left : left + colour.shape[1]]
        if self.opaque and opacity >= OPAQUE:
            np.right_shift(colour, 8, out=under, casting="unsafe")
            return
        if opacity < OPAQUE:
            colour = (colour >> 8) * np.uint16(opacity)
            keep = OPAQUE - ((OPAQUE - keep) * np.uint16(opacity) >> 8)
        mixed = np.multiply(under, keep, dtype=np.uint16)
        mixed += colour
        np.right_shift(mixed, 8, out=under, casting="unsafe")

    def _halved(self, odd_x: int, odd_y: int) -> list[tuple[Wide, Wide]]:
        """The two chroma planes for a corner on even or odd pixels."""
        key = (odd_x, odd_y)
        if key not in self._chroma:
            pad = ((odd_y, (self.height + odd_y) % 2), (odd_x, (self.width + odd_x) % 2))
            alpha = np.pad(self._alpha, pad)
            if self.opaque:  # an opaque ground stays opaque at its rim
                alpha[:] = OPAQUE
            small = _mean(alpha)
            planes = []
            for channel in (1, 2):
                value = np.pad(self._yuv[..., channel], pad, mode="edge")
                weight = alpha.astype(np.uint32)
                colour = _sum(value * weight) // np.maximum(_sum(weight), 1)
                planes.append(_premultiplied(colour.astype(np.uint8), small))
            self._chroma[key] = planes
        return self._chroma[key]


def _sum(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    rows = values[0::2] + values[1::2]
    return rows[:, 0::2] + rows[:, 1::2]


def _mean(values: Wide) -> Wide:
    return (_sum(values.astype(np.uint32)) >> 2).astype(np.uint16)


def _premultiplied(value: Plane, alpha: Wide) -> tuple[Wide, Wide]:
    """The colour times its alpha (rounded for the shift), and how much stays of what is below."""
    colour = value.astype(np.uint16) * alpha
    colour += np.where(alpha > 0, np.uint16(127), np.uint16(0))
    return colour, (OPAQUE - alpha).astype(np.uint16)


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
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        video.codec_context.thread_count = 1
        video.codec_context.gop_size = FPS * 4
        video.codec_context.color_range = 1
        video.codec_context.colorspace = 1
        video.codec_context.color_primaries = 1
        video.codec_context.color_trc = 1
        video.options = {"preset": "veryfast", "crf": "24", "x264-params": "rc-lookahead=16"}
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

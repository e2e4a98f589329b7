"""Draws an animatic: four beats laid out, set in motion, and written as a film."""

import io
import math
import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from spotloom.sandbox.film import sound
from spotloom.sandbox.film.encode import FPS, OPAQUE, Box, Canvas, write
from spotloom.sandbox.film.layout import Item, Layout, Stage
from spotloom.sandbox.storyboard import Order, Storyboard

_SHARES = (0.27, 0.53, 0.78)  # where the second, third and fourth beat begin
_LEAD_S = 0.5  # how far the first beat of a film that does not loop is on in its first frame


def render(order: Order, path: Path) -> None:
    """A finished MP4 of the order at `path`; the same order gives the same film."""
    board = Storyboard(order)
    play = Play(board)
    cuts = [bound / FPS for bound in play.bounds]
    bed = sound.bed(
        board.sound,
        seconds=order.seconds,
        cuts=tuple(cuts if order.loop else cuts[:-1]),
        loop=order.loop,
        seed=zlib.crc32(order.seed.encode()),
    )
    write(
        path,
        play.frames(),
        bed,
        size=(order.width, order.height),
        title=f"Animatic: {board.brand or 'untitled'}",
        comment="Animatic drawn locally by the Spotloom sandbox. Not AI footage, not a final film.",
    )


def thumbnail(order: Order) -> bytes:
    """A WebP of the frame that tells most: the hook with all its words."""
    play = Play(Storyboard(order))
    canvas = play.canvas()
    play.paint(canvas, max(0, play.bounds[0] - play.push - 1))
    picture = Image.fromarray(canvas.frame.to_ndarray(format="rgb24"))
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=82, method=4)
    return out.getvalue()


class Play:
    """An order's film, frame by frame."""

    def __init__(self, board: Storyboard) -> None:
        self._order = board.order
        self.total = board.order.seconds * FPS
        self._starts = [0, *(round(self.total * share) for share in _SHARES)]
        self.bounds = [*self._starts[1:], self.total]
        self._layout = Layout(board)
        pace = self._layout.colours.pace
        shortest = min(end - start for start, end in zip(self._starts, self.bounds, strict=True))
        self.push = max(2, min(round(11 / pace), shortest // 3))  # frames a transition takes
        self._haste = min(1.0, shortest / FPS / 2.0) / pace
        self._thread, self._names = self._layout.thread(), self._layout.names()
        self._stages: dict[int, Stage] = {}

    def frames(self) -> Iterator[Canvas]:
        """Every frame in order, all on one canvas: use each before asking for the next."""
        canvas = self.canvas()
        for number in range(self.total):
            self.paint(canvas, number)
            yield canvas

    def canvas(self) -> Canvas:
        """A canvas of the film's size."""
        return Canvas(self._order.width, self._order.height)

    def paint(self, canvas: Canvas, number: int) -> None:
        """Compose one frame on the canvas."""
        beat = next(n for n, bound in enumerate(self.bounds) if number < bound)
        left = self.bounds[beat] - number
        moving = left <= self.push and (beat < 3 or self._order.loop)
        lead = 0.0 if beat or self._order.loop else _LEAD_S * self._haste
        t = (number - self._starts[beat]) / FPS + lead
        share = _ease(1 - left / (self.push + 1)) if moving else 0.0
        across = self._order.width if self._layout.wide else self._order.height
        gone = round(across * share / 2) * 2
        self._play(canvas, beat, t, -gone)
        if moving:
            self._play(canvas, (beat + 1) % 4, -left / FPS, across - gone)
        self._head(canvas, number, beat, share)

    def _stage(self, beat: int) -> Stage:
        """A beat, drawn when it is first seen; no more than two are held at once."""
        if beat not in self._stages:
            for old in [b for b in self._stages if b != (beat - 1) % 4]:
                del self._stages[old]
            self._stages[beat] = self._layout.stage(beat)
        return self._stages[beat]

    def _play(self, canvas: Canvas, beat: int, t: float, away: int) -> None:
        stage, pad, box = self._stage(beat), self._layout.pad, canvas.box
        ox, oy = (away, 0) if self._layout.wide else (0, away)
        clip = Box(max(ox, 0), max(oy, 0), box.right + min(ox, 0), box.bottom + min(oy, 0))
        span = (self.bounds[beat] - self._starts[beat]) / FPS
        pan = min(max(t / span - 0.5, -0.6), 0.6) * pad * 1.6
        stage.ground.lay(canvas, ox - pad - round(pan), oy - pad, clip=clip)
        for item in stage.items:
            since = t - item.delay * self._haste
            if since >= 0:
                dx, dy, opacity = _moved(item, since / (0.6 * self._haste), unit=self._layout.u)
                float_ = 7 * self._layout.u * item.depth * math.sin(t * 1.7 + item.phase)
                x, y = round(item.x + dx - pan * item.depth), round(item.y + dy + float_)
                item.layer.lay(canvas, x + ox, y + oy, opacity=opacity, clip=clip)

    def _head(self, canvas: Canvas, number: int, beat: int, share: float) -> None:
        """What never moves: the brand, the thread of the beats and the label."""
        for placed in self._layout.fixed:
            placed.layer.lay(canvas, placed.x, placed.y)
        thread, frames = self._thread, self.bounds[beat] - self._starts[beat]
        done = (beat + (number - self._starts[beat]) / frames) / 4
        head = round(thread.layer.width * done)
        # In a loop the thread is drawn in from behind while the first beat returns.
        tail = round(thread.layer.width * share) if beat == 3 else 0
        clip = Box((thread.x + tail) & ~1, 0, (thread.x + head) & ~1, canvas.box.bottom)
        thread.layer.lay(canvas, thread.x, thread.y, clip=clip)
        name = self._names[(beat + (share > 0.5)) % 4]
        name.layer.lay(canvas, name.x, name.y)


def _ease(x: float) -> float:
    """Slow, fast, slow."""
    return x * x * x * (x * (6 * x - 15) + 10)


def _out(x: float) -> float:
    """Fast, then settling."""
    return 1 - (1 - min(max(x, 0.0), 1.0)) ** 4


def _back(x: float) -> float:
    """Fast, a little too far, and back."""
    x = min(max(x, 0.0), 1.0) - 1
    return 1 + 2.4 * x**3 + 1.4 * x * x


def _moved(item: Item, done: float, *, unit: float) -> tuple[float, float, int]:
    """How far from its place an entering item is, and its opacity, when a share is done."""
    if done >= 1:
        return 0.0, 0.0, OPAQUE
    opacity = round(OPAQUE * min(1.0, _out(done) * 1.15))
    match item.entry:
        case "slide":
            return (_out(done) - 1) * 120 * unit, 0.0, opacity
        case "pop":
            return 0.0, (1 - _back(done)) * 90 * unit, opacity
        case "snap":
            return (1 - _out(done * 2)) * (26 if item.y % 2 else -26) * unit, 0.0, OPAQUE
        case _:
            return 0.0, (1 - _out(done)) * 46 * unit, opacity

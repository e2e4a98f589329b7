"""The pens: one way of filling and finishing shapes for each aesthetic."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from spotloom.sandbox.film.palette import WHITE, Palette, Rgb, mix, oklch

Point = tuple[float, float]
_FINE = 2  # drawn at twice the size, then halved: smooth edges


@dataclass(frozen=True, slots=True)
class Prop:
    """A finished picture of a scene: its corner in a square of side 1, and how near it is."""

    picture: Image.Image
    corner: tuple[int, int]
    depth: float  # 0 stands still, 1 moves with the camera


class Ink:
    """A sheet of 100 by 100 units on which one aesthetic draws."""

    def __init__(self, side: int, look: str, colours: Palette) -> None:
        self.side, self.look, self.colours = side, look, colours
        self._unit = side * _FINE / 100
        self._sheet = Image.new("RGBA", (side * _FINE, side * _FINE), (0, 0, 0, 0))

    def shape(self, points: Sequence[Point], colour: Rgb) -> None:
        """Fill a polygon the way this look fills things."""
        k = self._unit
        spread = [(x * k, y * k) for x, y in points]
        left, top = (int(min(p[i] for p in spread)) - 2 for i in (0, 1))
        right, bottom = (int(max(p[i] for p in spread)) + 3 for i in (0, 1))
        mask = Image.new("L", (right - left, bottom - top), 0)
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in spread], fill=255)
        fill = Image.new("RGB", mask.size, colour)
        for tone, where in _tones(self.look, colour, mask, reach=k):
            fill.paste(tone, (0, 0), where)
        self._sheet.paste(fill, (left, top), mask)
        if self.look == "animated-2d":
            rim = [*spread, spread[0], spread[1]]
            width = round(1.15 * k)
            ImageDraw.Draw(self._sheet).line(rim, (*self.colours.ink, 255), width, joint="curve")

    def disc(self, x: float, y: float, r: float, colour: Rgb) -> None:
        self.shape(arc(x, y, r, r), colour)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Rgb) -> None:
        self.shape(arc(x, y, rx, ry), colour)

    def slab(self, box: tuple[float, float, float, float], r: float, colour: Rgb) -> None:
        self.shape(rounded(*box, r=r), colour)

    def stroke(self, points: Sequence[Point], width: float, colour: Rgb) -> None:
        """A line with round ends; the same in every look."""
        k = self._unit
        draw = ImageDraw.Draw(self._sheet)
        spread = [(x * k, y * k) for x, y in points]
        draw.line(spread, (*colour, 255), max(1, round(width * k)), joint="curve")
        r = width * k / 2
        for x, y in (spread[0], spread[-1]):
            draw.ellipse((x - r, y - r, x + r, y + r), (*colour, 255))

    def prop(self, depth: float) -> Prop | None:
        """What was drawn, finished and cut to its bounds; None when nothing was."""
        small = self._sheet.reduce(_FINE)
        done = _finished(self.look, small, self.colours)
        bounds = done.getchannel("A").getbbox()
        if bounds is None:
            return None
        return Prop(done.crop(bounds), (bounds[0], bounds[1]), depth)


def arc(x: float, y: float, rx: float, ry: float, *, a: float = 0, b: float = 360) -> list[Point]:
    """A part of an ellipse from angle `a` to `b`, clockwise from the right."""
    steps = max(6, round(abs(b - a) / 6))
    turns = [math.radians(a + (b - a) * i / steps) for i in range(steps + 1)]
    return [(x + rx * math.cos(t), y + ry * math.sin(t)) for t in turns]


def rounded(x0: float, y0: float, x1: float, y1: float, *, r: float) -> list[Point]:
    """A rectangle with round corners."""
    r = min(r, (x1 - x0) / 2, (y1 - y0) / 2)
    corners = (
        (x1 - r, y1 - r, 0),
        (x0 + r, y1 - r, 90),
        (x0 + r, y0 + r, 180),
        (x1 - r, y0 + r, 270),
    )
    return [p for cx, cy, a in corners for p in arc(cx, cy, r, r, a=a, b=a + 90)]


def star(x: float, y: float, r: float, *, points: int = 5, inner: float = 0.45) -> list[Point]:
    """A star, its first point up."""
    return [
        (
            x + math.sin(math.pi * i / points) * r * (inner if i % 2 else 1),
            y - math.cos(math.pi * i / points) * r * (inner if i % 2 else 1),
        )
        for i in range(points * 2)
    ]


def heart(x: float, y: float, r: float) -> list[Point]:
    """A heart."""
    turns = [math.tau * i / 40 for i in range(40)]
    return [
        (
            x + r * math.sin(t) ** 3,
            y
            - r
            * (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t))
            / 16,
        )
        for t in turns
    ]


def _tones(
    look: str, colour: Rgb, mask: Image.Image, *, reach: float
) -> list[tuple[Rgb, Image.Image]]:
    """The lights and shades a look puts on a filled shape."""
    dark, light = mix(colour, oklch(0.2, 0.06, 280), 0.34), mix(colour, WHITE, 0.6)
    if look == "animated-3d":
        far = max(2, round(min(min(mask.size) * 0.12, reach * 4.2)))
        shade = _rim(mask, -far, soft=far)
        gleam = _rim(mask, far, soft=far)
        return [(dark, shade), (light, gleam.point(lambda v: v * 4 // 5))]
    if look == "animated-2d":
        return [
            (
                dark,
                _rim(mask, -round(min(min(mask.size) * 0.14, reach * 2.6)), soft=0).point(
                    lambda v: v * 2 // 3
                ),
            )
        ]
    if look == "professional":
        half = mask.copy()
        half.paste(0, (0, 0, mask.width // 2, mask.height))
        return [(mix(colour, dark, 0.45), half)]
    if look == "cinema":
        fall = Image.linear_gradient("L").resize(mask.size).point(lambda v: v * 9 // 10)
        return [(mix(colour, (4, 5, 10), 0.88), ImageChops.multiply(mask, fall))]
    return []


def _rim(mask: Image.Image, far: int, *, soft: int) -> Image.Image:
    """The part of a shape within `far` of its upper left (or, below zero, lower right) edge."""
    moved = Image.new("L", mask.size, 0)
    moved.paste(mask, (far, far))
    if soft:
        moved = moved.filter(ImageFilter.GaussianBlur(soft))
    return ImageChops.multiply(mask, ImageChops.invert(moved))


def _finished(look: str, drawn: Image.Image, colours: Palette) -> Image.Image:
    """The whole drawing with the look's edge and shadow."""
    alpha = drawn.getchannel("A")
    u = drawn.width / 100
    under = Image.new("RGBA", drawn.size, (0, 0, 0, 0))
    if look == "ugc":
        cut = alpha.filter(ImageFilter.GaussianBlur(u * 1.3)).point(lambda v: min(255, v * 9))
        _shadow(under, cut, (colours.ink, 0.35), (u * 0.6, u * 1.6), u * 1.6)
        under.paste(WHITE, (0, 0), cut)
    elif look == "animated-2d":
        _shadow(under, alpha, (colours.ink, 0.9), (u * 1.4, u * 1.4), 0)
    elif look == "animated-3d":
        _shadow(under, alpha, (colours.ink, 0.42), (u * 1.2, u * 3.4), u * 2.6)
    elif look == "cinema":
        _shadow(under, alpha, ((0, 0, 0), 0.5), (0, u * 2), u * 3)
        drawn.paste(
            mix(colours.accent, WHITE, 0.45), (0, 0), _rim(alpha, max(1, round(u * 0.55)), soft=0)
        )
        drawn.putalpha(alpha)
    else:
        _shadow(under, alpha, (colours.ink, 0.2), (0, u * 1.6), u * 1.8)
    return Image.alpha_composite(under, drawn)


def _shadow(
    under: Image.Image, alpha: Image.Image, tint: tuple[Rgb, float], by: Point, soft: float
) -> None:
    moved = Image.new("L", alpha.size, 0)
    moved.paste(alpha, (round(by[0]), round(by[1])))
    if soft:
        moved = moved.filter(ImageFilter.BoxBlur(soft)).filter(ImageFilter.BoxBlur(soft))
    under.paste(tint[0], (0, 0), moved.point(lambda v: round(v * tint[1])))

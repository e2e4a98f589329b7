"""What an animatic shows: shapes drawn by the aesthetic's pen, and the scene of each beat."""

import math
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from spotloom.sandbox.palette import WHITE, Palette, Rgb, contrast, mix, oklch

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
        self.shape(_arc(x, y, r, r, 0, 360), colour)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Rgb) -> None:
        self.shape(_arc(x, y, rx, ry, 0, 360), colour)

    def slab(self, box: tuple[float, float, float, float], r: float, colour: Rgb) -> None:
        self.shape(_rounded(*box, r), colour)

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


def _arc(x: float, y: float, rx: float, ry: float, a: float, b: float) -> list[Point]:
    steps = max(6, round(abs(b - a) / 6))
    turns = [math.radians(a + (b - a) * i / steps) for i in range(steps + 1)]
    return [(x + rx * math.cos(t), y + ry * math.sin(t)) for t in turns]


def _rounded(x0: float, y0: float, x1: float, y1: float, r: float) -> list[Point]:
    r = min(r, (x1 - x0) / 2, (y1 - y0) / 2)
    corners = ((x1 - r, y1 - r, 0), (x0 + r, y1 - r, 90), (x0 + r, y0 + r, 180), (x1 - r, y0 + r, 270))
    return [p for cx, cy, a in corners for p in _arc(cx, cy, r, r, a, a + 90)]


def _star(x: float, y: float, r: float, points: int = 5, inner: float = 0.45) -> list[Point]:
    return [
        (
            x + math.sin(math.pi * i / points) * r * (inner if i % 2 else 1),
            y - math.cos(math.pi * i / points) * r * (inner if i % 2 else 1),
        )
        for i in range(points * 2)
    ]


def _heart(x: float, y: float, r: float) -> list[Point]:
    turns = [math.tau * i / 40 for i in range(40)]
    return [
        (
            x + r * math.sin(t) ** 3,
            y - r * (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16,
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
        return [(dark, _rim(mask, -round(min(min(mask.size) * 0.14, reach * 2.6)), soft=0).point(lambda v: v * 2 // 3))]
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
        drawn.paste(mix(colours.accent, WHITE, 0.45), (0, 0), _rim(alpha, max(1, round(u * 0.55)), soft=0))
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


# ---- the things in it


def _figure(ink: Ink, x: float, foot: float, size: float, shirt: Rgb, extra: str = "") -> None:
    """A plain figure from the chest up, tinted with the brand: nobody in particular."""
    c = ink.colours
    skin = mix(c.paper, c.second, 0.30)
    body = _rounded(x - 15 * size, foot - 26 * size, x + 15 * size, foot + 16 * size, 13 * size)
    ink.shape([(px, min(py, foot)) for px, py in body], shirt)
    ink.slab((x - 4 * size, foot - 34 * size, x + 4 * size, foot - 22 * size), 3 * size, skin)
    ink.disc(x, foot - 41 * size, 11 * size, skin)
    hair = mix(c.ink, c.brand, 0.25)
    ink.shape(_arc(x, foot - 42.5 * size, 11.8 * size, 11.5 * size, 180, 360), hair)
    if extra == "cap":
        ink.shape([(x, foot - 63 * size), (x + 20 * size, foot - 55 * size), (x, foot - 47 * size), (x - 20 * size, foot - 55 * size)], c.ink)
    elif extra == "tie":
        ink.shape([(x - 2.5 * size, foot - 24 * size), (x + 2.5 * size, foot - 24 * size), (x + 3.5 * size, foot - 8 * size), (x, foot - 4 * size), (x - 3.5 * size, foot - 8 * size)], c.accent)
    elif extra == "glasses":
        for side in (-4.6, 4.6):
            ink.stroke(_arc(x + side * size, foot - 39 * size, 3.4 * size, 3.4 * size, 0, 360), 1.1 * size, c.ink)
    elif extra == "bag":
        ink.stroke([(x - 10 * size, foot - 25 * size), (x + 11 * size, foot - 3 * size)], 2.2 * size, c.ink)


_GROUPS: dict[str, tuple[tuple[float, float, str], ...]] = {
    "people": ((26, 0.85, ""), (74, 0.85, ""), (50, 1.1, "")),
    "student": ((50, 1.3, "cap"),),
    "early-career": ((50, 1.3, "bag"),),
    "established": ((50, 1.3, "tie"),),
    "unmarried-couple": ((34, 1.1, ""), (67, 1.05, "")),
    "married-couple": ((34, 1.1, "tie"), (67, 1.05, "")),
    "parents": ((28, 1.05, ""), (72, 1.05, ""), (50, 0.66, "")),
    "retired": ((34, 1.05, "glasses"), (67, 1.05, "glasses")),
}


def _people(back: Ink, main: Ink, front: Ink, words: dict[str, str]) -> None:
    c = main.colours
    back.disc(50, 52, 40, mix(c.brand, c.paper, 0.25))
    group = _GROUPS.get(words.get("lifeStage", ""), ((50, 1.3, ""),))
    for number, (x, size, extra) in enumerate(group):
        _figure(main, x, 92, size, (c.accent, c.second, c.brand)[number % 3], extra)
    for x, y, r in ((12, 22, 5), (88, 30, 6.5), (82, 12, 3.5)):
        front.shape(_heart(x, y, r) if "couple" in words.get("lifeStage", "") or words.get("lifeStage") == "parents" else _star(x, y, r, 4, 0.4), c.accent)


def _product(ink: Ink, kind: str, x: float, foot: float, k: float) -> None:
    """The thing that is sold: a plain stand-in for its category."""
    c = ink.colours
    mark = c.paper if contrast(c.paper, c.brand) > contrast(c.ink, c.brand) else c.ink

    def at(x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        return (x + x0 * k, foot + y0 * k, x + x1 * k, foot + y1 * k)

    if kind == "cup":
        ink.stroke(_arc(x + 17 * k, foot - 20 * k, 9 * k, 9 * k, -90, 90), 4 * k, c.brand)
        ink.shape([(x - 20 * k, foot - 38 * k), (x + 20 * k, foot - 38 * k), (x + 15 * k, foot), (x - 15 * k, foot)], c.brand)
        ink.slab(at(-23, -43, 23, -36), 3 * k, c.accent)
        ink.disc(x, foot - 18 * k, 7 * k, mark)
    elif kind == "phone":
        ink.slab(at(-17, -62, 17, 0), 6 * k, c.ink)
        ink.slab(at(-14, -57, 14, -5), 3 * k, c.brand)
        ink.slab(at(-9, -50, 9, -34), 3 * k, mark)
        ink.slab(at(-9, -29, 9, -25), 2 * k, c.accent)
        ink.slab(at(-9, -21, 3, -17), 2 * k, c.accent)
    elif kind == "bottle":
        ink.slab(at(-6, -66, 6, -50), 2 * k, c.accent)
        ink.slab(at(-16, -52, 16, 0), 9 * k, c.brand)
        ink.slab(at(-11, -34, 11, -12), 2.5 * k, mark)
        ink.disc(x, foot - 23 * k, 5 * k, c.accent)
    elif kind == "jar":
        ink.slab(at(-22, -32, 22, 0), 7 * k, c.brand)
        ink.slab(at(-24, -43, 24, -30), 3.5 * k, c.accent)
        ink.slab(at(-13, -24, 13, -8), 2.5 * k, mark)
    elif kind == "shoe":
        ink.shape([(x - 30 * k, foot - 30 * k), (x - 10 * k, foot - 32 * k), (x + 8 * k, foot - 16 * k), (x + 30 * k, foot - 11 * k), (x + 31 * k, foot - 4 * k), (x - 30 * k, foot - 4 * k)], c.brand)
        ink.slab(at(-32, -7, 33, 0), 3 * k, mark)
        ink.stroke([(x - 8 * k, foot - 24 * k), (x + 4 * k, foot - 14 * k)], 2 * k, c.accent)
    else:
        ink.shape([(x - 24 * k, foot - 40 * k), (x, foot - 50 * k), (x + 24 * k, foot - 40 * k), (x, foot - 31 * k)], mix(c.brand, c.paper, 0.35))
        ink.shape([(x - 24 * k, foot - 40 * k), (x, foot - 31 * k), (x, foot), (x - 24 * k, foot - 9 * k)], c.brand)
        ink.shape([(x + 24 * k, foot - 40 * k), (x, foot - 31 * k), (x, foot), (x + 24 * k, foot - 9 * k)], mix(c.brand, c.ink, 0.3))
        ink.shape([(x - 14 * k, foot - 44 * k), (x - 7 * k, foot - 47 * k), (x + 17 * k, foot - 38 * k), (x + 10 * k, foot - 35 * k)], c.accent)


_KINDS = (
    ("cup", r"coffee|tea\b|latte|espresso|cocoa|mug|cafe|café|soup"),
    ("bottle", r"bottle|drink|juice|water|shampoo|perfume|serum|wine|beer|oil|soda|kombucha|sunscreen"),
    ("jar", r"cream|honey|jam|balm|skincare|moistur|candle|spice|butter|granola|vitamin|supplement"),
    ("shoe", r"shoe|sneaker|trainer|running|boot\b"),
    ("phone", r"\bapp\b|software|phone|platform|saas|online|subscription|bank|course|game"),
)


def product_kind(prompt: str) -> str:
    """The stand-in that the prompt's words suggest; a parcel when they say nothing."""
    text = prompt.lower()
    return next((kind for kind, words in _KINDS if re.search(words, text)), "box")


def _hook(back: Ink, main: Ink, front: Ink, words: dict[str, str]) -> None:
    c = main.colours
    level = words.get("funnelLevel", "")
    back.disc(50, 50, 41, mix(c.second, c.paper, 0.3))
    if level == "problem-aware":
        for x, y, r in ((30, 46, 17), (52, 36, 21), (72, 47, 16)):
            main.disc(x, y, r, mix(c.ink, c.brand, 0.35))
        main.slab((18, 42, 84, 62), 10, mix(c.ink, c.brand, 0.35))
        front.shape([(52, 52), (38, 76), (49, 76), (43, 97), (66, 67), (54, 67), (62, 52)], c.accent)
    elif level == "solution-aware":
        main.shape([*_arc(50, 40, 25, 25, 150, 390), (61, 72), (39, 72)], c.accent)
        main.slab((38, 72, 62, 79), 2, c.ink)
        main.slab((40, 80, 60, 87), 3, c.ink)
        main.stroke([(43, 68), (41, 48), (50, 55), (59, 48), (57, 68)], 2, c.ink)
        for a in range(-150, 0, 30):
            x, y = math.cos(math.radians(a)), math.sin(math.radians(a))
            front.stroke([(50 + x * 33, 40 + y * 33), (50 + x * 40, 40 + y * 40)], 3, c.brand)
    elif level == "product-aware":
        _product(main, words["kind"], 46, 78, 1.0)
        front.stroke([(72, 70), (90, 90)], 6.5, c.ink)
        front.stroke(_arc(56, 52, 24, 24, 0, 360), 5, c.ink)
    elif level == "most-aware":
        main.stroke(_arc(50, 38, 15, 17, 180, 360), 4, c.ink)
        main.shape([(22, 36), (78, 36), (84, 92), (16, 92)], c.brand)
        front.shape(_heart(50, 63, 14), c.accent)
    else:
        eye = [*_arc(50, 72, 46, 46, 218, 322), *_arc(50, 30, 46, 46, 38, 142)]
        main.shape(eye, c.paper)
        main.disc(50, 51, 15.5, c.brand)
        main.disc(50, 51, 7.5, c.ink)
        main.disc(55, 45, 3.6, WHITE)
        for a in range(-130, -40, 20):
            x, y = math.cos(math.radians(a)), math.sin(math.radians(a))
            front.stroke([(50 + x * 37, 54 + y * 37), (50 + x * 46, 54 + y * 46)], 3, c.accent)


def _cards(main: Ink, front: Ink, *, numbered: bool) -> None:
    c = main.colours
    for row in range(3):
        y = 12 + row * 28
        sheet = main if row != 1 else front
        sheet.slab((10 + row * 4, y, 84 + row * 3, y + 23), 5, c.paper)
        sheet.disc(22 + row * 4, y + 11.5, 7.5, (c.brand, c.accent, c.second)[row])
        if numbered:
            digits = {0: [[(0, -3), (0, 4)]], 1: [[(-2, -3), (2, -3), (-2, 4), (2.4, 4)]], 2: [[(-2, -3), (2, -3), (0, 0), (2, 2), (0, 4), (-2, 3.4)]]}[row]
            for digit in digits:
                sheet.stroke([(22 + row * 4 + dx, y + 11 + dy) for dx, dy in digit], 1.8, c.ink)
            sheet.slab((35 + row * 4, y + 6, 74 + row * 3, y + 10), 2, mix(c.paper, c.ink, 0.75))
        else:
            for star in range(5):
                sheet.shape(_star(38 + row * 4 + star * 7.6, y + 7.6, 3.6), c.accent)
        sheet.slab((35 + row * 4, y + 14, 64 + row * 3, y + 17.5), 2, mix(c.paper, c.ink, 0.3))


def _screen(back: Ink, main: Ink, front: Ink, words: dict[str, str]) -> None:
    """A television of its decade, or a player."""
    c = main.colours
    kind = words.get("type", "")
    if kind == "vsl":
        main.slab((6, 18, 94, 78), 5, c.ink)
        main.slab((10, 22, 90, 68), 2, mix(c.brand, c.ink, 0.25))
        for n, top in enumerate((58, 52, 44, 33)):
            main.slab((18 + n * 11, top, 25 + n * 11, 66), 1.5, mix(c.accent, c.paper, 0.2))
        main.slab((12, 71.4, 88, 74), 1, mix(c.ink, c.paper, 0.4))
        main.slab((12, 71.4, 46, 74), 1, c.accent)
        front.disc(72, 45, 13, c.accent)
        front.shape([(68, 38), (80, 45), (68, 52)], c.ink)
        return
    old = kind.startswith("vintage")
    if old:
        back.stroke([(48, 26), (28, 4)], 1.8, c.ink)
        back.stroke([(52, 26), (72, 4)], 1.8, c.ink)
    shell = c.brand if kind != "vintage-80s-ad" else c.ink
    main.slab((8, 24, 92, 84), 8 if old else 4, shell)
    right = 72 if old else 88
    main.slab((13, 29, right, 79 if old else 80), 7 if old else 2, mix(c.second, c.ink, 0.15))
    if old:
        main.disc(82, 40, 5, c.accent)
        main.disc(82, 54, 5, c.paper)
        for y in (65, 69, 73):
            main.stroke([(78, y), (86, y)], 1.3, c.ink)
        main.slab((24, 84, 32, 91), 1, c.ink)
        main.slab((68, 84, 76, 91), 1, c.ink)
    else:
        main.slab((42, 84, 58, 90), 1, c.ink)
        main.slab((30, 89, 70, 93), 2, c.ink)
    middle = (13 + right) / 2
    front.shape(_star(middle, 54, 22, 12 if old else 9, 0.72), c.accent)
    _product(front, words["kind"], middle, 64, 0.42)


def _story(back: Ink, main: Ink, front: Ink, words: dict[str, str]) -> None:
    c = main.colours
    kind = words.get("type", "")
    if kind == "listicle":
        _cards(main, front, numbered=True)
    elif kind == "review-social-proof":
        _cards(main, front, numbered=False)
    elif kind == "review-testimonial":
        _figure(main, 30, 96, 1.15, c.brand)
        front.slab((40, 8, 97, 46), 8, c.paper)
        front.shape([(52, 44), (66, 44), (48, 57)], c.paper)
        for star in range(5):
            front.shape(_star(48.5 + star * 10, 20, 4.8), c.accent)
        front.slab((47, 30, 89, 33.5), 1.5, mix(c.paper, c.ink, 0.5))
        front.slab((47, 37, 76, 40.5), 1.5, mix(c.paper, c.ink, 0.3))
    elif kind == "skit":
        _figure(main, 25, 97, 1.05, c.brand)
        _figure(main, 75, 97, 1.05, c.accent)
        front.slab((6, 6, 48, 30), 8, c.paper)
        front.shape([(18, 28), (30, 28), (24, 38)], c.paper)
        front.slab((56, 14, 94, 34), 8, c.second)
        front.shape([(70, 32), (82, 32), (78, 42)], c.second)
        for n in range(3):
            front.disc(18 + n * 9, 18, 2.4, c.ink)
        front.stroke([(64, 24), (72, 21), (79, 26), (86, 22)], 2, c.ink)
    elif kind == "broll-visual-narrative":
        back.disc(66, 34, 17, c.accent)
        main.shape([(2, 84), (30, 36), (46, 62), (58, 46), (98, 84)], c.brand)
        main.shape([(30, 36), (37, 47.5), (31, 52), (27, 48), (23.5, 47.5)], c.paper)
        front.shape([(2, 92), (2, 78), *[(x, 76 + 5 * math.sin(x / 9)) for x in range(4, 98, 3)], (98, 92)], mix(c.brand, c.ink, 0.45))
    elif kind == "storytime":
        back.disc(72, 24, 14, c.accent)
        main.shape([(50, 56), (8, 46), (8, 84), (50, 94)], c.paper)
        main.shape([(50, 56), (92, 46), (92, 84), (50, 94)], mix(c.paper, c.brand, 0.2))
        for n in range(3):
            main.stroke([(15, 57 + n * 8), (42, 63.5 + n * 8)], 1.6, mix(c.paper, c.ink, 0.4))
            main.stroke([(58, 63.5 + n * 8), (85, 57 + n * 8)], 1.6, mix(c.paper, c.ink, 0.4))
        path = [(50 + 20 * math.sin(t / 3.2), 54 - t * 2.1) for t in range(24)]
        front.stroke(path, 2.6, c.brand)
        front.shape(_star(*path[-1], 8), c.brand)
    else:
        _screen(back, main, front, words)


def _payoff(back: Ink, main: Ink, front: Ink, words: dict[str, str]) -> None:
    c = main.colours
    mood = words.get("mood", "")
    if mood in ("unhinged", "shocking", "intense"):
        back.shape(_star(50, 46, 48, 16, 0.74), c.accent)
    else:
        back.disc(50, 46, 40, mix(c.accent, c.paper, 0.35))
    main.oval(50, 86, 36, 8, mix(c.second, c.ink, 0.25))
    main.oval(50, 82, 36, 8, c.second)
    _product(main, words["kind"], 50, 84, 1.12)
    chance = random.Random(words["seed"])  # noqa: S311 - decoration, not a secret
    for n in range(9):
        turn = math.radians(200 + n * 17.5)
        far = 42 + chance.random() * 6
        x, y = 50 + far * math.cos(turn), 56 + far * math.sin(turn)
        if n % 3 == 0:
            front.shape(_star(x, y, 4.6, 4, 0.38), c.paper)
        elif n % 3 == 1:
            front.disc(x, y, 2.3, c.brand)
        else:
            front.stroke([(x - 2, y - 2), (x + 2, y + 2)], 1.8, c.accent if mood == "wholesome" else c.paper)


_SCENES: tuple[Callable[[Ink, Ink, Ink, dict[str, str]], None], ...] = (
    _hook,
    _story,
    _payoff,
    _people,
)


def scene(beat: int, *, side: int, colours: Palette, words: dict[str, str]) -> list[Prop]:
    """The props of a beat, back to front, in a square of `side` pixels."""
    look = words.get("aesthetic", "")
    sheets = [Ink(side, look, colours) for _ in range(3)]
    _SCENES[beat](sheets[0], sheets[1], sheets[2], words)
    props = (sheet.prop(depth) for sheet, depth in zip(sheets, (0.25, 0.6, 1.0), strict=True))
    return [prop for prop in props if prop]


# ---- what lies behind it


def backdrop(
    size: tuple[int, int],
    ground: Rgb,
    colours: Palette,
    *,
    words: dict[str, str],
    chance: random.Random,
    unit: float,
) -> Image.Image:
    """The beat's ground: its colour, the pattern of its type of ad, the light of its look."""
    w, h = size
    picture = Image.new("RGB", size, ground)
    tone = mix(ground, colours.brand if contrast(ground, colours.brand) > 1.5 else colours.accent, 0.16)
    fine = Image.new("L", (w, h), 0)
    draw = ImageDraw.Draw(fine)
    u = unit
    kind = words.get("type", "")
    if kind == "listicle":
        step = 120 * u
        for n in range(-int(h / step) - 1, int(w / step) + 2, 2):
            x = n * step
            draw.polygon([(x, h), (x + step, h), (x + step + h, 0), (x + h, 0)], fill=255)
    elif kind == "vsl":
        for n in range(0, max(w, h), round(60 * u)):
            draw.line((n, 0, n, h), 150, max(1, round(2 * u)))
            draw.line((0, n, w, n), 150, max(1, round(2 * u)))
    elif kind.startswith("review"):
        for n in range(9, 0, -1):
            r = n * 105 * u
            draw.ellipse((w * 0.8 - r, h * 0.2 - r, w * 0.8 + r, h * 0.2 + r), fill=255 if n % 2 else 0)
    elif kind == "storytime":
        for row, y in enumerate(range(0, h, round(44 * u))):
            for x in range(round(22 * u) * (row % 2), w, round(44 * u)):
                r = 5 * u
                draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
    elif kind == "skit":
        draw.polygon([(w * 0.2, 0), (w * 0.3, 0), (w * 0.72, h), (w * 0.05, h)], fill=190)
        draw.polygon([(w * 0.8, 0), (w * 0.7, 0), (w * 0.28, h), (w * 0.95, h)], fill=190)
    elif kind == "broll-visual-narrative":
        for n in range(3):
            level, phase = h * (0.62 + 0.14 * n), chance.random() * 6
            points = [(x, level + 34 * u * math.sin(x / (120 * u) + phase)) for x in range(0, w + 8, 8)]
            draw.polygon([(0, h), *points, (w, h)], fill=85 * (n + 1))
    elif kind == "vintage-80s-ad":
        r, cy = 250 * u, h * 0.40
        draw.ellipse((w / 2 - r, cy - r, w / 2 + r, cy + r), fill=255)
        for n in range(7):
            y = cy - r * 0.1 + n * r * 0.17
            draw.rectangle((0, y, w, y + (3 + n * 2.6) * u), fill=0)
        for n in range(-14, 15):
            draw.line((w / 2 + n * 30 * u, h * 0.66, w / 2 + n * 190 * u, h), 200, max(1, round(3 * u)))
        for n in range(8):
            y = h * 0.66 + h * 0.34 * (n / 8) ** 2
            draw.line((0, y, w, y), 200, max(1, round(3 * u)))
    elif kind == "vintage-90s-ad":
        for _ in range(26):
            x, y, s = chance.random() * w, chance.random() * h, (16 + chance.random() * 22) * u
            pick = chance.randrange(3)
            if pick == 0:
                draw.line([(x + i * s * 0.7, y + (i % 2) * s) for i in range(5)], 255, round(9 * u), "curve")
            elif pick == 1:
                draw.ellipse((x, y, x + 2 * s, y + 2 * s), outline=255, width=round(9 * u))
            else:
                draw.polygon([(x, y), (x + 2 * s, y + s * 0.6), (x + s * 0.6, y + 2 * s)], fill=255)
    elif kind == "vintage-2000s-ad":
        for _ in range(16):
            x, y, r = chance.random() * w, chance.random() * h, (30 + chance.random() * 90) * u
            draw.ellipse((x - r, y - r, x + r, y + r), fill=150)
            draw.ellipse((x - r * 0.6, y - r * 0.7, x, y - r * 0.2), fill=255)
    elif kind == "modern-tv-ad":
        draw.polygon([(0, h * 0.62), (w, h * 0.30), (w, h), (0, h)], fill=255)
        draw.polygon([(0, h * 0.86), (w, h * 0.62), (w, h), (0, h)], fill=120)
    picture.paste(tone, (0, 0), fine)
    return _lit(picture, words.get("aesthetic", ""), ground)


def _lit(picture: Image.Image, look: str, ground: Rgb) -> Image.Image:
    if look not in ("cinema", "animated-3d", "ugc"):
        return picture
    w, h = picture.size
    glow = Image.radial_gradient("L").resize((w // 4, h // 4)).resize((w, h), Image.Resampling.BILINEAR)
    if look == "cinema":
        picture.paste((4, 4, 7), (0, 0), glow.point(lambda v: min(255, round(v * 0.85))))
    elif look == "animated-3d":
        picture.paste(mix(ground, (20, 16, 60), 0.25), (0, 0), glow.point(lambda v: round(v * 0.6)))
    else:
        fall = Image.linear_gradient("L").resize((w, h))
        picture.paste(mix(ground, WHITE, 0.4), (0, 0), fall.point(lambda v: (255 - v) // 2))
    return picture

"""The things scenes are made of: plain figures, and a stand-in for the product."""

import re
from collections.abc import Callable

from spotloom.sandbox.film.palette import Rgb, contrast, mix, oklch
from spotloom.sandbox.film.pens import Ink, arc, rounded

# Three warm tones for any lead and any group: the casting is said in words, on the chips.
_SKINS = (oklch(0.70, 0.075, 58), oklch(0.83, 0.06, 66), oklch(0.52, 0.07, 50))


def figure(
    ink: Ink, x: float, foot: float, size: float, *, shirt: Rgb, wears: str = "", cast: int = 0
) -> None:
    """A figure from the chest up, without a face: nobody in particular."""
    c = ink.colours
    skin = _SKINS[cast % 3]
    hair = mix(c.ink, c.brand, 0.16) if wears != "glasses" else oklch(0.80, 0.01, 80)
    y = foot - 41 * size
    if cast % 2:  # hair that falls to the shoulders
        ink.slab((x - 14 * size, y - 13 * size, x + 14 * size, y + 16 * size), 12 * size, hair)
    body = rounded(x - 17 * size, foot - 24 * size, x + 17 * size, foot + 18 * size, r=15 * size)
    ink.shape([(px, min(py, foot)) for px, py in body], shirt)
    ink.slab((x - 4.5 * size, y + 5 * size, x + 4.5 * size, y + 20 * size), 4 * size, skin)
    ink.oval(x, y, 10.5 * size, 11.5 * size, skin)
    ink.shape(_fringe(x, y, size, parted=bool(cast % 2)), hair)
    if wears in _WORN:
        _WORN[wears](ink, x, foot, size)


def _fringe(x: float, y: float, size: float, *, parted: bool) -> list[tuple[float, float]]:
    top = arc(x, y - 1 * size, 12 * size, 13 * size, a=182, b=358)
    low = (3, -7, -4) if parted else (-5, -6, -2)
    edge = ((8, low[0] - 3), (0, low[1]), (-8, low[2]))
    return [*top, *((x + dx * size, y + dy * size) for dx, dy in edge)]


def _cap(ink: Ink, x: float, foot: float, k: float) -> None:
    roof = ((0, -65), (21, -57), (0, -49), (-21, -57))
    ink.shape([(x + dx * k, foot + dy * k) for dx, dy in roof], ink.colours.ink)
    ink.stroke(
        [(x + 17 * k, foot - 57 * k), (x + 17 * k, foot - 46 * k)], 1.6 * k, ink.colours.accent
    )


def _tie(ink: Ink, x: float, foot: float, k: float) -> None:
    cut = ((-2.5, -23), (2.5, -23), (3.5, -8), (0, -4), (-3.5, -8))
    ink.shape([(x + dx * k, foot + dy * k) for dx, dy in cut], ink.colours.paper)


def _glasses(ink: Ink, x: float, foot: float, k: float) -> None:
    for side in (-4.8, 4.8):
        ink.stroke(arc(x + side * k, foot - 39 * k, 3.8 * k, 3.8 * k), 1.2 * k, ink.colours.ink)


def _bag(ink: Ink, x: float, foot: float, k: float) -> None:
    ink.stroke([(x - 11 * k, foot - 22 * k), (x + 13 * k, foot - 3 * k)], 2.6 * k, ink.colours.ink)


_WORN = {"cap": _cap, "tie": _tie, "glasses": _glasses, "bag": _bag}


def product(ink: Ink, kind: str, x: float, foot: float, k: float) -> None:
    """The thing that is sold, `k` times its usual size, standing at `foot`."""
    _PRODUCTS.get(kind, _parcel)(_Place(ink, x, foot, k))


class _Place:
    """Draws relative to where a product stands."""

    def __init__(self, ink: Ink, x: float, foot: float, k: float) -> None:
        self.ink, self.c, self.k = ink, ink.colours, k
        self._x, self._foot = x, foot
        dark = contrast(self.c.ink, self.c.brand) > contrast(self.c.paper, self.c.brand)
        self.mark = self.c.ink if dark else self.c.paper

    def at(self, *points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(self._x + x * self.k, self._foot + y * self.k) for x, y in points]

    def slab(self, x0: float, y0: float, x1: float, y1: float, *, r: float, colour: Rgb) -> None:
        (left, top), (right, bottom) = self.at((x0, y0), (x1, y1))
        self.ink.slab((left, top, right, bottom), r * self.k, colour)

    def disc(self, x: float, y: float, r: float, colour: Rgb) -> None:
        self.ink.disc(*self.at((x, y))[0], r * self.k, colour)

    def bow(
        self, x: float, y: float, rx: float, ry: float, *, a: float, b: float
    ) -> list[tuple[float, float]]:
        return arc(*self.at((x, y))[0], rx * self.k, ry * self.k, a=a, b=b)


def _cup(p: _Place) -> None:
    p.ink.stroke(p.bow(17, -20, 9, 9, a=-90, b=90), 4 * p.k, p.c.brand)
    p.ink.shape(p.at((-20, -38), (20, -38), (15, 0), (-15, 0)), p.c.brand)
    p.slab(-23, -43, 23, -36, r=3, colour=p.c.accent)
    p.disc(0, -18, 7, p.mark)
    for x in (-8, 2, 12):
        p.ink.stroke(p.at((x, -49), (x - 2, -53), (x + 2, -57), (x, -61)), 1.8 * p.k, p.c.paper)


def _phone(p: _Place) -> None:
    p.slab(-17, -62, 17, 0, r=6, colour=p.c.ink)
    p.slab(-14.5, -58, 14.5, -4, r=4, colour=p.c.brand)
    p.slab(-10, -52, 10, -35, r=3, colour=p.mark)
    p.slab(-10, -30, 10, -25, r=2, colour=p.c.accent)
    p.slab(-10, -21, 3, -16, r=2, colour=p.c.accent)


def _bottle(p: _Place) -> None:
    p.slab(-6, -68, 6, -50, r=2, colour=p.c.accent)
    p.slab(-16, -54, 16, 0, r=9, colour=p.c.brand)
    p.slab(-11, -36, 11, -12, r=2.5, colour=p.mark)
    p.disc(0, -24, 5, p.c.accent)


def _jar(p: _Place) -> None:
    p.slab(-22, -34, 22, 0, r=7, colour=p.c.brand)
    p.slab(-24, -45, 24, -31, r=3.5, colour=p.c.accent)
    p.slab(-13, -24, 13, -8, r=2.5, colour=p.mark)


def _shoe(p: _Place) -> None:
    upper = ((-30, -34), (-14, -36), (4, -19), (22, -14), (31, -9), (31, -4), (-31, -4))
    p.ink.shape(p.at(*upper), p.c.brand)
    p.slab(-33, -8, 33, 0, r=3, colour=p.mark)
    for x in (-9, -4, 1):
        p.ink.stroke(p.at((x - 2, -29 + (x + 9)), (x + 5, -33 + (x + 9))), 1.8 * p.k, p.c.accent)


def _headphones(p: _Place) -> None:
    p.ink.stroke(p.bow(0, -26, 24, 28, a=180, b=360), 6 * p.k, p.c.ink)
    for side in (-1, 1):
        p.ink.oval(*p.at((side * 24, -18))[0], 9 * p.k, 15 * p.k, p.c.brand)
        p.ink.oval(*p.at((side * 18, -18))[0], 5 * p.k, 12 * p.k, p.c.accent)
    p.disc(-26, -18, 3, p.mark)
    p.disc(26, -18, 3, p.mark)


def _bowl(p: _Place) -> None:
    for x, r in ((-11, 9), (3, 11), (14, 8)):
        p.disc(x, -28, r, p.c.accent)
    p.ink.shape(p.bow(0, -27, 27, 27, a=0, b=180), p.c.brand)
    p.slab(-30, -30, 30, -24, r=3, colour=p.mark)


def _parcel(p: _Place) -> None:
    p.ink.shape(p.at((-24, -40), (0, -50), (24, -40), (0, -31)), mix(p.c.brand, p.c.paper, 0.35))
    p.ink.shape(p.at((-24, -40), (0, -31), (0, 0), (-24, -9)), p.c.brand)
    p.ink.shape(p.at((24, -40), (0, -31), (0, 0), (24, -9)), mix(p.c.brand, p.c.ink, 0.3))
    p.ink.shape(p.at((-14, -44), (-7, -47), (17, -38), (10, -35)), p.c.accent)


_PRODUCTS: dict[str, Callable[[_Place], None]] = {
    "cup": _cup,
    "phone": _phone,
    "bottle": _bottle,
    "jar": _jar,
    "shoe": _shoe,
    "headphones": _headphones,
    "bowl": _bowl,
}
_SAID = (
    ("headphones", r"headphone|earphone|earbud|headset|audio gear"),
    ("shoe", r"shoe|sneaker|\btrainers?\b|running|\bboots?\b|socks?\b"),
    ("bottle", r"bottle|drink|juice|water|shampoo|perfume|serum|\bwine|\bbeer|\boil\b|soda"),
    ("cup", r"coffee|\bbrew|\btea\b|latte|espresso|cocoa|\bmug|\bcaf[eé]"),
    ("jar", r"cream|honey|\bjam\b|balm|skincare|moistur|candle|spice|granola|vitamin|supplement"),
    ("bowl", r"\bfoods?\b|\bmeals?\b|noodle|soup|breakfast|lunch|snack"),
    ("phone", r"\bapps?\b|software|platform|saas|online|subscription|\bbank|course|\bgame"),
)  # fmt: skip


def product_kind(prompt: str) -> str:
    """The stand-in that the prompt's words suggest; a parcel when they say nothing."""
    # The label lines after the idea speak of cameras and screens, not of the product.
    text = prompt.lower().partition("\nlook:")[0]
    found = [(m.start(), kind) for kind, words in _SAID if (m := re.search(words, text))]
    return min(found)[1] if found else "parcel"

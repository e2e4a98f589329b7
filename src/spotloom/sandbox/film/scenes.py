"""What each beat shows, by the choices of the combination."""

import math
import random
from collections.abc import Callable
from typing import NamedTuple

from spotloom.sandbox.film.palette import WHITE, Palette, Rgb, mix
from spotloom.sandbox.film.pens import Ink, Prop, arc, heart, star
from spotloom.sandbox.film.things import figure, product

Words = dict[str, str]


class Sheets(NamedTuple):
    """The three depths of a scene."""

    back: Ink
    main: Ink
    front: Ink

    @property
    def c(self) -> Palette:
        return self.main.colours


def scene(beat: int, *, side: int, colours: Palette, words: Words) -> list[Prop]:
    """The props of a beat, back to front, in a square of `side` pixels."""
    look = words.get("aesthetic", "")
    sheets = Sheets(*(Ink(side, look, colours) for _ in range(3)))
    if beat == 0:
        _HOOKS.get(words.get("funnelLevel", ""), _eye)(sheets, words)
    elif beat == 1:
        _STORIES.get(words.get("type", ""), _journey)(sheets, words)
    elif beat == 2:
        _payoff(sheets, words)
    else:
        _people(sheets, words)
    props = (sheet.prop(depth) for sheet, depth in zip(sheets, (0.25, 0.6, 1.0), strict=True))
    return [prop for prop in props if prop]


def _rays(ink: Ink, *, at: tuple[float, float], reach: tuple[float, float], turns: range) -> None:
    x, y = at
    for turn in turns:
        cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        ends = [(x + cos * r, y + sin * r) for r in reach]
        ink.stroke(ends, 3, ink.colours.accent)


def _plate(s: Sheets, colour: Rgb | None = None) -> None:
    s.back.disc(50, 50, 42, colour or mix(s.c.second, s.c.paper, 0.3))


# ---- hooks


def _eye(s: Sheets, _: Words) -> None:
    _plate(s)
    s.main.shape(
        [*arc(50, 79, 46, 46, a=217, b=323), *arc(50, 23.7, 46, 46, a=37, b=143)], s.c.paper
    )
    s.main.disc(50, 51, 15.5, s.c.brand)
    s.main.disc(50, 51, 7.5, s.c.ink)
    s.main.disc(55, 45, 3.6, WHITE)
    _rays(s.front, at=(50, 62), reach=(44, 54), turns=range(-130, -40, 20))


def _storm(s: Sheets, _: Words) -> None:
    _plate(s)
    grey = mix(s.c.ink, s.c.brand, 0.35)
    for x, y, r in ((30, 46, 17), (52, 36, 21), (72, 47, 16)):
        s.main.disc(x, y, r, grey)
    s.main.slab((17, 42, 86, 63), 10, grey)
    bolt = [(52, 50), (38, 75), (49, 75), (43, 97), (66, 67), (54, 67), (62, 50)]
    s.front.shape(bolt, s.c.accent)
    for x in (26, 76):
        for dx in (0, 8):
            s.main.stroke([(x + dx, 69), (x + dx - 3, 78)], 2.4, s.c.brand)


def _bulb(s: Sheets, _: Words) -> None:
    _plate(s)
    s.main.shape([*arc(50, 42, 25, 25, a=150, b=390), (61, 73), (39, 73)], s.c.accent)
    s.main.slab((38, 73, 62, 80), 2, s.c.ink)
    s.main.slab((41, 81, 59, 88), 3, s.c.ink)
    s.main.stroke([(43, 69), (41, 50), (50, 57), (59, 50), (57, 69)], 2, s.c.ink)
    _rays(s.front, at=(50, 42), reach=(33, 41), turns=range(-160, -10, 28))


def _lens(s: Sheets, words: Words) -> None:
    _plate(s)
    product(s.main, words["kind"], 48, 80, 1.0)
    s.front.stroke([(74, 70), (91, 89)], 7, s.c.ink)
    s.front.stroke(arc(56, 50, 25, 25), 5, s.c.ink)
    s.front.stroke(arc(56, 50, 19, 19, a=200, b=250), 2.5, WHITE)


def _basket(s: Sheets, _: Words) -> None:
    _plate(s)
    s.main.stroke(arc(50, 38, 15, 19, a=180, b=360), 4.5, s.c.ink)
    s.main.shape([(22, 36), (78, 36), (84, 92), (16, 92)], s.c.brand)
    s.front.shape(heart(50, 62, 14), s.c.accent)


_HOOKS: dict[str, Callable[[Sheets, Words], None]] = {
    "unaware": _eye,
    "problem-aware": _storm,
    "solution-aware": _bulb,
    "product-aware": _lens,
    "most-aware": _basket,
}


# ---- stories


_DIGITS = (
    [(-1.6, -2.4), (0, -4), (0, 4)],
    [(-2.4, -2.4), (-0.6, -4), (2.2, -3), (1.8, -0.4), (-2.6, 4), (2.8, 4)],
    [(-2.4, -4), (2.4, -4), (-0.2, -0.8), (2.4, 0.6), (2, 3.4), (-0.6, 4.2), (-2.6, 3)],
)


def _cards(s: Sheets, *, numbered: bool) -> None:
    for row in range(3):
        sheet = s.front if row == 1 else s.main
        x, y = 4 + row * 5, 8 + row * 29
        sheet.slab((x, y, x + 82, y + 25), 5, s.c.paper)
        tint = (s.c.brand, s.c.accent, s.c.second)[row]
        sheet.disc(x + 14, y + 12.5, 8.4, tint)
        grey = mix(s.c.paper, s.c.ink, 0.35)
        if numbered:
            sheet.stroke([(x + 14 + dx, y + 12.5 + dy) for dx, dy in _DIGITS[row]], 2, s.c.ink)
            sheet.slab((x + 29, y + 6, x + 72, y + 10.5), 2, mix(s.c.paper, s.c.ink, 0.8))
            sheet.slab((x + 29, y + 15, x + 60, y + 19), 2, grey)
        else:
            sheet.disc(x + 14, y + 10.6, 3.2, s.c.paper)
            sheet.shape(arc(x + 14, y + 19, 5, 4.4, a=180, b=360), s.c.paper)
            for n in range(5):
                sheet.shape(star(x + 32 + n * 9, y + 8.4, 4), s.c.accent)
            sheet.slab((x + 29, y + 16, x + 66, y + 19.6), 2, grey)


def _testimonial(s: Sheets, words: Words) -> None:
    s.back.disc(34, 58, 34, mix(s.c.second, s.c.paper, 0.3))
    figure(s.main, 31, 96, 1.2, shirt=s.c.brand, cast=_cast(words))
    s.front.shape([(54, 42), (68, 42), (51, 57)], s.c.paper)
    s.front.slab((42, 8, 98, 46), 8, s.c.paper)
    for n in range(5):
        s.front.shape(star(50 + n * 10, 20, 5), s.c.accent)
    for y, right in ((30, 90), (37, 77)):
        s.front.slab((48, y, right, y + 3.5), 1.5, mix(s.c.paper, s.c.ink, 0.45))


def _skit(s: Sheets, words: Words) -> None:
    figure(s.main, 25, 98, 1.05, shirt=s.c.brand, cast=_cast(words))
    figure(s.main, 75, 98, 1.05, shirt=s.c.accent, cast=_cast(words) + 1)
    s.front.shape([(18, 24), (30, 24), (24, 37)], s.c.paper)
    s.front.slab((5, 3, 48, 27), 8, s.c.paper)
    s.front.shape([(70, 30), (82, 30), (78, 42)], s.c.second)
    s.front.slab((55, 12, 95, 33), 8, s.c.second)
    for n in range(3):
        s.front.disc(17 + n * 9.5, 15, 2.6, s.c.ink)
    s.front.stroke([(63, 23), (71, 19), (79, 26), (87, 20)], 2.4, s.c.ink)


def _landscape(s: Sheets, words: Words) -> None:
    """Three frames of a film, each a closer look."""
    s.back.slab((2, 4, 98, 60), 4, mix(s.c.second, s.c.paper, 0.45))
    s.back.disc(70, 24, 12, s.c.accent)
    s.back.shape([(4, 58), (28, 18), (46, 46), (58, 30), (96, 58)], s.c.brand)
    s.back.shape([(28, 18), (34, 27.5), (29, 31), (25, 28), (22, 28)], s.c.paper)
    s.main.slab((2, 65, 47, 97), 4, s.c.accent)
    product(s.main, words["kind"], 24, 94, 0.44)
    s.front.slab((53, 65, 98, 97), 4, s.c.brand)
    figure(s.front, 75, 96, 0.5, shirt=s.c.paper, cast=_cast(words))


def _journey(s: Sheets, _: Words) -> None:
    s.back.disc(72, 24, 15, s.c.accent)
    s.main.shape([(50, 58), (8, 48), (8, 86), (50, 96)], s.c.paper)
    s.main.shape([(50, 58), (92, 48), (92, 86), (50, 96)], mix(s.c.paper, s.c.brand, 0.2))
    for n in range(3):
        for side in (-1, 1):
            inner, outer = (50 + side * 8, 65 + n * 8), (50 + side * 35, 59 + n * 8)
            s.main.stroke([inner, outer], 1.6, mix(s.c.paper, s.c.ink, 0.4))
    path = [(50 + 20 * math.sin(t / 6.4), 56 - t * 1.02) for t in range(47)]
    s.front.stroke(path, 2.8, s.c.brand)
    s.front.shape(star(*path[-1], 9), s.c.brand)


def _letter(s: Sheets, _: Words) -> None:
    s.main.slab((3, 16, 97, 82), 5, s.c.ink)
    s.main.slab((7, 20, 93, 70), 2, mix(s.c.brand, s.c.ink, 0.25))
    for n, top in enumerate((59, 53, 45, 33)):
        s.main.slab((15 + n * 11, top, 23 + n * 11, 67), 1.5, mix(s.c.accent, s.c.paper, 0.2))
    s.main.slab((9, 74.4, 91, 77.4), 1, mix(s.c.ink, s.c.paper, 0.4))
    s.main.slab((9, 74.4, 46, 77.4), 1, s.c.accent)
    s.front.disc(73, 46, 14, s.c.accent)
    s.front.shape([(69, 38), (81, 46), (69, 54)], s.c.ink)


def _television(s: Sheets, words: Words) -> None:
    """A television of its decade with the product on it."""
    old = words.get("type", "").startswith("vintage")
    shell = {"vintage-80s-ad": s.c.ink, "vintage-2000s-ad": mix(s.c.paper, s.c.ink, 0.18)}
    right = 72 if old else 91
    if old:
        for tip in (26, 74):
            s.back.stroke([(50, 25), (tip, 4)], 1.8, s.c.ink)
    s.main.slab((24, 84, 33, 92), 1, s.c.ink)
    s.main.slab((67, 84, 76, 92), 1, s.c.ink)
    s.main.slab((5, 22, 95, 86), 9 if old else 4, shell.get(words.get("type", ""), s.c.brand))
    s.main.slab((10, 27, right, 81), 8 if old else 2, mix(s.c.second, s.c.ink, 0.15))
    if old:
        s.main.disc(83.5, 39, 5.5, s.c.accent)
        s.main.disc(83.5, 54, 5.5, s.c.paper)
        for y in (66, 70.5, 75):
            s.main.stroke([(79, y), (88, y)], 1.5, mix(s.c.ink, s.c.paper, 0.5))
    middle = (10 + right) / 2
    s.front.shape(star(middle, 54, 25, points=12 if old else 9, inner=0.74), s.c.accent)
    product(s.front, words["kind"], middle, 67, 0.5)


_STORIES: dict[str, Callable[[Sheets, Words], None]] = {
    "listicle": lambda s, _: _cards(s, numbered=True),
    "review-social-proof": lambda s, _: _cards(s, numbered=False),
    "review-testimonial": _testimonial,
    "skit": _skit,
    "broll-visual-narrative": _landscape,
    "storytime": _journey,
    "vsl": _letter,
    "modern-tv-ad": _television,
    "vintage-2000s-ad": _television,
    "vintage-90s-ad": _television,
    "vintage-80s-ad": _television,
}


# ---- payoff and call to action


def _payoff(s: Sheets, words: Words) -> None:
    mood = words.get("mood", "")
    if mood in {"unhinged", "shocking", "intense"}:
        s.back.shape(star(50, 46, 46, points=16, inner=0.76), s.c.accent)
    else:
        s.back.disc(50, 46, 41, mix(s.c.accent, s.c.paper, 0.35))
    s.main.oval(50, 87, 38, 8, mix(s.c.second, s.c.ink, 0.3))
    s.main.oval(50, 82.5, 38, 8, s.c.second)
    product(s.main, words["kind"], 50, 84, 1.12)
    chance = random.Random(words["seed"])  # noqa: S311 - decoration, not a secret
    for n in range(9):
        turn, far = math.radians(200 + n * 17.5), 41 + chance.random() * 6
        x, y = 50 + far * math.cos(turn), 54 + far * math.sin(turn)
        if n % 3 == 0:
            s.front.shape(star(x, y, 5, points=4, inner=0.38), s.c.paper)
        elif n % 3 == 1:
            s.front.disc(x, y, 2.4, s.c.brand)
        else:
            s.front.disc(x, y, 1.6, s.c.accent)


# Per life stage: where each figure stands, its size and what it wears.
_GROUPS: dict[str, tuple[tuple[float, float, str], ...]] = {
    "people": ((24, 0.9, ""), (76, 0.9, ""), (50, 1.12, "")),
    "student": ((50, 1.32, "cap"),),
    "early-career": ((50, 1.35, "bag"),),
    "established": ((50, 1.35, "tie"),),
    "unmarried-couple": ((33, 1.12, ""), (68, 1.08, "")),
    "married-couple": ((33, 1.12, "tie"), (68, 1.08, "")),
    "parents": ((26, 1.08, ""), (74, 1.08, ""), (50, 0.7, "")),
    "retired": ((33, 1.1, "glasses"), (68, 1.08, "glasses")),
}


def _cast(words: Words) -> int:
    return {"male": 0, "female": 1, "non-binary": 2}.get(
        words.get("gender", ""), len(words["seed"])
    )


def _people(s: Sheets, words: Words) -> None:
    stage = words.get("lifeStage", "")
    _plate(s, mix(s.c.brand, s.c.paper, 0.4))
    small = 0.8 if words.get("ageGeneration") == "gen-alpha" else 1.0
    for n, (x, size, wears) in enumerate(_GROUPS.get(stage, ((50, 1.35, ""),))):
        shirt = (s.c.accent, s.c.second, s.c.brand)[n % 3]
        figure(s.main, x, 94, size * small, shirt=shirt, wears=wears, cast=_cast(words) + n)
    for x, y, r in ((11, 20, 5), (89, 28, 6.5), (83, 10, 3.5)):
        close = "couple" in stage or stage == "parents"
        points = heart(x, y, r) if close else star(x, y, r * 1.2, points=4, inner=0.4)
        s.front.shape(points, s.c.accent)

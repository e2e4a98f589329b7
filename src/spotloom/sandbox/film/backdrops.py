"""What lies behind a beat: its ground, the pattern of its type of ad, the light of its look."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw

from spotloom.sandbox.film.palette import WHITE, Rgb, mix


@dataclass(frozen=True, slots=True)
class _Field:
    """Where a pattern is drawn, in white on black."""

    draw: ImageDraw.ImageDraw
    w: int
    h: int
    u: float
    chance: random.Random


def backdrop(
    size: tuple[int, int], *, ground: Rgb, tone: Rgb, kind: str, look: str, unit: float, seed: str
) -> Image.Image:
    """The picture behind a beat; `tone` is the pattern's colour on the ground."""
    picture = Image.new("RGB", size, ground)
    mask = Image.new("L", size, 0)
    chance = random.Random(seed)  # noqa: S311 - decoration, not a secret
    field = _Field(ImageDraw.Draw(mask), *size, unit, chance)
    if kind in _PATTERNS:
        _PATTERNS[kind](field)
        picture.paste(tone, (0, 0), mask)
    return _lit(picture, look, ground)


def _lit(picture: Image.Image, look: str, ground: Rgb) -> Image.Image:
    w, h = picture.size
    if look == "ugc":
        fall = Image.linear_gradient("L").resize((w, h))
        picture.paste(mix(ground, WHITE, 0.35), (0, 0), fall.point(lambda v: (255 - v) // 2))
    elif look in {"cinema", "animated-3d"}:
        dark, share = ((4, 4, 7), 0.85) if look == "cinema" else (mix(ground, WHITE, 0.5), 0)
        glow = Image.radial_gradient("L").resize((w, h), Image.Resampling.BILINEAR)
        if share:
            picture.paste(dark, (0, 0), glow.point(lambda v: round(v * share)))
        else:
            picture.paste(dark, (0, 0), glow.point(lambda v: max(0, 150 - v)))
    return picture


def _stripes(f: _Field) -> None:
    step = 120 * f.u
    for n in range(-int(f.h / step) - 1, int(f.w / step) + 2, 2):
        x = n * step
        f.draw.polygon([(x, f.h), (x + step, f.h), (x + step + f.h, 0), (x + f.h, 0)], fill=170)


def _squares(f: _Field) -> None:
    line = max(1, round(2 * f.u))
    for n in range(0, max(f.w, f.h), round(60 * f.u)):
        f.draw.line((n, 0, n, f.h), 150, line)
        f.draw.line((0, n, f.w, n), 150, line)


def _rings(f: _Field) -> None:
    for n in range(9, 0, -1):
        r, x, y = n * 105 * f.u, f.w * 0.8, f.h * 0.2
        f.draw.ellipse((x - r, y - r, x + r, y + r), fill=230 if n % 2 else 0)


def _dots(f: _Field) -> None:
    step, r = round(46 * f.u), 5 * f.u
    for row, y in enumerate(range(0, f.h, step)):
        for x in range(step // 2 * (row % 2), f.w, step):
            f.draw.ellipse((x - r, y - r, x + r, y + r), fill=235)


def _spotlights(f: _Field) -> None:
    w, h = f.w, f.h
    f.draw.polygon([(w * 0.2, 0), (w * 0.3, 0), (w * 0.72, h), (w * 0.05, h)], fill=190)
    f.draw.polygon([(w * 0.8, 0), (w * 0.7, 0), (w * 0.28, h), (w * 0.95, h)], fill=190)


def _hills(f: _Field) -> None:
    for n in range(3):
        level, phase = f.h * (0.60 + 0.14 * n), f.chance.random() * 6
        ridge = [
            (x, level + 34 * f.u * math.sin(x / (120 * f.u) + phase)) for x in range(0, f.w + 8, 8)
        ]
        f.draw.polygon([(0, f.h), *ridge, (f.w, f.h)], fill=85 * (n + 1))


def _sunset(f: _Field) -> None:
    w, h, u, r, cy = f.w, f.h, f.u, 270 * f.u, f.h * 0.40
    line = max(1, round(3 * u))
    f.draw.ellipse((w / 2 - r, cy - r, w / 2 + r, cy + r), fill=255)
    for n in range(7):
        y = cy - r * 0.1 + n * r * 0.17
        f.draw.rectangle((0, y, w, y + (3 + n * 2.6) * u), fill=0)
    f.draw.rectangle((0, h * 0.66, w, h), fill=0)
    for n in range(-14, 15):
        f.draw.line((w / 2 + n * 30 * u, h * 0.66, w / 2 + n * 190 * u, h), 220, line)
    for n in range(8):
        y = h * 0.66 + h * 0.34 * (n / 8) ** 2
        f.draw.line((0, y, w, y), 220, line)


def _confetti(f: _Field) -> None:
    line = round(10 * f.u)
    for n in range(24):
        x, y = f.chance.random() * f.w, (n + f.chance.random()) / 24 * f.h
        s = (16 + f.chance.random() * 20) * f.u
        if n % 3 == 0:
            zigzag = [(x + i * s * 0.7, y + (i % 2) * s) for i in range(5)]
            f.draw.line(zigzag, 255, line, "curve")
        elif n % 3 == 1:
            f.draw.ellipse((x, y, x + 2 * s, y + 2 * s), outline=255, width=line)
        else:
            f.draw.polygon([(x, y), (x + 2 * s, y + s * 0.6), (x + s * 0.6, y + 2 * s)], fill=255)


def _bubbles(f: _Field) -> None:
    for n in range(14):
        x, y = f.chance.random() * f.w, (n + f.chance.random()) / 14 * f.h
        r = (30 + f.chance.random() * 90) * f.u
        f.draw.ellipse((x - r, y - r, x + r, y + r), fill=140)
        f.draw.ellipse((x - r * 0.6, y - r * 0.7, x, y - r * 0.2), fill=255)


def _slants(f: _Field) -> None:
    w, h = f.w, f.h
    f.draw.polygon([(0, h * 0.62), (w, h * 0.30), (w, h), (0, h)], fill=255)
    f.draw.polygon([(0, h * 0.86), (w, h * 0.62), (w, h), (0, h)], fill=120)


_PATTERNS: dict[str, Callable[[_Field], None]] = {
    "listicle": _stripes,
    "vsl": _squares,
    "review-social-proof": _rings,
    "review-testimonial": _rings,
    "storytime": _dots,
    "skit": _spotlights,
    "broll-visual-narrative": _hills,
    "vintage-80s-ad": _sunset,
    "vintage-90s-ad": _confetti,
    "vintage-2000s-ad": _bubbles,
    "modern-tv-ad": _slants,
}

"""The colours of an animatic: a brand's own hues, tempered by mood and aesthetic."""

import hashlib
import math
import re
from dataclasses import dataclass

Rgb = tuple[int, int, int]

_HEX = re.compile(r"#([0-9a-f]{6})\b", re.IGNORECASE)
# Colours that a prompt may ask for by name, as hues in OKLCH.
_HUES: dict[str, float] = {
    "red": 27, "crimson": 18, "coral": 35, "terracotta": 42, "orange": 55, "amber": 75,
    "yellow": 100, "lime": 125, "olive": 112, "moss": 128, "green": 148, "mint": 165,
    "teal": 190, "turquoise": 195, "blue": 258, "navy": 262, "indigo": 278, "violet": 295,
    "purple": 305, "lilac": 310, "magenta": 335, "pink": 355,
}  # fmt: skip
_NAMED = re.compile(rf"\b({'|'.join(_HUES)})\b", re.IGNORECASE)
WHITE: Rgb = (255, 255, 255)
AA = 4.5  # WCAG 2.2, 1.4.3: text against its ground


@dataclass(frozen=True, slots=True)
class Temper:
    """A mood's way with colour and time."""

    grounds: tuple[tuple[str, float, float], ...]  # per beat: hue of (b)rand or (a)ccent, L, C
    turn: float  # degrees from the brand's hue to the accent's
    chroma: float
    pace: float  # how fast things move; 1 is calm
    entry: str  # how type comes in


_TEMPERS = {
    "wholesome": Temper(
        (("b", 0.93, 0.045), ("a", 0.92, 0.06), ("b", 0.88, 0.08), ("a", 0.94, 0.05)),
        55, 0.15, 0.85, "rise",
    ),
    "unhinged": Temper(
        (("a", 0.88, 0.19), ("b", 0.62, 0.23), ("a", 0.80, 0.19), ("b", 0.46, 0.23)),
        150, 0.25, 1.7, "pop",
    ),
    "intense": Temper(
        (("b", 0.22, 0.06), ("b", 0.30, 0.11), ("a", 0.24, 0.07), ("b", 0.40, 0.16)),
        -35, 0.21, 1.35, "slide",
    ),
    "professional": Temper(
        (("b", 0.97, 0.008), ("b", 0.94, 0.02), ("b", 0.28, 0.05), ("b", 0.96, 0.012)),
        25, 0.13, 1.0, "rise",
    ),
    "shocking": Temper(
        (("b", 0.14, 0.01), ("a", 0.86, 0.19), ("b", 0.14, 0.01), ("a", 0.60, 0.24)),
        180, 0.26, 1.6, "snap",
    ),
}  # fmt: skip
_CALM = Temper(
    (("b", 0.95, 0.025), ("a", 0.92, 0.05), ("b", 0.36, 0.09), ("b", 0.94, 0.04)),
    40, 0.16, 1.0, "rise",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """What every beat is painted with."""

    brand: Rgb
    accent: Rgb
    second: Rgb
    ink: Rgb
    paper: Rgb
    grounds: tuple[Rgb, Rgb, Rgb, Rgb]
    pace: float
    entry: str


def palette(brand: str, *, prompt: str, mood: str, aesthetic: str) -> Palette:
    """A brand's palette; the same words give the same colours."""
    hue, own = _hue(brand, prompt)
    temper = _TEMPERS.get(mood, _CALM)
    turned = (hue + temper.turn) % 360
    hues = {"b": hue, "a": turned}
    grounds = tuple(_ground(hues[h], lightness, c, aesthetic) for h, lightness, c in temper.grounds)
    return Palette(
        brand=own or oklch(0.62, temper.chroma, hue),
        accent=oklch(0.74, temper.chroma, turned),
        second=oklch(0.70, temper.chroma * 0.8, hue + temper.turn * -0.6 - 20),
        ink=oklch(0.20, 0.03, hue),
        paper=oklch(0.985, 0.008, hue),
        grounds=(grounds[0], grounds[1], grounds[2], grounds[3]),
        pace=temper.pace,
        entry=temper.entry,
    )


def _ground(hue: float, lightness: float, chroma: float, aesthetic: str) -> Rgb:
    """The mood's ground under an aesthetic: film is dark, drawn work is bold."""
    if aesthetic == "cinema":
        lightness, chroma = 0.12 + lightness * 0.17, min(chroma, 0.09) * 0.6 + 0.015
    elif aesthetic == "animated-2d":
        chroma = min(chroma * 1.9 + 0.02, 0.2)
        lightness = lightness - 0.06 if lightness > 0.8 else lightness
    elif aesthetic == "animated-3d":
        chroma = chroma * 1.25 + 0.01
    elif aesthetic == "professional":
        chroma *= 0.6
    return oklch(lightness, chroma, hue)


def _hue(brand: str, prompt: str) -> tuple[float, Rgb | None]:
    """The brand's hue: from the first colour that the prompt asks for, else from its name."""
    written = _HEX.search(prompt)
    if written:
        digits = written[1]
        own = (int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16))
        hue, chroma = _hue_of(own)
        if chroma > 0.03:
            return hue, own
    if named := _NAMED.search(prompt):
        return _HUES[named[1].lower()], None
    name = " ".join(brand.casefold().split()) or "spotloom"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:2], "big") / 65536 * 360, None


def _linear(channel: float) -> float:
    c = channel / 255
    return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4


def _hue_of(colour: Rgb) -> tuple[float, float]:
    r, g, b = (_linear(c) for c in colour)
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return math.degrees(math.atan2(b, a)) % 360, math.hypot(a, b)


def oklch(lightness: float, chroma: float, hue: float) -> Rgb:
    """An sRGB colour from OKLCH; chroma gives way where the screen cannot show it."""
    for step in range(24):
        linear = _oklab(lightness, chroma * (1 - step / 24), hue)
        if all(-0.001 <= c <= 1.001 for c in linear):
            break
    else:
        linear = _oklab(lightness, 0, hue)
    channels = [_encoded(min(max(c, 0), 1)) for c in linear]
    return channels[0], channels[1], channels[2]


def _oklab(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _encoded(linear: float) -> int:
    c = linear * 12.92 if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return round(c * 255)


def luminance(colour: Rgb) -> float:
    """WCAG's relative luminance."""
    r, g, b = (_linear(c) for c in colour)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: Rgb, other: Rgb) -> float:
    """WCAG's contrast ratio of two colours."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """`one` with a share of `other` in it."""
    r, g, b = (round(x + (y - x) * share) for x, y in zip(one, other, strict=True))
    return r, g, b


def readable(wanted: Rgb, *grounds: Rgb, ratio: float = AA) -> Rgb:
    """The wanted colour, moved towards black or white until it reads on every ground."""
    ends = sorted(
        ((0, 0, 0), WHITE), key=lambda end: min(contrast(end, g) for g in grounds), reverse=True
    )
    for share in (0, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.9, 1):
        found = mix(wanted, ends[0], share)
        if all(contrast(found, g) >= ratio for g in grounds):
            return found
    return ends[0]

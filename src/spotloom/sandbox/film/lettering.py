"""Type: which face a look speaks in, what it can draw, and words set to fit their box."""

import io
import re
import unicodedata
from bisect import bisect
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from PIL import Image, ImageDraw, ImageFont

from spotloom.sandbox.film.palette import Rgb

MEDIUM, SEMIBOLD = "Inter-Medium.otf", "Inter-SemiBold.otf"
BOLD, BLACK = "InterDisplay-Bold.otf", "InterDisplay-Black.otf"
_SERIF, _ROUND = "InstrumentSerif-Regular.ttf", "Fredoka-SemiBold.ttf"

_MOST = 240  # characters that any one text can show
_SIGNS = frozenset("\u2013\u2014&+→\u00d7")

# Per aesthetic: the headline's face, its size beside the others, its line height.
_VOICES = {
    "cinema": (_SERIF, 1.16, 1.0),
    "animated-2d": (_ROUND, 1.04, 1.05),
    "animated-3d": (_ROUND, 1.0, 1.05),
    "professional": (BOLD, 0.92, 1.1),
    "ugc": (BLACK, 0.86, 1.28),
}


@dataclass(frozen=True, slots=True)
class Voice:
    """A headline's face, relative size and line height."""

    face: str
    scale: float
    leading: float


def voice(aesthetic: str, text: str) -> Voice:
    """The headline's voice for a look; Inter where the look's own face lacks a letter."""
    face, scale, leading = _VOICES.get(aesthetic, (BLACK, 0.94, 1.08))
    if all(_drawable(ch, face) for ch in set(text)):
        return Voice(face, scale, leading)
    return Voice(BLACK, 0.92, leading)


@lru_cache(maxsize=24)  # each holds a copy of its file
def font(face: str, size: int) -> ImageFont.FreeTypeFont:
    """A face of ours at a size in pixels."""
    file = io.BytesIO((files("spotloom.sandbox.film") / "fonts" / face).read_bytes())
    return ImageFont.truetype(file, max(1, size), layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4096)
def _drawable(character: str, face: str) -> bool:
    if character.isspace():
        return True
    probe = font(face, 20)
    missing = probe.getmask("\uffff")
    drawn = probe.getmask(character)
    return drawn.size != missing.size or bytes(drawn) != bytes(missing)


def clean(text: str) -> str:
    """The text with everything removed or replaced that our type cannot draw."""
    text = unicodedata.normalize("NFC", text)
    out = []
    for ch in text:
        if ch.isspace():
            out.append(" ")
        elif unicodedata.category(ch)[0] == "C":
            continue
        elif _drawable(ch, MEDIUM):
            out.append(ch)
        else:
            plain = unicodedata.normalize("NFKD", ch)
            out.extend(c for c in plain if not unicodedata.combining(c) and _drawable(c, MEDIUM))
    # What is left of a sentence in another script is stray punctuation: better nothing.
    kept = [w for w in "".join(out).split() if any(c.isalnum() for c in w) or w in _SIGNS]
    return re.sub(r"\s+([,.;:!?])", r"\1", " ".join(kept) if any(map(_says, kept)) else "").strip()


def _says(word: str) -> bool:
    return any(c.isalnum() for c in word)


def width(text: str, face: str, size: int) -> int:
    """How wide a line is drawn, in pixels."""
    return round(font(face, size).getlength(text))


def wrapped(text: str, face: str, size: int, room: int) -> list[str]:
    """The text in lines no wider than `room`; a word that is too long is broken."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        trial = f"{line} {word}".strip()
        if width(trial, face, size) <= room:
            line = trial
            continue
        if line:
            lines.append(line)
        *broken, line = _broken(word, face, size, room)
        lines += broken
    return [*lines, line] if line else lines


def _broken(word: str, face: str, size: int, room: int) -> list[str]:
    """A word in pieces that fit, all but the last with a hyphen."""
    pieces = []

    def wide(letters: int) -> int:
        return width(word[:letters] + "-", face, size)

    while len(word) > 1 and width(word, face, size) > room:
        cut = max(1, bisect(range(1, min(len(word), 64)), room, key=wide))
        pieces.append(word[:cut] + "-")
        word = word[cut:]
    return [*pieces, word]


@dataclass(frozen=True, slots=True)
class Setting:
    """Words set in lines: what `fit` found."""

    lines: tuple[str, ...]
    face: str
    size: int
    step: int  # from one baseline to the next

    @property
    def height(self) -> int:
        return self.step * len(self.lines)

    @property
    def width(self) -> int:
        return max((width(line, self.face, self.size) for line in self.lines), default=0)


def fit(
    text: str, face: str, *, room: tuple[int, int], sizes: tuple[int, int], leading: float = 1.2
) -> Setting:
    """The text at the largest size that fits the room; cut with an ellipsis at the smallest."""
    largest, smallest = sizes
    text = text[:_MOST]
    size = largest
    while size >= smallest:
        lines = wrapped(text, face, size, room[0])
        broken = _splits(lines, text)
        fits = len(lines) * round(size * leading) <= room[1]
        if fits and (not broken or size <= smallest * 1.1):
            lines = _balanced(text, face, size, room[0])
            return Setting(tuple(lines), face, size, round(size * leading))
        size -= max(1, size // 16)
    step = round(smallest * leading)
    lines = wrapped(text, face, smallest, room[0])
    most = max(1, room[1] // step)
    if len(lines) > most:
        last = " ".join(lines[most - 1 :])
        while last and width(last + "…", face, smallest) > room[0]:
            last = last[:-1].rstrip()
        lines = [*lines[: most - 1], last.rstrip(",;:.-") + "…"]
    return Setting(tuple(lines), face, smallest, step)


def _balanced(text: str, face: str, size: int, room: int) -> list[str]:
    """The same number of lines, of more equal length: no word is left alone on the last."""
    best = lines = wrapped(text, face, size, room)
    low, high = room // 2, room
    while high - low > 8:
        middle = (low + high) // 2
        lines = wrapped(text, face, size, middle)
        if len(lines) == len(best) and not _splits(lines, text):
            best, high = lines, middle
        else:
            low = middle
    return best


def _splits(lines: list[str], text: str) -> bool:
    """Whether a word had to be broken to fit."""
    words = set(text.split())
    return any(line.endswith("-") and line.split()[-1] not in words for line in lines)


def line_picture(text: str, face: str, size: int, colour: Rgb) -> Image.Image:
    """One line on glass, with room for its accents above and its tails below."""
    type_ = font(face, size)
    ascent = round(size * 1.02)
    box = (max(1, round(type_.getlength(text)) + 4), round(size * 1.34))
    picture = Image.new("RGBA", box, (*colour, 0))
    ImageDraw.Draw(picture).text((2, ascent), text, font=type_, fill=(*colour, 255), anchor="ls")
    return picture

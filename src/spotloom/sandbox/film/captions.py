"""Words as pictures: tags, headlines, chips, the permanent label and the thread of beats."""

import math

from PIL import Image, ImageDraw

from spotloom.sandbox.film import lettering
from spotloom.sandbox.film.lettering import BOLD, MEDIUM, SEMIBOLD, Setting, line_picture
from spotloom.sandbox.film.palette import WHITE, Rgb, mix, readable

LABEL = "ANIMATIC · drawn locally, not AI footage"
NIGHT: Rgb = (6, 6, 8)
_LABEL_GROUND: Rgb = (22, 22, 28)
_CAPTION: Rgb = (16, 16, 20)


def pill(width: int, height: int, colour: Rgb, radius: int) -> Image.Image:
    """A filled rectangle with round corners, on glass."""
    mask = Image.new("L", (width * 3, height * 3), 0)
    ImageDraw.Draw(mask).rounded_rectangle(
        (0, 0, width * 3 - 1, height * 3 - 1), min(radius * 3, height * 3 // 2), fill=255
    )
    picture = Image.new("RGBA", (width, height), (*colour, 0))
    picture.putalpha(mask.reduce(3))
    return picture


def _set(onto: Image.Image, words: Image.Image, x: int) -> None:
    """Put a line into a pill, centred on its small letters."""
    onto.alpha_composite(words, (x, max(0, round((onto.height - words.height * 1.02) / 2))))


def label(u: float) -> Image.Image:
    """What every frame says: that this is an animatic."""
    words = line_picture(LABEL, SEMIBOLD, round(25 * u), WHITE)
    picture = pill(words.width + round(36 * u), round(46 * u), _LABEL_GROUND, round(23 * u))
    _set(picture, words, round(18 * u))
    return picture


def thread(width: int, u: float, colour: Rgb) -> Image.Image:
    """A woven line with a knot where each beat ends."""
    fine, high = 3, round(26 * u)
    picture = Image.new("RGBA", (width * fine, high * fine), (*colour, 0))
    draw = ImageDraw.Draw(picture)
    r, middle, reach = round(6 * u) * fine, high * fine / 2, round(4.5 * u) * fine
    end = width * fine - r
    wave = width * fine / 8
    points = [(x, middle + reach * math.sin(math.tau * x / wave)) for x in range(r, end, fine * 2)]
    draw.line(points, (*colour, 255), round(4 * u) * fine, joint="curve")
    for knot in range(1, 5):
        x = end * knot / 4
        draw.ellipse((x - r, middle - r, x + r, middle + r), (*colour, 255))
    return picture.reduce(fine)


def wordmark(brand: str, u: float, room: int) -> Image.Image:
    """The brand's name in the head of the picture, in one line."""
    name = lettering.clean(brand) or "Storyboard"
    found = lettering.fit(
        name, BOLD, room=(room, round(42 * u)), sizes=(round(33 * u), round(22 * u))
    )
    return line_picture(found.lines[0], found.face, found.size, WHITE)


def headline(setting: Setting, tone: Rgb, *, captioned: bool, u: float) -> list[Image.Image]:
    """A headline's lines; `captioned` puts each on a white strip, as phone videos do."""
    if not captioned:
        return [line_picture(li, setting.face, setting.size, tone) for li in setting.lines]
    strips = []
    for line in setting.lines:
        words = line_picture(line, setting.face, setting.size, _CAPTION)
        strip = pill(words.width + round(24 * u), setting.step, WHITE, round(12 * u))
        strip.alpha_composite(words, (round(12 * u), max(0, (strip.height - words.height) // 2)))
        strips.append(strip)
    return strips


def paragraph(setting: Setting, tone: Rgb) -> list[Image.Image]:
    """A paragraph's lines."""
    return [line_picture(line, setting.face, setting.size, tone) for line in setting.lines]


def body(text: str, room: tuple[int, int], u: float) -> Setting | None:
    """The small text set in its room; None when there is nothing to say or no room."""
    text = lettering.clean(text)
    if not text or room[1] < round(34 * u):
        return None
    return lettering.fit(
        text, MEDIUM, room=room, sizes=(round(33 * u), round(26 * u)), leading=1.32
    )


def tag(text: str, room: int, u: float, *, fill: Rgb, ink: Rgb, button: bool) -> Image.Image:
    """A filled tag above the headline; on the last beat it is the button."""
    size, inset = round((42 if button else 28) * u), round((36 if button else 18) * u)
    face = BOLD if button else SEMIBOLD
    found = lettering.fit(
        lettering.clean(text) or "Next",
        face,
        room=(room - 2 * inset, round(size * 1.3)),
        sizes=(size, round(22 * u)),
    )
    words = line_picture(found.lines[0], face, found.size, readable(ink, fill))
    high = round(size * (2.0 if button else 1.72))
    picture = pill(words.width + 2 * inset, high, fill, high // 2 if button else round(10 * u))
    _set(picture, words, inset)
    return picture


def chips(
    names: tuple[str, ...], room: int, u: float, *, ground: Rgb, tone: Rgb, people: bool
) -> list[list[Image.Image]]:
    """The combination's choices as rows of pills; those of the audience carry a figure."""
    fill = mix(ground, tone, 0.14)
    ink, gap = readable(tone, fill), round(10 * u)
    rows: list[list[Image.Image]] = []
    used = room
    for name in names:
        chip = _chip(lettering.clean(name) or "…", u, fill=fill, ink=ink, figure=people)
        if used + gap + chip.width > room:
            rows.append([])
            used = -gap
        rows[-1].append(chip)
        used += gap + chip.width
    return rows[:2]


def _chip(name: str, u: float, *, fill: Rgb, ink: Rgb, figure: bool) -> Image.Image:
    words = line_picture(name, SEMIBOLD, round(25 * u), ink)
    high, inset, head = round(48 * u), round(17 * u), round(31 * u) if figure else 0
    picture = pill(words.width + 2 * inset + head, high, fill, high // 2)
    if figure:
        side = round(high * 0.5)
        picture.alpha_composite(_person(side, ink), (inset, (high - side) // 2))
    _set(picture, words, inset + head)
    return picture


def _person(side: int, colour: Rgb) -> Image.Image:
    s = side * 4
    picture = Image.new("RGBA", (s, s), (*colour, 0))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((s * 0.28, s * 0.02, s * 0.72, s * 0.46), (*colour, 255))
    draw.pieslice((s * 0.08, s * 0.54, s * 0.92, s * 1.5), 180, 360, (*colour, 255))
    return picture.reduce(4)

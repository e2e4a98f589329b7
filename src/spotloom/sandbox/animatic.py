"""Draws an animatic: four beats laid out, set in motion, and written as a film."""

import io
import math
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from spotloom.sandbox import lettering, scenes, sound
from spotloom.sandbox.encode import FPS, OPAQUE, Box, Canvas, Layer, write
from spotloom.sandbox.palette import WHITE, Palette, Rgb, mix, palette, readable
from spotloom.sandbox.storyboard import Beat, Order, Storyboard

LABEL = "ANIMATIC · drawn locally, not AI footage"
_SHARES = (0.27, 0.53, 0.78)  # where the second, third and fourth beat begin


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of the layout: corner and size in pixels."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that enters a beat and stays."""

    layer: Layer
    x: int
    y: int
    delay: float  # seconds after the beat begins; below zero: with its transition
    entry: str
    depth: float = 0.0
    sway: float = 0.0


@dataclass(frozen=True, slots=True)
class Stage:
    """One beat, drawn and ready to be played."""

    ground: Layer
    items: tuple[Item, ...]


def render(order: Order, path: Path) -> None:
    """A finished MP4 of the order at `path`; the same order gives the same film."""
    board = Storyboard(order)
    play = Play(board)
    bounds = play.bounds
    bed = sound.bed(
        board.sound,
        seconds=order.seconds,
        cuts=tuple(b / FPS for b in bounds[: 4 if order.loop else 3][0 if order.loop else 0 :]),
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
    """A WebP of the frame that tells most: the hook, all words in."""
    play = Play(Storyboard(order))
    canvas = play.frame(max(0, play.bounds[0] - play.push - 1))
    picture = Image.fromarray(canvas.frame.to_ndarray(format="rgb24"))
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=82, method=4)
    return out.getvalue()


class Play:
    """An order's film, frame by frame."""

    def __init__(self, board: Storyboard) -> None:
        order = board.order
        self.board, self.order = board, order
        self.total = order.seconds * FPS
        starts = [0, *(round(self.total * share) for share in _SHARES)]
        self.starts = starts
        self.bounds = [*starts[1:], self.total]
        look = board.value("aesthetic")
        self.colours = palette(
            board.brand, prompt=order.prompt, mood=board.value("mood"), aesthetic=look
        )
        shortest = min(b - a for a, b in zip(starts, self.bounds, strict=True))
        self.push = max(2, min(round(11 / self.colours.pace), shortest // 3))
        self.haste = min(1.0, shortest / FPS / 2.0) / self.colours.pace
        self.sheet = Sheet(board, self.colours)
        self._stages: dict[int, Stage] = {}

    def frames(self) -> Iterator[Canvas]:
        """Every frame in order; no more than two beats are held at once."""
        for number in range(self.total):
            yield self.frame(number)

    def stage(self, beat: int) -> Stage:
        if beat not in self._stages:
            for old in [b for b in self._stages if b != (beat - 1) % 4]:
                del self._stages[old]
            self._stages[beat] = self.sheet.stage(beat)
        return self._stages[beat]

    def frame(self, number: int) -> Canvas:
        """One frame, composed."""
        canvas = Canvas(self.order.width, self.order.height)
        beat = next(i for i, bound in enumerate(self.bounds) if number < bound)
        left = self.bounds[beat] - number
        lead = 0.0 if self.order.loop or beat else 0.45
        t = (number - self.starts[beat]) / FPS + lead
        moving = left <= self.push and (beat < 3 or self.order.loop)
        if not moving:
            self._play(canvas, beat, t, 0)
        else:
            share = _ease(1 - left / (self.push + 1))
            across = self.sheet.across
            gone = round(across * share / 2) * 2
            self._play(canvas, beat, t, -gone)
            self._play(canvas, (beat + 1) % 4, -left / FPS, across - gone)
        self._head(canvas, number, beat, left if moving else 0)
        return canvas

    def _play(self, canvas: Canvas, beat: int, t: float, away: int) -> None:
        stage, sheet = self.stage(beat), self.sheet
        span = (self.bounds[beat] - self.starts[beat]) / FPS
        ox, oy = (away, 0) if sheet.wide else (0, away)
        clip = Box(
            max(ox, 0), max(oy, 0), canvas.box.right + min(ox, 0), canvas.box.bottom + min(oy, 0)
        )
        pan = (t / span - 0.5) * sheet.pad * 1.6
        stage.ground.lay(canvas, ox - sheet.pad - round(pan), oy - sheet.pad, clip=clip)
        for item in stage.items:
            _place(canvas, item, t=t, haste=self.haste, u=sheet.u, away=(ox, oy), pan=pan, clip=clip)

    def _head(self, canvas: Canvas, number: int, beat: int, left: int) -> None:
        """What never moves: the brand, the thread of the beats and the label."""
        sheet = self.sheet
        for layer, x, y in sheet.fixed:
            layer.lay(canvas, x, y)
        layer, x, y = sheet.thread
        done = beat + (number - self.starts[beat]) / max(1, self.bounds[beat] - self.starts[beat])
        head = round(layer.width * done / 4)
        tail = 0
        if left and beat == 3:
            tail = round(layer.width * _ease(1 - left / (self.push + 1)))
        layer.lay(canvas, x, y, clip=Box((x + tail) & ~1, 0, (x + head) & ~1, canvas.box.bottom))
        name, nx, ny = sheet.names[(beat + 1) % 4 if left > 0 and left <= self.push / 2 else beat]
        name.lay(canvas, nx, ny)


def _ease(x: float) -> float:
    """Slow, fast, slow."""
    x = min(max(x, 0.0), 1.0)
    return x * x * x * (x * (6 * x - 15) + 10)


def _out(x: float) -> float:
    """Fast, then settling."""
    return 1 - (1 - min(max(x, 0.0), 1.0)) ** 4


def _back(x: float) -> float:
    """Fast, a little too far, and back."""
    x = min(max(x, 0.0), 1.0) - 1
    return 1 + 2.4 * x**3 + 1.4 * x * x


def _place(
    canvas: Canvas,
    item: Item,
    *,
    t: float,
    haste: float,
    u: float,
    away: tuple[int, int],
    pan: float,
    clip: Box,
) -> None:
    since = t - item.delay * haste
    if since < 0:
        return
    done = since / (0.6 * haste)
    x, y = item.x - pan * item.depth, float(item.y)
    opacity = OPAQUE
    if done < 1:
        opacity = round(OPAQUE * min(1.0, _out(done) * 1.15))
        if item.entry == "rise":
            y += (1 - _out(done)) * 46 * u
        elif item.entry == "slide":
            x -= (1 - _out(done)) * 120 * u
        elif item.entry == "pop":
            y += (1 - _back(done)) * 90 * u
        elif item.entry == "snap":
            opacity = OPAQUE
            x += (1 - _out(done * 2)) * 26 * u * (1 if round(item.y) % 2 else -1)
    if item.sway:
        y += math.sin(t * 1.7 + item.sway) * 7 * u * abs(item.depth)
    item.layer.lay(canvas, round(x) + away[0], round(y) + away[1], opacity=opacity, clip=clip)


class Sheet:
    """The layout for one size: where everything stands, drawn when asked for."""

    def __init__(self, board: Storyboard, colours: Palette) -> None:
        order = board.order
        self.board, self.colours = board, colours
        self.w, self.h = order.width, order.height
        self.u = min(self.w, self.h) / 720
        self.wide = self.w > self.h * 1.2
        self.tall = self.h > self.w * 1.2
        self.across = self.w if self.wide else self.h
        self.pad = self.px(22) // 2 * 2
        self.margin = self.px(48)
        self.look = board.value("aesthetic")
        self.beats = board.beats()
        self.words = dict(order.values) | {
            "kind": scenes.product_kind(order.prompt),
            "seed": order.seed,
        }
        self.top = self.px(54 if self.tall else 34)
        self.bottom = self.h - self.px(62 if self.tall else 34)
        self.fixed: list[tuple[Layer, int, int]] = []
        self.names: list[tuple[Layer, int, int]] = []
        self._fix()

    def px(self, units: float) -> int:
        """Units of a 720th of the short side, in pixels."""
        return round(units * self.u)

    # ---- what never moves

    def _fix(self) -> None:
        ink = self.colours.ink
        high = self.px(76)
        if self.look == "cinema":
            deep = Image.new("RGB", (self.w, (self.top + high + self.px(16)) // 2 * 2), (6, 6, 8))
            self.fixed.append((Layer(deep), 0, 0))
            low = (self.h - self.bottom + self.px(46 + 18) + 1) // 2 * 2
            self.fixed.append((Layer(deep.resize((self.w, low))), 0, self.h - low))
            ink = (6, 6, 8)
        width = self.w - 2 * self.margin
        bar = _pill(width, high, ink, self.px(22))
        half = width // 2
        room = half - self.px(24)
        name = lettering.clean(self.board.brand) or "Storyboard"
        drawn = lettering.fit(
            name, lettering.BOLD, room=(room, self.px(40)), sizes=(self.px(32), self.px(20))
        )
        text = lettering.line_picture(drawn.lines[0], drawn.face, drawn.size, WHITE)
        bar.alpha_composite(text, (self.px(24), (high - text.height) // 2 + self.px(2)))
        thread = self._thread(width - half - self.px(28), mix(ink, WHITE, 0.34))
        bar.alpha_composite(thread, (half, self.px(40)))
        self.fixed.append((Layer(bar), self.margin, self.top))
        bright = self._thread(width - half - self.px(28), readable(self.colours.accent, ink))
        self.thread = (Layer(bright), self.margin + half, self.top + self.px(40))
        for number, beat in enumerate(self.beats, 1):
            line = lettering.line_picture(
                f"{number}  {beat.name}", lettering.SEMIBOLD, self.px(23), mix(ink, WHITE, 0.86)
            )
            self.names.append((Layer(line), self.margin + half, self.top + self.px(9)))
        label = self._label()
        self.label_top = self.bottom - label.height
        left = self.margin if self.wide else (self.w - label.width) // 2
        self.fixed.append((Layer(label), left, self.label_top))

    def _label(self) -> Image.Image:
        text = lettering.line_picture(LABEL, lettering.SEMIBOLD, self.px(25), WHITE)
        pill = _pill(text.width + self.px(36), self.px(46), (12, 12, 16), self.px(23))
        pill.alpha_composite(text, (self.px(18), (pill.height - text.height) // 2 + self.px(1)))
        return pill

    def _thread(self, width: int, colour: Rgb) -> Image.Image:
        """A woven line with a knot where each beat ends."""
        k, high = 3, self.px(26)
        big = Image.new("RGBA", (width * k, high * k), (*colour, 0))
        draw = ImageDraw.Draw(big)
        r = self.px(6) * k
        middle, reach = high * k / 2, self.px(4.5) * k
        end = width * k - r
        points = [
            (x, middle + reach * math.sin(math.tau * x / (width * k / 8)))
            for x in range(r, end, max(2, k * 2))
        ]
        draw.line(points, (*colour, 255), self.px(4) * k, joint="curve")
        for knot in range(1, 5):
            x = end * knot / 4
            draw.ellipse((x - r, middle - r, x + r, middle + r), (*colour, 255))
        return big.reduce(k)

    # ---- one beat

    def stage(self, number: int) -> Stage:
        """A beat's ground and items, drawn."""
        beat = self.beats[number]
        ground = self.colours.grounds[number]
        art, text = self._areas(number)
        items = [*self._art(number, art), *self._text(beat, text, ground, last=number == 3)]
        return Stage(Layer(self._ground(number, ground)), tuple(items))

    def _areas(self, number: int) -> tuple[Area, Area]:
        """Where the drawing and the words go; the type of ad decides which comes first."""
        top = self.top + self.px(76 + 22)
        low = self.label_top - self.px(24)
        inner = self.w - 2 * self.margin
        swapped = (zlib.crc32(self.board.value("type").encode()) + number) % 2 == 1
        if self.wide:
            side = min(low - top, round(inner * 0.42))
            words = inner - side - self.px(48)
            low = self.h - self.px(34)
            y = top + (low - top - side) // 2
            text_low = self.label_top - self.px(22)
            if swapped:
                text = Area(self.margin + side + self.px(48), top, words, text_low - top)
                return Area(self.margin, top, side, min(side, text_low - top)), text
            text = Area(self.margin, top, words, text_low - top)
            return Area(self.w - self.margin - side, y, side, side), text
        side = min(inner, round((low - top) * (0.54 if self.tall else 0.52)))
        rest = low - top - side - self.px(20)
        x = (self.w - side) // 2
        if swapped:
            return Area(x, low - side, side, side), Area(self.margin, top, inner, rest)
        return Area(x, top, side, side), Area(self.margin, low - rest, inner, rest)

    def _art(self, number: int, area: Area) -> list[Item]:
        side = min(area.w, area.h)
        x, y = area.x + (area.w - side) // 2, area.y + (area.h - side) // 2
        props = scenes.scene(number, side=side, colours=self.colours, words=self.words)
        return [
            Item(
                layer=Layer(prop.picture),
                x=x + prop.corner[0],
                y=y + prop.corner[1],
                delay=-0.4 + 0.16 * order,
                entry="pop" if self.colours.entry == "pop" else "rise",
                depth=prop.depth,
                sway=1.0 + order * 1.3,
            )
            for order, prop in enumerate(props)
        ]

    def _text(self, beat: Beat, area: Area, ground: Rgb, *, last: bool) -> list[Item]:
        """Kicker, headline, body (or button) and chips, stacked and centred in their area."""
        tone = readable(self.colours.ink, ground, mix(ground, self.colours.accent, 0.2), ratio=7)
        chips = self._chips(beat.chips, area.w, ground, tone, people=last)
        chips_high = sum(row[0].height for row in chips) + self.px(10) * max(0, len(chips) - 1)
        kicker = self._kicker(beat.kicker, area.w, large=last)
        gap = self.px(18)
        room = area.h - kicker.height - gap - (chips_high + gap if chips else 0)
        body_text = lettering.clean(beat.body)
        body_room = min(round(room * 0.34), self.px(132)) if body_text else 0
        body = lettering.fit(
            body_text, lettering.MEDIUM, room=(area.w, body_room),
            sizes=(self.px(31), self.px(25)), leading=1.32,
        ) if body_room > self.px(34) else None  # fmt: skip
        said = lettering.clean(beat.headline) or self.beats[0].name
        voice = lettering.voice(self.look, said)
        most = self.px(96 if self.tall else 78)
        head = lettering.fit(
            said, voice.face,
            room=(area.w - self.px(24 if self.look == "ugc" else 4), room - (body.height + gap if body else 0)),
            sizes=(round(most * voice.scale), self.px(34)), leading=voice.leading,
        )  # fmt: skip
        stack: list[tuple[list[Image.Image], int]] = []
        lines = [self._headline(line, head, tone) for line in head.lines]
        words = [lettering.line_picture(li, body.face, body.size, tone) for li in body.lines] if body else []
        parts = [([kicker], kicker.height), (lines, head.step), (words, body.step if body else 0)]
        if last:
            parts[0], parts[1] = parts[1], parts[0]
        stack = [part for part in parts if part[0]]
        total = sum(len(p) * step for p, step in stack) + gap * (len(stack) - 1)
        total += chips_high + gap if chips else 0
        y = area.y + max(0, (area.h - total) // 2)
        items, delay = [], -0.12
        for pictures, step in stack:
            for picture in pictures:
                items.append(self._item(picture, self._left(area, picture), y, delay))
                y += step
                delay += 0.11
            y += gap
        for row in chips:
            x = area.x + ((area.w - sum(c.width for c in row) - self.px(10) * (len(row) - 1)) // 2 if self._centred else 0)
            for chip in row:
                items.append(self._item(chip, x, y, delay + 0.1))
                x += chip.width + self.px(10)
                delay += 0.07
            y += row[0].height + self.px(10)
        return items

    def _item(self, picture: Image.Image, x: int, y: int, delay: float) -> Item:
        return Item(layer=Layer(picture), x=x, y=y, delay=delay, entry=self.colours.entry)

    @property
    def _centred(self) -> bool:
        return self.look == "cinema" and not self.wide

    def _left(self, area: Area, picture: Image.Image) -> int:
        return area.x + (area.w - picture.width) // 2 if self._centred else area.x

    def _headline(self, line: str, head: lettering.Setting, tone: Rgb) -> Image.Image:
        if self.look != "ugc":
            return lettering.line_picture(line, head.face, head.size, tone)
        text = lettering.line_picture(line, head.face, head.size, (16, 16, 20))
        strip = _pill(text.width + self.px(22), round(head.step * 1.01), WHITE, self.px(12))
        strip.alpha_composite(text, (self.px(11), max(0, (strip.height - text.height) // 2 - self.px(1))))
        return strip

    def _kicker(self, text: str, room: int, *, large: bool) -> Image.Image:
        """A filled tag; on the last beat it is the button."""
        size = self.px(40 if large else 28)
        fill = self.colours.accent
        said = lettering.clean(text) or "Next"
        face = lettering.BOLD if large else lettering.SEMIBOLD
        inset = self.px(34 if large else 18)
        line = lettering.fit(said, face, room=(room - 2 * inset, round(size * 1.3)), sizes=(size, self.px(22)))
        words = lettering.line_picture(line.lines[0], face, line.size, readable(self.colours.ink, fill))
        high = round(size * (2.1 if large else 1.72))
        pill = _pill(words.width + 2 * inset, high, fill, high // 2 if large else self.px(10))
        pill.alpha_composite(words, (inset, (high - words.height) // 2 + self.px(1)))
        return pill

    def _chips(
        self, names: tuple[str, ...], room: int, ground: Rgb, tone: Rgb, *, people: bool
    ) -> list[list[Image.Image]]:
        fill = mix(ground, tone, 0.13)
        ink = readable(tone, fill)
        rows: list[list[Image.Image]] = [[]]
        used = 0
        for name in names:
            text = lettering.line_picture(lettering.clean(name) or "–", lettering.SEMIBOLD, self.px(24), ink)
            high, head = self.px(46), self.px(30) if people else 0
            chip = _pill(text.width + self.px(32) + head, high, fill, high // 2)
            if people:
                _head_and_shoulders(chip, self.px(16), high, ink)
            chip.alpha_composite(text, (self.px(16) + head, (high - text.height) // 2 + self.px(1)))
            if used and used + chip.width > room:
                rows.append([])
                used = 0
            rows[-1].append(chip)
            used += chip.width + self.px(10)
        return [row for row in rows if row][:2]

    def _ground(self, number: int, ground: Rgb) -> Image.Image:
        size = (self.w + 2 * self.pad, self.h + 2 * self.pad)
        seed = random.Random(f"{self.order_seed}{number}")  # noqa: S311 - decoration, not a secret
        return scenes.backdrop(
            size, ground, self.colours, words=self.words, chance=seed, unit=self.u
        )

    @property
    def order_seed(self) -> str:
        return self.board.order.seed


def _pill(width: int, height: int, colour: Rgb, radius: int) -> Image.Image:
    mask = Image.new("L", (width * 3, height * 3), 0)
    ImageDraw.Draw(mask).rounded_rectangle(
        (0, 0, width * 3 - 1, height * 3 - 1), min(radius * 3, height * 3 // 2), fill=255
    )
    pill = Image.new("RGBA", (width, height), (*colour, 0))
    pill.putalpha(mask.reduce(3))
    return pill


def _head_and_shoulders(chip: Image.Image, x: int, high: int, colour: Rgb) -> None:
    """The little figure on an audience chip."""
    k, side = 4, round(high * 0.5)
    big = Image.new("RGBA", (side * k, side * k), (*colour, 0))
    draw = ImageDraw.Draw(big)
    s = side * k
    draw.ellipse((s * 0.28, s * 0.02, s * 0.72, s * 0.46), (*colour, 255))
    draw.pieslice((s * 0.08, s * 0.54, s * 0.92, s * 1.5), 180, 360, (*colour, 255))
    small = big.reduce(k)
    chip.alpha_composite(small, (x, (high - side) // 2))

"""Where everything stands: one order's beats laid out for its size, and drawn when asked for."""

import zlib
from dataclasses import dataclass

from PIL import Image

from spotloom.sandbox.film import captions, lettering, scenes
from spotloom.sandbox.film.backdrops import backdrop
from spotloom.sandbox.film.encode import Layer
from spotloom.sandbox.film.palette import WHITE, Palette, Rgb, contrast, mix, palette, readable
from spotloom.sandbox.film.things import product_kind
from spotloom.sandbox.storyboard import Beat, Storyboard


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
    depth: float = 0.0  # 0 stands still, 1 moves with the camera
    phase: float = 0.0  # where its floating begins


@dataclass(frozen=True, slots=True)
class Stage:
    """One beat, drawn and ready to be played."""

    ground: Layer
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A layer that never moves."""

    layer: Layer
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class _Row:
    """Pictures that stand side by side, and how far below them the next row begins."""

    pictures: list[Image.Image]
    step: int

    @property
    def high(self) -> int:
        return self.pictures[0].height


class Layout:
    """The layout of one order."""

    def __init__(self, board: Storyboard) -> None:
        order, self.board = board.order, board
        self.look, self.kind = board.value("aesthetic"), board.value("type")
        self.colours: Palette = palette(
            board.brand, prompt=order.prompt, mood=board.value("mood"), aesthetic=self.look
        )
        self.w, self.h = order.width, order.height
        self.wide, self.tall = self.w > self.h * 1.2, self.h > self.w * 1.2
        self.u = min(self.w, self.h) / (720 if self.wide or self.tall else 850)
        self.pad = self.px(22) // 2 * 2
        self.beats = board.beats()
        self._margin = self.px(48)
        self._top = self.px(56 if self.tall else 32)
        self._bar = self.px(76)
        self._words = board.values | {"kind": product_kind(order.prompt), "seed": order.seed}
        label = captions.label(self.u)
        self._label_top = self.h - self.px(64 if self.tall else 32) - label.height
        at = self._margin if self.wide else (self.w - label.width) // 2
        self.fixed = [*self._bars(), self._head(), Placed(Layer(label), at, self._label_top)]

    def px(self, units: float) -> int:
        """Units of about a 720th of the short side, in pixels."""
        return round(units * self.u)

    # ---- what never moves

    @property
    def _ink(self) -> Rgb:
        return captions.NIGHT if self.look == "cinema" else self.colours.ink

    def _bars(self) -> list[Placed]:
        """The bars of a film, above and below."""
        if self.look != "cinema":
            return []
        above = (self._top + self._bar + self.px(14)) // 2 * 2
        below = (self.h - self._label_top + self.px(16) + 1) // 2 * 2
        return [
            Placed(Layer(Image.new("RGB", (self.w, high), captions.NIGHT)), 0, y)
            for high, y in ((above, 0), (below, self.h - below))
        ]

    def _head(self) -> Placed:
        width = self.w - 2 * self._margin
        bar = captions.pill(width, self._bar, self._ink, self.px(24))
        half, inset = round(width * 0.52), self.px(26)
        name = captions.wordmark(self.board.brand, self.u, half - 2 * inset)
        bar.alpha_composite(name, (inset, (self._bar - name.height) // 2))
        line, x, y = self._thread(mix(self._ink, WHITE, 0.36))
        bar.alpha_composite(line, (x - self._margin, y - self._top))
        return Placed(Layer(bar), self._margin, self._top)

    def _thread(self, colour: Rgb) -> tuple[Image.Image, int, int]:
        width = self.w - 2 * self._margin
        start = round(width * 0.52)
        line = captions.thread(width - start - self.px(26), self.u, colour)
        return line, self._margin + start, self._top + self.px(41)

    def thread(self) -> Placed:
        """The bright thread that lies over the dim one as far as the film has come."""
        line, x, y = self._thread(readable(self.colours.accent, self._ink))
        return Placed(Layer(line), x, y)

    def names(self) -> list[Placed]:
        """The beats' names, beside the thread."""
        _, x, y = self._thread(self._ink)
        tone, size = mix(self._ink, WHITE, 0.9), self.px(23)
        lines = [
            lettering.line_picture(f"{n}  {beat.name}", lettering.SEMIBOLD, size, tone)
            for n, beat in enumerate(self.beats, 1)
        ]
        return [Placed(Layer(line), x, y - self.px(31)) for line in lines]

    # ---- one beat

    def stage(self, number: int) -> Stage:
        """A beat's ground and items, drawn."""
        ground = self.colours.grounds[number]
        near = self.colours.brand if contrast(ground, self.colours.brand) > 1.5 else None
        pattern = mix(ground, near or self.colours.accent, 0.17)
        picture = backdrop(
            (self.w + 2 * self.pad, self.h + 2 * self.pad),
            ground=ground,
            tone=pattern,
            kind=self.kind,
            look=self.look,
            unit=self.u,
            seed=f"{self.board.order.seed}/{number}",
        )
        art, text = self._areas(number)
        items = [*self._art(number, art), *self._text(self.beats[number], text, ground, pattern)]
        return Stage(Layer(picture), tuple(items))

    def _areas(self, number: int) -> tuple[Area, Area]:
        """Where the drawing and the words go; the type of ad decides which comes first."""
        top, low = self._top + self._bar + self.px(24), self._label_top - self.px(24)
        inner, high = self.w - 2 * self._margin, low - top
        first = (zlib.crc32(self.kind.encode()) + number) % 2 == 0
        if self.wide:
            gap = self.px(52)
            side = min(self.h - self.px(34) - top - self.px(20), round(inner * 0.42))
            words = inner - side - gap
            if first:
                side = min(side, high)
                words = inner - side - gap
                x = self._margin + side + gap
                return Area(self._margin, top, side, side), Area(x, top, words, high)
            art = Area(self.w - self._margin - side, top, side, self.h - self.px(34) - top)
            return art, Area(self._margin, top, words, high)
        side = min(inner, round(high * (0.51 if self.tall else 0.53)))
        x, rest = (self.w - side) // 2, high - side - self.px(22)
        if first:
            return Area(x, top, side, side), Area(self._margin, low - rest, inner, rest)
        return Area(x, low - side, side, side), Area(self._margin, top, inner, rest)

    def _art(self, number: int, area: Area) -> list[Item]:
        side = min(area.w, area.h)
        x, y = area.x + (area.w - side) // 2, area.y + (area.h - side) // 2
        props = scenes.scene(number, side=side, colours=self.colours, words=self._words)
        return [
            Item(
                layer=Layer(prop.picture),
                x=x + prop.corner[0],
                y=y + prop.corner[1],
                delay=-0.75 + 0.14 * order,
                entry="pop" if self.colours.entry == "pop" else "rise",
                depth=prop.depth,
                phase=1.0 + order * 1.3,
            )
            for order, prop in enumerate(props)
        ]

    def _text(self, beat: Beat, area: Area, ground: Rgb, pattern: Rgb) -> list[Item]:
        """Tag, headline, body (or button) and chips, stacked and centred in their area."""
        rows = self._rows(beat, area, ground, pattern)
        total = sum(row.step for row in rows[:-1]) + rows[-1].high
        y, delay = area.y + max(0, (area.h - total) // 2), -0.3
        items = []
        for row in rows:
            wide = sum(p.width for p in row.pictures) + self.px(10) * (len(row.pictures) - 1)
            # Film titles stand in the middle.
            centred = self.look == "cinema" and not self.wide
            x = area.x + (area.w - wide) // 2 if centred else area.x
            for picture in row.pictures:
                items.append(
                    Item(layer=Layer(picture), x=x, y=y, delay=delay, entry=self.colours.entry)
                )
                x, delay = x + picture.width + self.px(10), delay + 0.09
            y += row.step
        return items

    def _rows(self, beat: Beat, area: Area, ground: Rgb, pattern: Rgb) -> list[_Row]:
        """The words of a beat in the order they are read."""
        last, gap, c, u = beat is self.beats[-1], self.px(22), self.colours, self.u
        sides = sorted((c.ink, c.paper), key=lambda side: contrast(side, ground))
        tone = readable(sides[1], ground, pattern, mix(ground, WHITE, 0.2))
        chips = captions.chips(beat.chips, area.w, u, ground=ground, tone=tone, people=last)
        tag = captions.tag(beat.kicker, area.w, u, fill=c.accent, ink=c.ink, button=last)
        if not (self.wide or self.tall or last) and chips:
            # A square has no height to spare: the tag shares a line with the chips, above.
            first = [tag, *chips[0]]
            if sum(p.width + self.px(10) for p in first) <= area.w:
                top = _Row(first, self.px(50) + gap)
                head, body = self._words_of(beat, area, tone, room=area.h - top.step)
                return [top, *head, *body]
        under = [_Row(row, row[0].height + self.px(10)) for row in chips]
        taken = sum(row.step for row in under) + tag.height + 2 * gap
        head, body = self._words_of(beat, area, tone, room=area.h - taken)
        tagged = _Row([tag], tag.height + gap)
        return [*head, tagged, *body, *under] if last else [tagged, *head, *body, *under]

    def _words_of(
        self, beat: Beat, area: Area, tone: Rgb, *, room: int
    ) -> tuple[list[_Row], list[_Row]]:
        """Headline and body, as large as the room lets them be."""
        last, gap = beat is self.beats[-1], self.px(22)
        body = captions.body(beat.body, (area.w, min(round(room * 0.4), self.px(134))), self.u)
        if body:
            room -= body.height + gap
        said = lettering.clean(beat.headline) or "Untitled"
        voice, strip = lettering.voice(self.look, said), self.look == "ugc"
        most = self.px(104 if self.tall else 86) * (1.15 if last else 1)
        setting = lettering.fit(
            said,
            voice.face,
            room=(area.w - self.px(28 if strip else 4), round(room * 0.96)),
            sizes=(round(most * voice.scale), self.px(36)),
            leading=voice.leading,
        )
        lines = captions.headline(setting, tone, captioned=strip, u=self.u)
        rows = [_Row([line], setting.step) for line in lines]
        rows[-1] = _Row([lines[-1]], lines[-1].height + gap)
        if body is None:
            return rows, []
        small = [_Row([line], body.step) for line in captions.paragraph(body, tone)]
        small[-1] = _Row(small[-1].pictures, body.step + gap)
        return rows, small

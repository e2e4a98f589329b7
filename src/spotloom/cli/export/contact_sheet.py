"""Draws `index.html`: the campaign's videos on one page that can be sent to a client as it is."""

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache, cached_property
from html import escape
from importlib import resources
from string import Template
from urllib.parse import quote

from spotloom.contract.campaigns import Campaign
from spotloom.contract.combinations import Combination
from spotloom.contract.manifest import SANDBOX_NOTICE, Placed
from spotloom.creative.dimensions import ANY, Vocabulary
from spotloom.creative.pricing import dollars
from spotloom.creative.status import Status
from spotloom.forms import load_vocabulary

OPENING = "<!doctype html>\n<!-- A contact sheet of Spotloom -->"
_FONTS = {"Spotloom Serif": "InstrumentSerif-Regular.ttf", "Spotloom Sans": "Inter-Medium.otf"}
_LONG_BRAND, _LONG_IDEA = 24, 200  # characters from which they are set smaller
_FINISHED = "Finished"
# How a state reads to someone who never saw our tables, and the mark beside the word.
_WORDS = {
    Status.QUEUED: ("Waiting", "○"),
    Status.SUBMITTING: ("Being made", "◐"),
    Status.GENERATING: ("Being made", "◐"),
    Status.FINISHING: ("Being fetched", "◑"),
    Status.COMPLETED: (_FINISHED, "●"),
    Status.FAILED: ("Failed", "✕"),
    Status.CANCELLED: ("Cancelled", "⊘"),
    Status.EXPIRED: ("Expired at the provider", "✕"),
    Status.LOST: ("Lost at the provider", "✕"),
    Status.UNKNOWN: ("Outcome unknown", "?"),
}
_TROUBLED = frozenset({Status.FAILED, Status.EXPIRED, Status.LOST, Status.UNKNOWN})


def page(
    campaign: Campaign,
    placed: Sequence[Placed],
    *,
    vocabulary: Vocabulary | None = None,
) -> str:
    """The contact sheet as HTML; it asks for nothing but the files beside it."""
    sheet = _Sheet(campaign, placed, vocabulary or load_vocabulary())
    script = _part("contact_sheet.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Template(_part("contact_sheet.html")).substitute(
        opening=OPENING,
        script_digest=digest,
        style=_fonts() + _part("contact_sheet.css"),
        script=script,
        brand=escape(sheet.brand),
        brand_class=' class="long"' if len(sheet.brand) > _LONG_BRAND else "",
        idea=escape(sheet.text("bigIdea")),
        idea_class=" long" if len(sheet.text("bigIdea")) > _LONG_IDEA else "",
        date=f"{campaign.created_at.day} {campaign.created_at:%B %Y}",
        day=campaign.created_at.date().isoformat(),
        facts=sheet.facts(),
        notice=sheet.notice(),
        shared=sheet.shared(),
        facets=sheet.facets(),
        total=len(placed),
        shape=sheet.shape,
        ratio=sheet.ratio,
        cards="\n".join(sheet.card(number, each) for number, each in enumerate(placed, 1)),
        prompts=sheet.prompts(),
    )


class _Sheet:
    """What the page says, piece by piece, already escaped."""

    def __init__(
        self,
        campaign: Campaign,
        placed: Sequence[Placed],
        vocabulary: Vocabulary,
    ) -> None:
        self.campaign, self.placed = campaign, placed
        self.brand = self.text("brand") or "Untitled"
        self._labels = {
            (dimension.key, option.key): option.label
            for dimension in vocabulary.dimensions
            for option in dimension.options
        }
        self._names = {dimension.key: dimension.label for dimension in vocabulary.dimensions}

    def text(self, key: str) -> str:
        value = self.campaign.brief.get(key)
        return "" if value is None else str(value).strip()

    @cached_property
    def chosen(self) -> Mapping[str, tuple[str, ...]]:
        """Every option that a video has, by dimension, in the order in which they come."""
        found: dict[str, dict[str, None]] = {}
        for each in self.placed:
            for key, option in each.video.values.items():
                found.setdefault(key, {})[option] = None
        return {key: tuple(options) for key, options in found.items()}

    @cached_property
    def varying(self) -> tuple[str, ...]:
        return tuple(key for key, options in self.chosen.items() if len(options) > 1)

    @cached_property
    def filters(self) -> Mapping[tuple[str, str], int]:
        """A number for everything that can be filtered by: states under '', then options."""
        words = dict.fromkeys(_word(each)[0] for each in self.placed)
        pairs = [("", word) for word in words] if len(words) > 1 else []
        pairs += [(key, option) for key in self.varying for option in self.chosen[key]]
        return {pair: number for number, pair in enumerate(pairs)}

    def label(self, dimension: str, option: str) -> str:
        return self._labels.get((dimension, option), option.replace("-", " ").title())

    def name(self, dimension: str) -> str:
        return self._names.get(dimension, dimension)

    @property
    def ratio(self) -> str:
        """Width and height of the videos as CSS writes them; those ordered where none is made."""
        return _ratio(self.placed[0]) if self.placed else "1/1"

    @property
    def shape(self) -> str:
        width, height = map(int, self.ratio.split("/"))
        return "portrait" if width < height else "landscape" if width > height else "square"

    def facts(self) -> str:
        """What was made, in which form, by what, and for how much, in plain words."""
        facts = {
            "Videos": self._videos(),
            "Format": self._format(),
            "Made with": self._maker(),
            "Cost": self._cost(),
        }
        return "\n".join(
            f"<div><dt>{term}</dt><dd>{escape(said)}<small>{escape(more)}</small></dd></div>"
            for term, (said, more) in facts.items()
        )

    def _maker(self) -> tuple[str, str]:
        model, provider = self.campaign.model, self.campaign.provider
        if provider == "sandbox":
            return "Spotloom sandbox", f"Planned for {model}"
        return model, f"by {provider}"

    def _videos(self) -> tuple[str, str]:
        count = len(self.placed)
        factors = [len(self.chosen[key]) for key in self.varying]
        product = math.prod(factors)
        equation = " × ".join(map(str, factors))
        states: dict[str, int] = {}
        for each in self.placed:
            word = _word(each)[0]
            states[word] = states.get(word, 0) + 1
        more = ", ".join(f"{n:,} {word.lower()}" for word, n in states.items())
        if set(states) == {_FINISHED}:
            more = "All finished"
        if len(factors) < 2:
            return f"{count:,} video{'' if count == 1 else 's'}", more
        if product == count:
            return f"{equation} = {count:,}", more
        return f"{count:,} of {equation}", more

    def _format(self) -> tuple[str, str]:
        if not self.placed:
            return "none yet", ""
        video = self.placed[0].video
        width, height = _ordered(video)
        part = math.gcd(width, height) or 1
        ratio = self.text("aspectRatio") or f"{width // part}:{height // part}"
        loop = ", loops" if self.campaign.brief.get("loop") is True else ""
        return f"{video.duration} s · {ratio}", f"{width} × {height} pixels{loop}"

    def _cost(self) -> tuple[str, str]:
        money = self.campaign.spend
        more = [f"Estimated {_dollars(self.campaign.estimated_cost)}"]
        if money.reserved:
            more.append(f"{_dollars(money.reserved)} set aside for videos under way")
        if money.unknown:
            more.append(f"{_dollars(money.unknown)} possibly charged, being checked")
        return f"{_dollars(money.actual)} charged", ". ".join(more)

    def notice(self) -> str:
        if self.campaign.provider != "sandbox":
            return ""
        return f'<p class="notice"><span aria-hidden="true">✎</span>{escape(SANDBOX_NOTICE)}</p>'

    def shared(self) -> str:
        """The options that all videos have, once."""
        same = [
            (key, options[0])
            for key, options in self.chosen.items()
            if len(options) == 1 and options[0] != ANY
        ]
        if not same:
            return ""
        items = "".join(
            f"<li><span>{escape(self.name(key))}</span> {escape(self.label(key, option))}</li>"
            for key, option in same
        )
        title = "In every video" if len(self.placed) > 1 else "In this video"
        return f'<section class="shared"><h2>{title}</h2><ul>{items}</ul></section>'

    def facets(self) -> str:
        """The filters: a group of buttons for each thing that differs between the videos."""
        groups: dict[str, list[str]] = {}
        for (key, option), number in self.filters.items():
            label = self.label(key, option) if key else option
            groups.setdefault(key, []).append(
                f'<button type="button" aria-pressed="false" data-f="{number}">'
                f"{escape(label)}</button>"
            )
        return "\n".join(
            f"<fieldset><legend>{escape(self.name(key) if key else 'State')}</legend>"
            f"<div>{''.join(buttons)}</div></fieldset>"
            for key, buttons in groups.items()
        )

    def card(self, number: int, placed: Placed) -> str:
        """One video: its picture or its state, its name, its facts, and what can be done."""
        video = placed.video
        labels = [self.label(key, video.values[key]) for key in self.varying]
        title = ", ".join(labels) or self.brand
        chips = "".join(f"<b>{escape(label)}</b>" for label in labels) or escape(title)
        pairs = [("", _word(placed)[0]), *video.values.items()]
        filters = " ".join(str(self.filters[pair]) for pair in pairs if pair in self.filters)
        picture = self._playable(placed, title) if placed.file else _state(placed)
        save = (
            f'<a class="act" href="{quote(placed.file)}" download>Download</a>'
            if placed.file
            else ""
        )
        own = "" if _ratio(placed) == self.ratio else f' style="--ratio:{_ratio(placed)}"'
        return (
            f'<li class="card" id="{escape(video.combination_id)}" data-f="{filters}"{own}>'
            f"{picture}"
            f'<h3><i>{number:02}</i>{chips}</h3><p class="line">{escape(_line(placed))}</p>'
            f'<p class="acts">{save}<button class="act js" type="button" '
            'data-prompt aria-expanded="false">Prompt</button>'
            '<button class="act js" type="button" data-copy>'
            f"Copy prompt</button></p></li>"
        )

    def _playable(self, placed: Placed, title: str) -> str:
        file, poster, sprite = (
            quote(name or "") for name in (placed.file, placed.poster, placed.sprite)
        )
        scrub = f' data-sprite="{sprite}"' if sprite else ""
        alt = escape(title)
        image = (
            f'<img src="{poster}" alt="{alt}" loading="lazy" decoding="async">' if poster else ""
        )
        return f'<a class="frame" href="{file}"{scrub} aria-label="Play {alt}">{image}</a>'

    def prompts(self) -> str:
        """The prompts as JSON that cannot end its script element; each paragraph stands once."""
        lines: dict[str, int] = {}
        cards = {
            each.video.combination_id: [
                lines.setdefault(line, len(lines)) for line in each.video.prompt.split("\n")
            ]
            for each in self.placed
        }
        text = json.dumps({"lines": list(lines), "cards": cards}, separators=(",", ":"))
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _state(placed: Placed) -> str:
    word, mark = _word(placed)
    reason = f"<span>{escape(placed.trouble.message)}</span>" if placed.trouble else ""
    kind = "trouble" if placed.trouble or placed.video.status in _TROUBLED else "under-way"
    return (
        f'<div class="frame state {kind}"><span aria-hidden="true">{mark}</span>'
        f"<strong>{word}</strong>{reason}</div>"
    )


def _word(placed: Placed) -> tuple[str, str]:
    if placed.video.status is Status.COMPLETED and placed.file is None:
        return "File missing", "✕"
    return _WORDS[placed.video.status]


def _ratio(placed: Placed) -> str:
    file = placed.video.files.get("video")
    width, height = (file.width, file.height) if file else _ordered(placed.video)
    return f"{width}/{height}"


def _ordered(video: Combination) -> tuple[int, int]:
    """Width and height as they were ordered."""
    width, _, height = video.size.partition("x")
    return int(width), int(height)


def _line(placed: Placed) -> str:
    """How long one video is, what it cost, and how often it was tried."""
    video = placed.video
    said = [_seconds(placed)] if placed.file else []
    if video.actual_cost is not None:
        said.append(f"{_dollars(video.actual_cost)} charged")
    elif video.status is Status.UNKNOWN:
        said.append(f"{_dollars(video.estimated_cost)} possibly charged")
    elif video.status.over:
        said.append("Nothing charged")
    else:
        said.append(f"{_dollars(video.estimated_cost)} estimated")
    if video.attempts > 1:
        said.append(f"attempt {video.attempts}")
    return " · ".join(filter(None, said))


def _seconds(placed: Placed) -> str:
    file = placed.video.files.get("video")
    if file is None or file.seconds is None:
        return ""
    tenths = round(Decimal(str(file.seconds)), 1)
    return f"{tenths.normalize():f} s"


def _dollars(amount: Decimal) -> str:
    """Dollars and cents, and the digits below a cent where there are any."""
    return dollars(amount) if amount == round(amount, 2) else f"${amount.normalize():,f}"


@cache
def _part(name: str) -> str:
    return (resources.files("spotloom.cli.export") / name).read_text(encoding="utf-8")


@cache
def _fonts() -> str:
    """The two typefaces, in the page itself, so that it looks the same on the client's machine."""
    folder = resources.files("spotloom.sandbox.film") / "fonts"
    faces = []
    for family, name in _FONTS.items():
        data = base64.b64encode((folder / name).read_bytes()).decode()
        kind = "opentype" if name.endswith(".otf") else "truetype"
        faces.append(
            f'@font-face{{font-family:"{family}";font-display:swap;'
            f'src:url(data:font/{name[-3:]};base64,{data}) format("{kind}")}}\n'
        )
    return "".join(faces)

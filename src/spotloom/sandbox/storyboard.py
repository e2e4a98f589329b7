"""What an animatic says: an order, read into four beats of words."""

import re
from dataclasses import dataclass
from functools import cached_property

_CAPITALS = {"ugc": "UGC", "vsl": "VSL", "vo": "VO", "2d": "2D", "3d": "3D", "tv": "TV"} | {
    "sfx": "SFX",
    "broll": "B-Roll",
    "lgbtqia": "LGBTQIA+",
    "hq": "HQ",
    "ai": "AI",
}
_PARAGRAPH = re.compile(
    r"^[ \t]*(Idea|Look|Story|Who|Sound|Close|Format)[ \t]*:[ \t]*", re.M | re.I
)
_SENTENCE = re.compile(r"(?<=[.!?…])[\"”’']*\s+")
_QUOTED = re.compile(r"[“\"«]([^“”\"«»\n]{2,60})[”\"»]")

_ANGLES = {
    "unaware": "Did you know?",
    "problem-aware": "Sound familiar?",
    "solution-aware": "There is a better way",
    "product-aware": "Why {brand}?",
    "most-aware": "Ready when you are",
}
_TURNS = {
    "educate": "Here is how it works",
    "entertain": "Wait for it…",
    "challenge-belief": "Think again",
    "provide-value": "Worth knowing",
    "heighten-mood": "Feel this moment",
    "inspire": "Imagine what comes next",
}
_PAYOFFS = {
    "wholesome": "Good things, made simple",
    "unhinged": "Well. That escalated.",
    "intense": "Nothing held back",
    "professional": "Made to do it properly",
    "shocking": "You did not see it coming",
}
_CLOSES = {
    "unaware": "See what {brand} does",
    "problem-aware": "Fix it with {brand}",
    "solution-aware": "Choose {brand}",
    "product-aware": "Try {brand} today",
    "most-aware": "Get {brand} now",
}
_AUDIENCE = ("ageGeneration", "gender", "orientation", "lifeStage", "ethnicity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an animatic is drawn from."""

    prompt: str
    seconds: int
    width: int
    height: int
    loop: bool
    brand: str
    values: tuple[tuple[str, str], ...]  # (dimension key, option key); may be empty
    seed: str  # small variations follow from it


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """The words of one of the four parts."""

    name: str
    kicker: str
    headline: str
    body: str
    chips: tuple[str, ...]


def label(option: str) -> str:
    """An option's key as people read it: `vo-conversational` is `VO Conversational`."""
    words = re.split(r"[-_\s]+", option.strip())
    return " ".join(_CAPITALS.get(w.lower(), w[:1].upper() + w[1:]) for w in words if w)


def shorten(text: str, *, limit: int) -> str:
    """The text within `limit` characters, cut at a sentence, a clause or a word."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    for pattern in (r"[.!?…](?=\s)", r"[,;:–—](?=\s)"):
        ends = [m.end() for m in re.finditer(pattern, text) if limit // 3 <= m.end() <= limit]
        if ends:
            return text[: ends[-1]].rstrip(",;: –—")
    head = text[: limit - 1]
    return (head.rsplit(" ", 1)[0] if " " in head else head).rstrip(",;:.–— ") + "…"


class Storyboard:
    """An order's combination and prompt, and the four beats they make."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.values = {key: option for key, option in order.values if option}
        self.brand = " ".join(order.brand.split())

    def value(self, key: str, default: str = "") -> str:
        """The option chosen for a dimension, or the default."""
        return self.values.get(key, default)

    @cached_property
    def paragraphs(self) -> dict[str, str]:
        """The prompt's labelled paragraphs by lower-case label; unlabelled text is the idea."""
        parts = _PARAGRAPH.split(self.order.prompt)
        found = {k.lower(): " ".join(v.split()) for k, v in zip(parts[1::2], parts[2::2])}
        found.setdefault("idea", " ".join(parts[0].split()))
        return {k: v for k, v in found.items() if v}

    @property
    def sound(self) -> str:
        """The audio style: the one chosen, or the one that the prompt's words suggest."""
        if chosen := self.value("audioStyle"):
            return chosen
        text = self.paragraphs.get("sound", "").lower()
        hints = (
            (r"\b(silent|silence|no sound|no audio|no music)\b", "silence"),
            (r"\b(dialog|dialogue|conversation)", "dialog"),
            (r"\b(voice|narrat|voiceover|vo)\b", "vo-conversational"),
            (r"\b(tension|tense|suspense)", "music-tension"),
            (r"\b(inspir|uplifting|swell)", "music-inspirational"),
            (r"\b(upbeat|cheerful|bright)", "music-light-upbeat"),
            (r"\b(effects|sfx|foley)", "sfx-only"),
        )
        return next((style for hint, style in hints if re.search(hint, text)), "soft-bed")

    @property
    def audience(self) -> tuple[str, ...]:
        """The people it is meant for, as labels; `any` says nothing and is left out."""
        chosen = (self.value(key, "any") for key in _AUDIENCE)
        return tuple(label(option) for option in chosen if option != "any")

    def _chips(self, *keys: str) -> tuple[str, ...]:
        return tuple(label(self.values[k]) for k in keys if self.value(k, "any") != "any")

    def _say(self, table: dict[str, str], key: str, default: str) -> str:
        text = table.get(self.value(key), default)
        if "{brand}" in text and not self.brand:
            return re.sub(r"\s*(with )?\{brand\}", " it", text).replace("Why it?", "Why this one?")
        return text.replace("{brand}", self.brand)

    def beats(self) -> tuple[Beat, Beat, Beat, Beat]:
        """Hook, story, payoff and call to action."""
        say = self.paragraphs
        idea = _SENTENCE.split(say.get("idea", "")) if say.get("idea") else []
        hook = (
            shorten(idea[0], limit=84) if idea else self._say(_ANGLES, "funnelLevel", "Watch this")
        )
        rest = " ".join(idea[1:])
        call, close = self._call(say.get("close", ""))
        return (
            Beat(
                name="Hook",
                kicker=self._say(_ANGLES, "funnelLevel", "First, the idea"),
                headline=hook.rstrip("."),
                body=shorten(rest, limit=110),
                chips=self._chips("funnelLevel", "mood"),
            ),
            Beat(
                name="Story",
                kicker=label(self.value("type", "the story")),
                headline=self._say(_TURNS, "intention", "How it unfolds"),
                body=shorten(say.get("story", rest), limit=130),
                chips=self._chips("type", "intention"),
            ),
            Beat(
                name="Payoff",
                kicker=f"Meet {self.brand}" if self.brand else "The payoff",
                headline=self._say(_PAYOFFS, "mood", "This is the moment"),
                body=shorten(say.get("look", ""), limit=130),
                chips=self._chips("aesthetic", "audioStyle"),
            ),
            Beat(name="Call to action", kicker=call, headline=close, body="", chips=self.audience),
        )

    def _call(self, text: str) -> tuple[str, str]:
        """The button's words and the closing line above it."""
        line = self._say(_CLOSES, "funnelLevel", "Try {brand} today")
        quoted = _QUOTED.search(text)
        if quoted:
            return shorten(quoted[1].rstrip(".,"), limit=34), line
        return (
            shorten(text, limit=34).rstrip(".") if 0 < len(text) <= 34 else "Find out more"
        ), line

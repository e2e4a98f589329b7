"""What an animatic says: an order, read into four beats of words."""

import re
from dataclasses import dataclass
from functools import cached_property

_CAPITALS = {
    "ugc": "UGC",
    "vsl": "VSL",
    "vo": "VO",
    "2d": "2D",
    "3d": "3D",
    "tv": "TV",
    "sfx": "SFX",
    "broll": "B-Roll",
    "lgbtqia": "LGBTQIA+",
}
_PARAGRAPH = re.compile(
    r"^[ \t]*(Idea|Look|Story|Who|Sound|Close|Format)[ \t]*:[ \t]*", re.MULTILINE | re.IGNORECASE
)
_SENTENCE = re.compile(r"(?<=[.!?…])[\"”]*\s+")
_CLAUSES = re.compile(r"[,;:\u2013\u2014](?=\s)")
_QUOTED = re.compile(r"[“\"«]([^“”\"«»\n]{2,80})[”\"»]")
_ADDRESS = re.compile(r"\baddress (\S+[^\s.])")
_BRAND = re.compile(r"(?:An ad for|End on the name) (.{1,40}?)(?: \(| with the | and the |\.|$)")
_SHOWN = re.compile(r"(?:Show this|on screen|Let us hear): (.+)")

# What the director's notes of a prompt suggest where the combination itself is not known.
_HINTS = {
    "aesthetic": (
        ("animated-2d", r"two-dimensional|\b2d\b|hand-drawn|flat animation"),
        ("animated-3d", r"three-dimensional|\b3d\b|clay"),
        ("ugc", r"\bugc\b|phone video|hand-held|selfie"),
        ("cinema", r"feature film|cinematic|cinema"),
        ("professional", r"commercial shoot|studio shot|polished"),
    ),
    "mood": (
        ("wholesome", r"\bwarm\b|\bkind\b|wholesome|gentle"),
        ("unhinged", r"absurd|unhinged|chaotic|\bwild\b"),
        ("intense", r"urgent|intense|tension in"),
        ("shocking", r"\bjolt\b|shocking|startling"),
        ("professional", r"competent|professional|\bcalm\b"),
    ),
    "type": (
        ("listicle", r"numbered points|listicle|three reasons"),
        ("vsl", r"sales letter|\bvsl\b"),
        ("skit", r"comic scene|\bskit\b"),
        ("review-social-proof", r"several customers|social proof"),
        ("review-testimonial", r"one customer|testimonial"),
        ("vintage-2000s-ad", r"\b2000s\b"),
        ("vintage-90s-ad", r"\b(19)?90s\b"),
        ("vintage-80s-ad", r"\b(19)?80s\b"),
        ("modern-tv-ad", r"television spot|tv spot"),
        ("broll-visual-narrative", r"pictures alone|b-roll"),
        ("storytime", r"tells what happened|storytime"),
    ),
    "audioStyle": (
        ("silence", r"\bsilent|\bsilence|no sound|no audio"),
        ("dialog", r"talk to each other|dialogu?e?\b"),
        ("sfx-only", r"only the sounds|sound effects|\bsfx\b|foley"),
        ("vo-authoritative", r"quiet authority|authoritative"),
        ("vo-character", r"plays a character"),
        ("vo-conversational", r"voice-?over|narrat|\bvoice\b"),
        ("music-tension", r"tense|tension|suspense"),
        ("music-inspirational", r"inspir|uplifting"),
        ("music-light-upbeat", r"upbeat|cheerful"),
    ),
}
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
    for pattern in (_SENTENCE, _CLAUSES):
        ends = [m.end() for m in pattern.finditer(text) if limit // 3 <= m.end() <= limit]
        if ends:
            return text[: ends[-1]].rstrip(",;: \u2013\u2014")
    head = text[: limit - 1]
    return (head.rsplit(" ", 1)[0] if " " in head else head).rstrip(",;:. \u2013\u2014") + "…"


class Storyboard:
    """An order's combination and prompt, and the four beats they make."""

    def __init__(self, order: Order) -> None:
        self.order = order

    @cached_property
    def paragraphs(self) -> dict[str, str]:
        """The prompt's labelled paragraphs by lower-case label; unlabelled text is the idea."""
        head, *parts = _PARAGRAPH.split(self.order.prompt)
        texts = zip(parts[::2], parts[1::2], strict=True)
        found = {key.lower(): " ".join(text.split()) for key, text in texts}
        found.setdefault("idea", " ".join(head.split()))
        return {key: text for key, text in found.items() if text}

    @cached_property
    def brand(self) -> str:
        """The brand's name: the order's, else the one that the prompt names."""
        if name := " ".join(self.order.brand.split()):
            return name
        found = _BRAND.search(self.order.prompt)
        return found[1].strip() if found else ""

    @cached_property
    def values(self) -> dict[str, str]:
        """The combination; where an order has none, what its prompt suggests."""
        if self.order.values:
            return {key: option for key, option in self.order.values if option}
        found = {}
        for key, hints in _HINTS.items():
            where = self.paragraphs.get("sound", "") if key == "audioStyle" else self.order.prompt
            options = (o for o, words in hints if re.search(words, where, re.IGNORECASE))
            if option := next(options, None):
                found[key] = option
        return found

    def value(self, key: str, default: str = "") -> str:
        """The option chosen for a dimension, or the default."""
        return self.values.get(key, default)

    @property
    def sound(self) -> str:
        """The audio style, or a soft bed where none is known."""
        return self.value("audioStyle", "soft-bed")

    def _chips(self, *keys: str) -> tuple[str, ...]:
        """Labels of the choices; `any` says nothing and is left out."""
        return tuple(label(self.values[k]) for k in keys if self.value(k, "any") != "any")

    def _say(self, table: dict[str, str], key: str, default: str) -> str:
        text = table.get(self.value(key), default)
        if "{brand}" not in text or self.brand:
            return text.replace("{brand}", self.brand)
        return "Ready to see more?" if table is _CLOSES else "Why this one?"

    def beats(self) -> tuple[Beat, Beat, Beat, Beat]:
        """Hook, story, payoff and call to action."""
        return self._hook(), self._story(), self._payoff(), self._close()

    def _idea(self) -> list[str]:
        sentences = _SENTENCE.split(self.paragraphs.get("idea", ""))
        return [s for s in sentences if s and not s.startswith("An ad for ")]

    def _hook(self) -> Beat:
        idea = self._idea()
        angle = self._say(_ANGLES, "funnelLevel", "First, the idea")
        return Beat(
            name="Hook",
            kicker=angle,
            headline=shorten(idea[0], limit=84).removesuffix(".") if idea else angle,
            body=shorten(" ".join(idea[1:]), limit=110),
            chips=self._chips("funnelLevel", "mood"),
        )

    def _story(self) -> Beat:
        spoken = _SHOWN.search(self.paragraphs.get("sound", ""))
        told = self.paragraphs.get("story") or " ".join(self._idea()[1:])
        line = f"“{shorten(spoken[1], limit=120)}”" if spoken else shorten(told, limit=130)
        return Beat(
            name="Story",
            kicker=label(self.value("type", "the story")),
            headline=self._say(_TURNS, "intention", "How it unfolds"),
            body=line,
            chips=self._chips("intention", "audioStyle"),
        )

    def _payoff(self) -> Beat:
        look = self.paragraphs.get("look", "")
        shown = _SHOWN.search(look)
        return Beat(
            name="Payoff",
            kicker=shorten(f"Meet {self.brand}", limit=40) if self.brand else "The payoff",
            headline=self._say(_PAYOFFS, "mood", "This is the moment"),
            body=shorten(shown[1] if shown else look, limit=130),
            chips=self._chips("aesthetic", "animationStyle"),
        )

    def _close(self) -> Beat:
        text = self.paragraphs.get("close", "")
        quoted, address = _QUOTED.search(text), _ADDRESS.search(text)
        call = shorten(quoted[1].rstrip(".,"), limit=40) if quoted else ""
        short = text.removesuffix(".") if 0 < len(text) <= 34 else "Find out more"
        return Beat(
            name="Call to action",
            kicker=call or short,
            headline=self._say(_CLOSES, "funnelLevel", "Try {brand} today"),
            body=address[1] if address else "",
            chips=self._chips(*_AUDIENCE),
        )

"""The text that a video model is given: one short paragraph of direction per labelled matter."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from spotloom.creative.brief import Brief
from spotloom.creative.dimensions import Vocabulary
from spotloom.creative.matrix import Combination

LABELS = ("Idea", "Look", "Story", "Who", "Sound", "Close", "Format")

_LOOK = ("aesthetic", "mood")
_STORY = ("type", "intention", "funnelLevel")
_LEAD = ("gender", "ageGeneration", "ethnicity", "lifeStage")
_PLACED = frozenset((*_LOOK, *_STORY, *_LEAD, "orientation", "audioStyle"))
_SHAPES = {"16:9": "widescreen 16:9", "9:16": "vertical 9:16", "1:1": "square 1:1"}


def prompt(brief: Brief, combination: Combination, vocabulary: Vocabulary) -> str:
    """The direction for one video: a line per label of `LABELS`, in that order."""
    values = dict(combination.values)
    said = {
        key: vocabulary.dimension(key).option(option).direction for key, option in values.items()
    }
    written = {
        "Idea": _idea(brief),
        "Look": _look(brief, values, said, vocabulary),
        "Story": _story(said, vocabulary),
        "Who": _who(said),
        "Sound": _sound(brief, values, said),
        "Close": _close(brief),
        "Format": _format(brief),
    }
    return "\n".join(f"{label}: {written[label]}" for label in LABELS)


def paragraphs(text: str) -> dict[str, str]:
    """The labelled paragraphs of a prompt; lines without a known label are left out."""
    parts = (line.partition(": ") for line in text.splitlines())
    return {label: body for label, _, body in parts if label in LABELS}


def _sentence(text: str) -> str:
    """The text on one line, closed by a full stop: no marketer's line can pass for a label."""
    line = " ".join(text.split())
    return line if not line or line.endswith((".", "!", "?", "…", "。")) else f"{line}."


def _paragraph(sentences: Iterable[str]) -> str:
    return " ".join(filter(None, map(_sentence, sentences)))


def _idea(brief: Brief) -> str:
    category = f" ({brief.product_category})" if brief.product_category else ""
    return _paragraph((brief.big_idea, f"An ad for {brief.brand}{category}"))


def _look(
    brief: Brief, values: Mapping[str, str], said: Mapping[str, str], vocabulary: Vocabulary
) -> str:
    style = ""
    if brief.animation_style and is_animated(values.get("aesthetic", "")):
        style = vocabulary.animation_style(brief.animation_style).direction
    show = f"Show this: {brief.visual_messaging}" if brief.visual_messaging else ""
    return _paragraph((said.get("aesthetic", ""), style, said.get("mood", ""), show))


def _story(said: Mapping[str, str], vocabulary: Vocabulary) -> str:
    # A workspace's own dimension has no sentence made for it, so its label leads it in.
    own = [
        f"{d.label}: {said[d.key]}"
        for d in vocabulary.dimensions
        if d.key not in _PLACED and said.get(d.key)
    ]
    return _paragraph((*(said.get(key, "") for key in _STORY), *own))


def _who(said: Mapping[str, str]) -> str:
    lead = ", ".join(filter(None, (said.get(key) for key in _LEAD)))
    cast = f"The lead is {lead}" if lead else "Cast freely; anyone may be at home in this ad"
    return _paragraph((cast, said.get("orientation", "")))


def _sound(brief: Brief, values: Mapping[str, str], said: Mapping[str, str]) -> str:
    style = values.get("audioStyle", "")
    voice = f"The voice: {brief.hero_vo_description}" if is_voiced(style) else ""
    message = ""
    if brief.audio_messaging:
        way = "Let us hear" if is_spoken(style) else "Nobody says it, so put on screen"
        message = f"{way}: {brief.audio_messaging}"
    return _paragraph((said.get("audioStyle", ""), voice, message))


def _close(brief: Brief) -> str:
    name = f"End on the name {brief.brand}"
    call = f"with the words “{brief.call_to_action}”" if brief.call_to_action else ""
    address = f"and the address {shown_address(brief.landing_url)}" if brief.landing_url else ""
    return _paragraph([" ".join(filter(None, (name, call, address)))])


def _format(brief: Brief) -> str:
    shape = _SHAPES.get(brief.aspect_ratio, brief.aspect_ratio)
    loop = "The last frame flows into the first, as a seamless loop" if brief.loop else ""
    return _paragraph((f"One finished ad of {brief.duration} seconds, {shape}", loop))


def shown_address(url: str) -> str:
    """The address as it is put on screen: no scheme, no query, no closing slash."""
    parts = urlsplit(url)
    return f"{parts.netloc.removeprefix('www.')}{parts.path}".rstrip("/")


def is_animated(aesthetic: str) -> bool:
    """Whether an aesthetic is drawn, so that an animation style is seen."""
    return aesthetic.startswith("animated-")


def is_voiced(audio_style: str) -> bool:
    """Whether an audio style has a voice-over, so that its description is heard."""
    return audio_style.startswith("vo-")


def is_spoken(audio_style: str) -> bool:
    """Whether an audio style has words, by a voice-over or on screen."""
    return is_voiced(audio_style) or audio_style == "dialog"

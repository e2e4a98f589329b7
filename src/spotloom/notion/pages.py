"""From a video to its page's properties and back: plain values here, Notion's JSON there."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from spotloom.creative.dimensions import ANY, Vocabulary
from spotloom.notion.api import Page
from spotloom.notion.properties import (
    DIMENSION,
    PRIORITIES,
    REVIEWS,
    STATUSES,
    Kind,
    Property,
    option_name,
)

LONGEST_PIECE = 2000  # characters of one text object, as JavaScript counts them
MOST_PIECES = 100
LONGEST_URL = 2000
LONGEST_TITLE = 200
LONGEST_REASON, LONGEST_NOTES = 500, 4000  # what the studio takes, too

Value = str | float | bool | None
Values = dict[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """What one page shows, in our words."""

    batch_id: str
    combination_id: str
    values: tuple[tuple[str, str], ...]  # (dimension, option)
    status: str
    brand: str
    big_idea: str
    prompt: str
    model: str
    seconds: int
    ratio: str
    estimated_cost: Decimal
    actual_cost: Decimal | None
    video_url: str | None
    poster_url: str | None
    attempts: int
    error: str | None
    answer: str | None
    review: str
    reject_reason: str | None
    winner: bool
    notes: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A page as it is in Notion."""

    id: str
    edited_at: str
    created_at: str
    editor: str
    in_trash: bool
    system: Values
    human: Values  # only what means something to us

    @property
    def ids(self) -> tuple[str, str]:
        """The batch id and the combination id that it carries."""
        return str(self.system.get("batchId") or ""), str(self.system.get("combinationId") or "")


def system(video: Video, vocabulary: Vocabulary) -> Values:
    """What of the page is ours to say."""
    labels = {key: _label(vocabulary, key, option) for key, option in video.values}
    chosen = {key: label for key, label in labels.items() if label is not None}
    values: Values = {
        "title": (" · ".join(chosen.values()) or video.combination_id)[:LONGEST_TITLE],
        "status": STATUSES[video.status][0],
        "batchId": video.batch_id,
        "combinationId": video.combination_id,
        "brand": video.brand,
        "bigIdea": video.big_idea,
        "prompt": video.prompt,
        "model": video.model,
        "seconds": float(video.seconds),
        "ratio": video.ratio,
        "estimatedCost": float(video.estimated_cost),
        "actualCost": None if video.actual_cost is None else float(video.actual_cost),
        "video": _address(video.video_url),
        "poster": _address(video.poster_url),
        "attempts": float(video.attempts),
        "error": video.error or "",
        "answer": video.answer or "",
    }
    return values | {
        f"{DIMENSION}{key}": None if label is None else option_name(label)
        for key, label in labels.items()
    }


def human(video: Video) -> Values:
    """What of the page people own, as we have it; their requests are never ours to make."""
    return {
        "review": REVIEWS.get(video.review),
        "rejectReason": video.reject_reason or "",
        "winner": video.winner,
        "notes": video.notes or "",
        "priorityRequest": None,
        "retryRequest": False,
    }


def stamp(now: dt.datetime) -> str:
    """The moment for `Updated`; Notion keeps no seconds that matter."""
    return now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:00.000+00:00")


def written(
    values: Mapping[str, Value], properties: Iterable[Property], ids: Mapping[str, str]
) -> dict[str, Any]:
    """The values as Notion takes them, under its own ids of the properties that it has."""
    return {
        ids[one.key]: _json(one.kind, values[one.key])
        for one in properties
        if one.key in values and one.key in ids
    }


def read(page: Page, properties: Iterable[Property], ids: Mapping[str, str]) -> Seen:
    """The page, in our words."""
    by_id = {str(told.get("id")): told for told in page.properties.values()}
    ours: Values = {}
    theirs: Values = {}
    for one in properties:
        told = by_id.get(ids.get(one.key, ""))
        if told is None or one.kind in {Kind.EDITED_BY, Kind.DATE}:
            continue
        value = _value(one.kind, told.get(one.kind.value))
        if one.human:
            theirs |= _meant(one, value)
        else:
            ours[one.key] = value
    return Seen(
        id=page.id,
        edited_at=page.last_edited_time,
        created_at=page.created_time,
        editor=page.last_edited_by.id,
        in_trash=page.in_trash,
        system=ours,
        human=theirs,
    )


def decided(value: Value, words: Mapping[str, str], *, none: str) -> str:
    """Our word for the option that was chosen in Notion."""
    return next((ours for ours, theirs in words.items() if theirs == value), none)


def review(value: Value) -> str:
    """Our word for the review."""
    return decided(value, REVIEWS, none="none")


def priority(value: Value) -> str | None:
    """Our word for the priority that is asked for."""
    return decided(value, PRIORITIES, none="") or None


def _meant(one: Property, value: Value) -> Values:
    """The value where we know what it means; a new option of somebody's own is left alone."""
    if one.options and value is not None and value not in {name for name, _ in one.options}:
        return {}
    if isinstance(value, str) and one.kind is Kind.TEXT:
        most = LONGEST_REASON if one.key == "rejectReason" else LONGEST_NOTES
        return {one.key: value.replace("\0", "")[:most]}
    return {one.key: value}


def _label(vocabulary: Vocabulary, key: str, option: str) -> str | None:
    if option == ANY:
        return None
    try:
        return vocabulary.dimension(key).option(option).label
    except KeyError:  # taken out of the vocabulary since
        return option


def _address(url: str | None) -> str | None:
    return url if url is not None and len(url) <= LONGEST_URL else None


def _json(kind: Kind, value: Value) -> dict[str, Any]:
    told: Any = value
    match kind:
        case Kind.TITLE | Kind.TEXT:
            told = [{"type": "text", "text": {"content": p}} for p in _pieces(str(value or ""))]
        case Kind.SELECT:
            told = None if value is None else {"name": value}
        case Kind.DATE:
            told = None if value is None else {"start": value}
        case Kind.FILES:
            name = "poster.webp"
            told = (
                []
                if value is None
                else [{"name": name, "type": "external", "external": {"url": value}}]
            )
    return {kind.value: told}


def _value(kind: Kind, told: Any) -> Value:
    match kind:
        case Kind.TITLE | Kind.TEXT:
            return "".join(str(piece.get("plain_text", "")) for piece in told or ())
        case Kind.SELECT:
            return None if told is None else str(told.get("name"))
        case Kind.FILES:
            return str(told[0].get("external", {}).get("url", "")) or None if told else None
        case Kind.NUMBER:
            return None if told is None else float(told)
        case Kind.CHECKBOX:
            return bool(told)
    return None if told is None else str(told)


def _pieces(text: str) -> list[str]:
    """The text cut so that Notion takes each piece, whatever letters it has."""
    size = LONGEST_PIECE if all(ord(letter) < 0x10000 for letter in text) else LONGEST_PIECE // 2
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    return pieces[:MOST_PIECES]

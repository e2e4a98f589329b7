"""Offers and written briefs that the tests of the door share."""

import datetime as dt
from decimal import Decimal
from typing import Any

from spotloom.creative.brief import Brief
from spotloom.creative.pricing import Rate
from spotloom.creative.request import Seconds, Size
from spotloom.forms import (
    load_vocabulary,
    parse_brief,
)
from spotloom.providers.provider import AspectRatio, Capability

SORA = Capability(
    provider="sandbox",
    model="sora-2",
    durations=tuple(map(Seconds, (4, 5, 8, 10, 12, 20))),
    sizes={
        AspectRatio.PORTRAIT: Size(720, 1280),
        AspectRatio.LANDSCAPE: Size(1280, 720),
        AspectRatio.SQUARE: Size(1024, 1024),
    },
    loop=True,
    audio=True,
    rate=Rate(per_second=Decimal("0.50"), as_of=dt.date(2026, 11, 1), source="specification"),
    charges=False,
)
ODD = Capability(
    provider="sandbox",
    model="odd-1",
    durations=(Seconds(6), Seconds(3)),
    sizes={AspectRatio.LANDSCAPE: Size(1280, 720)},
    loop=False,
    audio=False,
    rate=SORA.rate,
    charges=True,
)
OFFERS = (SORA, ODD)
VOCABULARY = load_vocabulary()
MOODS = "wholesome, unhinged, intense, professional or shocking"


def written(**changes: Any) -> dict[str, Any]:
    """A brief for two videos, as a person writes it."""
    return {
        "brand": "Tarn Audio",
        "bigIdea": "Headphones you mend with a coin",
        "dimensions": {
            "funnelLevel": "problem-aware",
            "aesthetic": ["cinema"],
            "type": ["listicle", "storytime"],
            "intention": ["inspire"],
            "mood": ["wholesome"],
            "audioStyle": ["dialog"],
        },
    } | changes


def chosen(**changes: Any) -> dict[str, Any]:
    return written(dimensions=written()["dimensions"] | changes)


def parsed(data: object) -> Brief:
    return parse_brief(data, vocabulary=VOCABULARY, offers=OFFERS)

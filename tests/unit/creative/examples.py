"""Briefs that the tests of the core share."""

import datetime as dt
from decimal import Decimal
from functools import cache
from typing import Any

from spotloom.creative.brief import Brief
from spotloom.creative.dimensions import ANY, Vocabulary
from spotloom.creative.pricing import Rate
from spotloom.creative.request import Seconds, Size
from spotloom.forms import load_vocabulary

RATE = Rate(per_second=Decimal("0.50"), as_of=dt.date(2026, 11, 1), source="specification")


@cache
def vocabulary() -> Vocabulary:
    return load_vocabulary()


def options(dimension: str, count: int) -> tuple[str, ...]:
    """The first options of a dimension of the shipped vocabulary."""
    return tuple(o.key for o in vocabulary().dimension(dimension).options[:count])


def brief(choices: dict[str, Any] | None = None, **fields: Any) -> Brief:
    """A brief for one video; `choices` replace its options."""
    single = {
        "funnelLevel": ("problem-aware",),
        "aesthetic": ("cinema",),
        "type": ("storytime",),
        "intention": ("inspire",),
        "mood": ("wholesome",),
        "audioStyle": ("dialog",),
    }
    chosen = single | (choices or {})
    usual: dict[str, Any] = {
        "brand": "Tarn Audio",
        "big_idea": "Headphones you mend with a coin",
        "model": "sora-2",
        "duration": Seconds(10),
        "aspect_ratio": "9:16",
        "size": Size(720, 1280),
    }
    table = tuple((d.key, tuple(chosen.get(d.key, (ANY,)))) for d in vocabulary().dimensions)
    return Brief(choices=table, **(usual | fields))


def brief_of_660(**fields: Any) -> Brief:
    """The specification's 660 videos, without a conflict."""
    factors = {
        "funnelLevel": options("funnelLevel", 5),
        "type": options("type", 11),
        "mood": ("wholesome", "unhinged", "intense", "shocking"),
        "gender": ("male", "female", "any"),
    }
    return brief(factors, **fields)

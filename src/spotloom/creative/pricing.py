"""What videos cost: the only formula."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from spotloom.creative.request import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A price per second of video in US dollars, with the day and place it was read."""

    per_second: Decimal
    as_of: dt.date
    source: str


def price(rate: Rate, duration: Seconds, *, videos: int = 1) -> Decimal:
    """What that many videos of that duration cost, in US dollars, exact to the rate's digits."""
    return rate.per_second * duration * videos

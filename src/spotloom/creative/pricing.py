"""What videos cost, and when they will be done: the only formulas."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from spotloom.creative.request import Seconds

TYPICAL_VIDEO = dt.timedelta(minutes=4)  # one video at a provider, until it is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A price per second of video in US dollars, with the day and place it was read."""

    per_second: Decimal
    as_of: dt.date
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a plan's bill: so many videos of one model and duration at one rate."""

    model: str
    duration: Seconds
    rate: Rate
    videos: int

    @property
    def each(self) -> Decimal:
        """What one of the videos costs."""
        return price(self.rate, self.duration)

    @property
    def total(self) -> Decimal:
        """What all of the line's videos cost."""
        return price(self.rate, self.duration, videos=self.videos)


def price(rate: Rate, duration: Seconds, *, videos: int = 1) -> Decimal:
    """What that many videos of that duration cost, in US dollars, exact to the rate's digits."""
    return rate.per_second * duration * videos


def dollars(amount: Decimal) -> str:
    """The amount as people read it: `$3,300.00`."""
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def expected_time(
    videos: int, *, slots: int, per_video: dt.timedelta = TYPICAL_VIDEO
) -> dt.timedelta:
    """How long that many videos take when `slots` of them are made at a time."""
    return -(-videos // slots) * per_video

"""Prices and finish times."""

import datetime as dt
from decimal import Decimal

import pytest
from tests.unit.creative.examples import RATE

from spotloom.creative.pricing import Line, Rate, dollars, expected_time, price
from spotloom.creative.request import Seconds

PRO = Rate(per_second=Decimal("1.20"), as_of=RATE.as_of, source=RATE.source)


@pytest.mark.parametrize(
    ("rate", "duration", "videos", "cost"),
    [
        (RATE, 10, 1, "5.00"),
        (RATE, 20, 1, "10.00"),
        (PRO, 10, 1, "12.00"),
        (PRO, 20, 1, "24.00"),
        (RATE, 10, 127, "635.00"),
        (RATE, 10, 660, "3300.00"),
    ],
)
def test_the_specifications_prices(rate: Rate, duration: int, videos: int, cost: str) -> None:
    assert price(rate, Seconds(duration), videos=videos) == Decimal(cost)


def test_a_line_shows_each_and_total() -> None:
    line = Line(model="sora-2", duration=Seconds(10), rate=RATE, videos=127)
    assert (line.each, line.total) == (Decimal(5), Decimal(635))


@pytest.mark.parametrize(
    ("amount", "text"),
    [("3300", "$3,300.00"), ("0.5", "$0.50"), ("-3", "-$3.00"), ("1234567.891", "$1,234,567.89")],
)
def test_dollars_read_as_money(amount: str, text: str) -> None:
    assert dollars(Decimal(amount)) == text


@pytest.mark.parametrize(("videos", "rounds"), [(0, 0), (1, 1), (4, 1), (5, 2), (660, 165)])
def test_the_time_counts_full_rounds(videos: int, rounds: int) -> None:
    assert expected_time(videos, slots=4) == rounds * dt.timedelta(minutes=4)
    minute = dt.timedelta(minutes=1)
    assert expected_time(videos, slots=4, per_video=minute) == rounds * minute

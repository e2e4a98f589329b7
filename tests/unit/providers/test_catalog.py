"""What the shipped catalog offers, and that each figure says when and where it was read."""

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import pytest

from spotloom.creative.pricing import price
from spotloom.creative.request import Seconds, Size
from spotloom.errors import SetupError
from spotloom.providers.catalog import catalog
from spotloom.providers.provider import AspectRatio

TODAY = dt.date(2026, 11, 29)


@pytest.mark.parametrize(
    ("model", "seconds", "dollars"),
    [("sora-2", 10, "5.00"), ("sora-2", 20, "10.00"), ("sora-2-pro", 10, "12.00")],
)
@pytest.mark.parametrize("provider", ["sandbox", "openai-videos"])
def test_the_planning_rates_are_those_of_the_specification(provider, model, seconds, dollars):
    [offered] = [c for c in catalog().capabilities(provider) if c.model == model]
    assert price(offered.rate, Seconds(seconds)) == Decimal(dollars)
    assert price(offered.rate, Seconds(seconds), videos=127) == Decimal(dollars) * 127


def test_the_sandbox_makes_any_whole_second_and_charges_nothing():
    for offered in catalog().capabilities("sandbox"):
        assert offered.durations == tuple(range(1, 61))
        assert offered.loop
        assert not offered.charges
    assert catalog().limits("sandbox").poll_s <= 1


def test_the_generic_offer_is_that_of_the_protocol():
    for offered in catalog().capabilities("openai-videos"):
        assert offered.durations == (4, 5, 8, 10, 12, 20)
        assert offered.charges
        assert not offered.loop
    assert catalog().limits("openai-videos").poll_s == 30
    assert catalog().limits("openai-videos").concurrent == 4


@pytest.mark.parametrize("provider", ["sandbox", "openai-videos"])
def test_every_ratio_has_a_size_of_that_shape(provider):
    for offered in catalog().capabilities(provider):
        assert offered.sizes == {
            AspectRatio.PORTRAIT: Size(720, 1280),
            AspectRatio.LANDSCAPE: Size(1280, 720),
            AspectRatio.SQUARE: Size(1024, 1024),
        }


def test_every_figure_and_habit_is_dated_and_sourced():
    known = catalog()
    rates = [c.rate for offer in known.offers.values() for c in offer.capabilities]
    dated = [*rates, *(p.rate for p in known.prices), *known.dialects.values()]
    assert len(dated) > 10
    for entry in dated:
        assert dt.date(2026, 1, 1) <= entry.as_of <= TODAY
        assert len(entry.source) > 10


def test_a_price_is_above_nothing_and_told_once():
    told = [(p.seller, p.model, p.resolution) for p in catalog().prices]
    assert len(told) == len(set(told))
    assert all(p.rate.per_second > 0 for p in catalog().prices)


def test_the_page_of_providers_tells_the_catalogs_dialects_and_prices():
    page = (Path(__file__).parents[3] / "docs" / "providers.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    for name in catalog().dialects:
        assert sum(row.startswith(f"| `{name}` | ") for row in rows) >= 1, name
    for told in catalog().prices:
        [row] = [r for r in rows if r.startswith(f"| {told.seller} | {told.model}")]
        figures = dict(re.findall(r"(\w+) (0\.\d+)", row))
        assert Decimal(figures[told.resolution]) == told.rate.per_second
        assert str(told.rate.as_of) in row


def test_each_offer_speaks_a_known_dialect():
    for name in catalog().offers:
        assert (
            catalog().dialect(catalog().offer(name).dialect).name == catalog().offer(name).dialect
        )


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(SetupError, match=r"'sglan'.*generic, sandbox, sglang, vllm-omni, litellm"):
        catalog().dialect("sglan")
    with pytest.raises(SetupError, match=r"'sora'.*sandbox, openai-videos"):
        catalog().capabilities("sora")

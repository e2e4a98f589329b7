"""The plan: what is made, what it costs, and what the marketer is told."""

import datetime as dt
from decimal import Decimal

import pytest
from tests.unit.creative.examples import RATE, brief, brief_of_660, vocabulary

from spotloom.creative.brief import Brief
from spotloom.creative.matrix import matrix
from spotloom.creative.plan import Plan, plan
from spotloom.creative.rules import Condition
from spotloom.errors import BriefError


def planned(asked: Brief) -> Plan:
    return plan(asked, vocabulary(), rate=RATE)


def test_the_specifications_plan() -> None:
    made = planned(brief_of_660())
    assert made.equation == "5 × 11 × 4 × 3 = 660 videos"
    assert made.total == Decimal("3300.00")
    assert made.expected_time(slots=4) == dt.timedelta(hours=11)
    assert [line.videos for line in made.lines] == [660]


def test_each_request_is_its_combinations_order() -> None:
    made = planned(brief({"mood": ("wholesome", "intense")}, loop=True))
    assert len(made.requests) == len(made.combinations) == 2
    for request, combination in zip(made.requests, made.combinations, strict=True):
        assert request.values == combination.values
        assert (request.model, request.duration, request.size) == (
            made.brief.model,
            made.brief.duration,
            made.brief.size,
        )
        assert request.loop
        assert request.brand == "Tarn Audio"
        assert request.idempotency_key == ""
    assert made.requests[0].prompt != made.requests[1].prompt


def test_excluded_combinations_cost_nothing() -> None:
    asked = brief(
        {"mood": ("wholesome", "intense")}, exclude=(Condition((("mood", ("intense",)),)),)
    )
    made = planned(asked)
    assert made.total == Decimal(5)
    assert made.equation == "2 videos"
    assert [e.reasons for e in made.excluded] == [("Excluded by the brief: mood is intense.",)]
    assert made.warnings == ()


def test_a_warning_names_its_combinations() -> None:
    made = planned(brief({"type": ("skit", "storytime"), "mood": ("professional",)}))
    (warning,) = made.warnings
    assert warning.key == "professional-skit"
    assert warning.combinations == tuple(
        c.key for c in made.combinations if ("type", "skit") in c.values
    )


def test_fields_that_nothing_shows_are_named() -> None:
    made = planned(brief(hero_vo_description="A whisper", animation_style="lego"))
    assert [w.key for w in made.warnings] == ["heroVoDescription", "animationStyle"]
    spoken = brief({"aesthetic": ("animated-2d",), "audioStyle": ("vo-character",)})
    assert planned(spoken).warnings == ()


def test_exclusions_that_exclude_nothing_are_named_by_their_place() -> None:
    used = matrix(brief({"mood": ("intense",)}))[0].key
    asked = brief(
        {"mood": ("wholesome", "intense")},
        exclude=("kaaaaaaaaaaa", used, Condition((("mood", ("shocking",)),))),
    )
    assert [w.key for w in planned(asked).warnings] == ["exclude[0]", "exclude[2]"]


@pytest.mark.parametrize(("budget", "over"), [(None, 0), ("9.99", "0.01"), ("10", 0), ("0", 10)])
def test_the_budget_is_held_against_the_total(budget: str | None, over: str | int) -> None:
    asked = brief(
        {"mood": ("wholesome", "intense")}, budget=None if budget is None else Decimal(budget)
    )
    assert planned(asked).over_budget == Decimal(over)


def test_the_cap_can_be_set() -> None:
    with pytest.raises(BriefError, match="a batch holds 1 at most"):
        plan(brief({"mood": ("wholesome", "intense")}), vocabulary(), rate=RATE, cap=1)

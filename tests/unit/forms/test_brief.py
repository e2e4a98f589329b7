"""The door for briefs: what is taken in, and how what is wrong is said."""

import json
import time
from decimal import Decimal

import pytest
from tests.unit.forms.examples import MOODS, chosen, parsed, written

from spotloom.creative.brief import Priority
from spotloom.creative.request import Size
from spotloom.creative.rules import Condition
from spotloom.errors import BriefError
from spotloom.forms import (
    brief_to_data,
)


def problems(data: object) -> dict[str, str]:
    with pytest.raises(BriefError) as caught:
        parsed(data)
    return {problem.field: problem.message for problem in caught.value.problems}


# A brief that is right


def test_what_is_left_out_has_sensible_values() -> None:
    brief = parsed(written())
    assert (brief.model, brief.duration, brief.aspect_ratio) == ("sora-2", 10, "9:16")
    assert (brief.size, brief.loop) == (Size(720, 1280), False)
    assert (brief.priority, brief.budget, brief.exclude) == (Priority.NORMAL, None, ())
    assert brief.animation_style is None
    assert dict(brief.choices)["ethnicity"] == ("any",)


def test_a_model_without_the_usual_values_gives_its_first() -> None:
    brief = parsed(written(model="odd-1"))
    assert (brief.duration, brief.aspect_ratio, brief.size) == (6, "16:9", Size(1280, 720))


def test_everything_written_is_read() -> None:
    brief = parsed(
        written(
            animationStyle="lego",
            duration="20",
            aspectRatio="1:1",
            loop="yes",
            priority="high",
            budget="99.50",
            landingUrl=" https://example.com/a ",
            exclude=["kabcd2345wxy", {"type": "listicle", "mood": ["wholesome"]}],
        )
    )
    assert (brief.animation_style, brief.duration, brief.size) == ("lego", 20, Size(1024, 1024))
    assert (brief.loop, brief.priority, brief.budget) == (True, Priority.HIGH, Decimal("99.50"))
    assert brief.landing_url == "https://example.com/a"
    assert brief.exclude == (
        "kabcd2345wxy",
        Condition((("type", ("listicle",)), ("mood", ("wholesome",)))),
    )


def test_options_stand_in_the_order_of_the_table() -> None:
    assert parsed(written()).chosen("type") == ("storytime", "listicle")
    assert parsed(chosen(type=["storytime", "listicle"])) == parsed(written())


def test_a_brand_may_be_a_number() -> None:
    assert parsed(written(brand=1984)).brand == "1984"


def test_a_brief_comes_back_from_its_data() -> None:
    brief = parsed(written(budget=60, exclude=[{"mood": "intense"}], loop=True, landingUrl=None))
    data = json.loads(json.dumps(brief_to_data(brief)))
    assert parsed(data) == brief


# A brief that is wrong


def test_all_problems_are_said_at_once() -> None:
    found = problems({"brand": "", "dimensions": {"mood": "sunny"}, "modle": "x", "budget": -1})
    assert list(found) == [
        "brand",
        "bigIdea",
        *(f"dimensions.{key}" for key in ("funnelLevel", "aesthetic", "type", "intention")),
        "dimensions.mood[0]",
        "dimensions.audioStyle",
        "budget",
        "modle",
    ]


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        ([], "brief", "must be a mapping of keys, but is a list."),
        (written(brand=None), "brand", "is missing; every brief needs one."),
        (written(brand="  "), "brand", "is missing; every brief needs one."),
        (written(brand=["a"]), "brand", "must be a text, but is a list."),
        (written(brand="a" * 81), "brand", "has 81 characters; 80 are allowed."),
        (written(brand="a\x00b"), "brand", "holds the unusable character U+0000; take it out."),
        (written(bigIdea="\ud800"), "bigIdea", "holds the unusable character U+D800; take it out."),
        (
            written(landingUrl="javascript:alert(1)"),
            "landingUrl",
            "“javascript:alert(1)” is not a web address such as https://example.com/new.",
        ),
        (
            chosen(mood=["wholesome", "unhingd"]),
            "dimensions.mood[1]",
            f"“unhingd” is not an option. Did you mean unhinged? Allowed: {MOODS}.",
        ),
        (
            chosen(mood=["wholesome", "wholesome"]),
            "dimensions.mood[1]",
            "wholesome is there twice; take one out.",
        ),
        (
            chosen(mood=[]),
            "dimensions.mood",
            f"needs at least one option: {MOODS}.",
        ),
        (
            chosen(gender=False),
            "dimensions.gender",
            "must be a list of options, but is true or false.",
        ),
        (
            written(model="sora2"),
            "model",
            "“sora2” is not on offer. Did you mean sora-2? Available: sora-2 or odd-1.",
        ),
        (written(duration=7), "duration", "sora-2 makes 4, 5, 8, 10, 12 or 20 s, not 7 s."),
        (
            written(duration=9.5),
            "duration",
            "must be whole seconds such as 10, but is the number 9.5.",
        ),
        (
            written(duration=True),
            "duration",
            "must be whole seconds such as 10, but is true or false.",
        ),
        (
            written(model="odd-1", aspectRatio="9:16"),
            "aspectRatio",
            "odd-1 makes 16:9, not 9:16.",
        ),
        (
            written(aspectRatio="4:3"),
            "aspectRatio",
            "“4:3” is not a ratio. Allowed: 16:9, 9:16 or 1:1.",
        ),
        (
            written(model="odd-1", loop=True),
            "loop",
            "odd-1 makes no seamless loops; leave it false.",
        ),
        (written(loop="maybe"), "loop", "must be true or false, but is “maybe”."),
        (
            written(priority="hihg"),
            "priority",
            "“hihg” is unknown. Did you mean high? Allowed: high, normal or low.",
        ),
        (written(budget=-3), "budget", "-$3.00 is below zero."),
        (written(budget="1.005"), "budget", "1.005 has more than two decimals."),
        (
            written(budget=float("nan")),
            "budget",
            "must be an amount in US dollars such as 500 or 99.50, but is “nan”.",
        ),
        (written(exclude="x"), "exclude", "must be a list, but is a text."),
        (
            written(exclude=[{"mood": "blue"}]),
            "exclude[0].mood[0]",
            f"“blue” is not an option. Allowed: {MOODS}.",
        ),
        (
            written(exclude=[{}]),
            "exclude[0]",
            "names no dimension, so it would exclude everything.",
        ),
        (written(exclude=[{"mood": []}]), "exclude[0].mood", "names no option."),
        (written(mood="intense"), "mood", "belongs under `dimensions`, as dimensions.mood."),
    ],
)
def test_each_problem_says_what_to_change(data: object, field: str, message: str) -> None:
    assert problems(data) == {field: message}


@pytest.mark.parametrize(
    ("key", "meant"), [("big_idea", "bigIdea"), ("aspect-ratio", "aspectRatio"), ("moods", "mood")]
)
def test_an_unknown_key_gets_the_nearest_known_one(key: str, meant: str) -> None:
    found = problems(written(**{key: "x"}))
    assert any(f"Did you mean {meant}?" in message for message in found.values())


def test_dimensions_that_are_no_mapping_are_said_to_be_none() -> None:
    assert (
        problems(written(dimensions=3))["dimensions"] == "must be a mapping, but is the number 3."
    )


def test_an_unknown_dimension_is_named_by_its_path() -> None:
    assert problems(chosen(moods="x"))["dimensions.moods"].startswith(
        "is not a dimension. Did you mean mood? Known: funnelLevel, "
    )


def test_an_unknown_style_lists_the_styles() -> None:
    assert (
        "Did you mean comic-book?"
        in problems(written(animationStyle="comicbook"))["animationStyle"]
    )


def test_an_exclusion_is_an_id_or_a_rule() -> None:
    for entry in ("K3F9", 7, None, ["mood"]):
        assert "is neither a combination's id" in problems(written(exclude=[entry]))["exclude[0]"]


def test_too_many_exclude_rules_are_refused() -> None:
    assert problems(written(exclude=[{"mood": "intense"}] * 101)) == {
        "exclude": "has 101 rules; 100 are allowed."
    }


@pytest.mark.timed
def test_a_flood_of_problems_is_cut_short_and_cheap() -> None:
    started = time.perf_counter()
    found = problems(chosen(mood=["x" * 50] * 100_000) | {"y" * 99: 1})
    assert time.perf_counter() - started < 0.5
    assert len(found) == 51
    assert found["brief"] == "may hold more problems; these are the first 50."


def test_messages_hold_printable_text_only() -> None:
    found = problems(chosen(mood=["\ud800\x1b[31m"]) | {"\ud800\x07": 1, "a b": 2})
    for field, message in found.items():
        (field + message).encode()
        assert (field + message).isprintable()

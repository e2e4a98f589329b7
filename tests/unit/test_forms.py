"""The door for briefs: what is taken in, and how what is wrong is said."""

import datetime as dt
import json
import time
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from spotloom.creative.brief import Brief, Priority
from spotloom.creative.dimensions import Vocabulary
from spotloom.creative.plan import plan
from spotloom.creative.pricing import Rate
from spotloom.creative.request import Seconds, Size
from spotloom.creative.rules import Condition
from spotloom.errors import BriefError
from spotloom.forms import (
    brief_to_data,
    extend_vocabulary,
    load_vocabulary,
    parse_brief,
    read_brief,
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


# The file


def refused(tmp_path: Path, content: bytes) -> str:
    file = tmp_path / "brief.yaml"
    file.write_bytes(content)
    with pytest.raises(BriefError) as caught:
        read_brief(file)
    (problem,) = caught.value.problems
    assert problem.field == "brief"
    assert problem.message.startswith(str(file))
    return problem.message.removeprefix(str(file))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"brand: [a\nmood: b", ", line 2, column 5: "),
        (b"brand: a\n  mood: b", ", line 2, column 7: "),
        (b"brand: a\nbrand: b", ", line 2, column 1: the key “brand” stands here a second time."),
        (b"a: {b: 1, b: 2}", ", line 1, column 11: the key “b” stands here a second time."),
        (b"", ": must be a mapping such as `brand: …`, but is empty."),
        (b"- a", ": must be a mapping such as `brand: …`, but is a list."),
        (b"just words", ": must be a mapping such as `brand: …`, but is a text."),
        (b"brand: a\x00b", ", line 1, column 9: holds a NUL byte; take it out."),
        (
            b"a: 1\nbrand: \x1b[31m",
            ", line 2, column 8: holds the control character '\\x1b'; take it out.",
        ),
        (b"a: 1\nbrand: \xff", ", line 2: is not UTF-8 text; save the file as UTF-8."),
        (
            b"a: &x [1]\nb: *x",
            ", line 2, column 4: the alias “x” is not supported; write the value out.",
        ),
        (b"a: !!python/name:os.system x", ", line 1, column 4: the tag "),
        (b"a: !!timestamp x", ", line 1, column 4: the tag "),
        (b"[a]: b", ", line 1, column 1: a key must be a plain word."),
        (b"a: " + b"[" * 500, ", line 1, column 23: is nested deeper than 20 levels."),
        (b"a: 1\n--- \nb: 2", ", line 2, column 1: "),
        (b"a" * (10 * 1024 * 1024), ": is larger than 1 MiB; a brief is a page of text."),
    ],
)
def test_a_file_that_cannot_be_read_says_where(
    tmp_path: Path, content: bytes, message: str
) -> None:
    assert refused(tmp_path, content).startswith(message)


def test_a_bomb_of_anchors_is_refused_at_once(tmp_path: Path) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    assert "alias" in refused(tmp_path, "\n".join(lines).encode())


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(BriefError, match=r"none\.yaml: cannot be read \(No such file"):
        read_brief(tmp_path / "none.yaml")
    with pytest.raises(BriefError, match="cannot be read \\(Is a directory"):
        read_brief(tmp_path)


def test_plain_yaml_means_what_it_says(tmp_path: Path) -> None:
    file = tmp_path / "brief.yaml"
    file.write_bytes(
        b"\xef\xbb\xbfaspectRatio: 9:16\nloop: true\nbudget: 99.10\nduration: 10\nno: no\n"
        b"day: 2026-11-24\nnothing:\nsum: 1e400\nnumber: 007\ntext: >-\n  a\n  b\n"
    )
    assert read_brief(file) == {
        "aspectRatio": "9:16",
        "loop": True,
        "budget": Decimal("99.10"),
        "duration": 10,
        "no": "no",
        "day": "2026-11-24",
        "nothing": None,
        "sum": "1e400",
        "number": "007",
        "text": "a b",
    }


# The vocabulary


def test_a_workspace_adds_options_rules_and_texts(tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text(
        "dimensions:\n  mood:\n    options:\n      dreamy:\n        label: Dreamy\n"
        "        help: Half asleep.\n        direction: The mood drifts.\n"
        "      intense: {label: Fierce}\n"
        "rules:\n  professional-skit: null\n"
        "  no-dreamy-vsl: {effect: exclude, when: {mood: [dreamy], type: [vsl]}, reason: No.}\n",
        encoding="utf-8",
    )
    ours = load_vocabulary(file)
    assert [o.key for o in ours.dimension("mood").options][-1] == "dreamy"
    assert ours.dimension("mood").option("intense").label == "Fierce"
    assert ours.dimension("mood").option("intense").direction == (
        VOCABULARY.dimension("mood").option("intense").direction
    )
    keys = {rule.key for rule in ours.rules}
    assert keys == {r.key for r in VOCABULARY.rules} - {"professional-skit"} | {"no-dreamy-vsl"}


def test_an_extension_that_is_wrong_is_named_by_its_path() -> None:
    with pytest.raises(BriefError) as caught:
        extend_vocabulary({"dimensions": {"mood": {"options": {"Dreamy!": {"label": "Dreamy"}}}}})
    assert {p.field for p in caught.value.problems} == {
        "dimensions.mood.options.Dreamy!",
        "dimensions.mood.options.Dreamy!.help",
        "dimensions.mood.options.Dreamy!.direction",
    }


def test_an_option_that_a_rule_needs_cannot_be_taken_out() -> None:
    with pytest.raises(BriefError, match=r"rules\.silence-spoken-types\.when\.audioStyle"):
        extend_vocabulary({"dimensions": {"audioStyle": {"options": {"silence": None}}}})


def test_nothing_added_is_the_packaged_vocabulary() -> None:
    assert extend_vocabulary({}) == VOCABULARY
    assert isinstance(VOCABULARY, Vocabulary)


# The sample


def test_the_sample_is_twelve_videos_without_a_warning() -> None:
    with resources.as_file(resources.files("spotloom") / "sample" / "brief.yaml") as file:
        brief = parsed(read_brief(file))
    made = plan(brief, VOCABULARY, rate=SORA.rate)
    assert made.equation == "2 × 3 × 2 = 12 videos"
    assert len(made.requests) == 12
    assert (made.warnings, made.excluded, made.over_budget) == ((), (), 0)
    assert made.total == Decimal(60)
    assert (brief.model, brief.duration, brief.aspect_ratio) == ("sora-2", 10, "9:16")

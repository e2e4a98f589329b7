"""The matrix: order, ids, exclusions, the cap and the way out."""

import json
import re
import time
from pathlib import Path

import pytest
from tests.unit.creative.examples import brief, brief_of_660, options, vocabulary

from spotloom.creative.matrix import combination_key, equation, kept, matrix
from spotloom.creative.rules import Condition
from spotloom.errors import BriefError

GOLDEN = Path(__file__).parents[1] / "golden" / "combination_keys.json"


def refusal(*args: object, **kwargs: object) -> str:
    with pytest.raises(BriefError) as caught:
        kept(*args, **kwargs)  # type: ignore[arg-type] # passed through as they came
    (problem,) = caught.value.problems
    assert problem.field == "dimensions"
    return problem.message


def test_the_last_dimension_runs_fastest() -> None:
    made = matrix(brief({"mood": ("wholesome", "intense"), "gender": ("male", "any")}))
    seen = [(dict(c.values)["mood"], dict(c.values)["gender"]) for c in made]
    assert seen == [
        ("wholesome", "male"),
        ("wholesome", "any"),
        ("intense", "male"),
        ("intense", "any"),
    ]


def test_the_specifications_660() -> None:
    asked = brief_of_660()
    assert equation(asked) == "5 × 11 × 4 × 3 = 660 videos"
    assert len(kept(asked, vocabulary()).kept) == 660


def test_the_equation_of_few_videos() -> None:
    assert equation(brief()) == "1 video"
    assert equation(brief({"type": options("type", 3)})) == "3 videos"
    assert equation(brief({"type": options("type", 3), "gender": ("male", "any")})) == (
        "3 × 2 = 6 videos"
    )


def test_ids_never_change() -> None:
    for entry in json.loads(GOLDEN.read_text(encoding="utf-8")):
        assert combination_key(entry["values"].items()) == entry["key"]


def test_an_id_is_a_letter_and_eleven_letters_or_digits() -> None:
    assert all(re.fullmatch(r"[a-z][a-z0-9]{11}", c.key) for c in matrix(brief_of_660()))


def test_any_leaves_the_id_as_it_is() -> None:
    values = [("mood", "intense"), ("type", "vsl")]
    assert combination_key([*values, ("gender", "any")]) == combination_key(values)


def test_an_excluded_combination_knows_every_reason() -> None:
    one = matrix(brief({"audioStyle": ("silence",), "type": ("vsl",)}))[0]
    asked = brief(
        {"audioStyle": ("silence", "dialog"), "type": ("vsl",)},
        exclude=(one.key, Condition((("audioStyle", ("silence",)),))),
    )
    (excluded,) = kept(asked, vocabulary()).excluded
    assert excluded.combination == one
    assert excluded.reasons == (
        "A VSL, a listicle and a skit live on words, and silence has none.",
        "Excluded by the brief: audioStyle is silence.",
        "Excluded by its id in the brief.",
    )


def test_an_exclusion_survives_an_edit_of_the_brief() -> None:
    before = matrix(brief({"mood": ("wholesome", "intense")}))[1]
    after = brief(
        {"mood": ("wholesome", "intense"), "type": ("storytime", "listicle")},
        exclude=(before.key,),
    )
    assert [e.combination for e in kept(after, vocabulary()).excluded] == [before]


def test_nothing_left_is_refused_with_the_reasons() -> None:
    asked = brief({"mood": ("intense",)}, exclude=(Condition((("mood", ("intense",)),)),))
    assert refusal(asked, vocabulary()) == (
        "leave no video to make. The only one is excluded: "
        "Excluded by the brief: mood is intense. (1)"
    )


def test_over_the_cap_the_count_and_the_smallest_cuts_are_named() -> None:
    wide = brief(
        {
            "funnelLevel": options("funnelLevel", 5),
            "type": options("type", 11),
            "mood": ("wholesome", "unhinged", "intense", "shocking"),
            "ethnicity": options("ethnicity", 4),
        }
    )
    assert refusal(wide, vocabulary()) == (
        "make 5 × 11 × 4 × 4 = 880 videos; a batch holds 660 at most. To fit, "
        "drop 1 option of mood: 660 videos; or drop 1 option of ethnicity: 660 videos; or "
        "drop 2 options of funnelLevel: 528 videos. Excluded combinations do not count."
    )


def test_661_is_refused_and_660_is_not() -> None:
    wide = brief({"funnelLevel": options("funnelLevel", 3), "type": options("type", 8)})
    every = {"lifeStage": options("lifeStage", 7), "mood": ("wholesome", "intense")}
    wide = brief({**dict(wide.choices), **every, "gender": ("male", "female")})
    assert wide.product == 672
    keys = [c.key for c in matrix(wide)]
    with_661 = brief(dict(wide.choices), exclude=tuple(keys[:11]))
    assert "= 672 videos, 661 after exclusions; a batch holds 660" in refusal(
        with_661, vocabulary()
    )
    with_660 = brief(dict(wide.choices), exclude=tuple(keys[:12]))
    assert [c.key for c in kept(with_660, vocabulary()).kept] == keys[12:]


def test_a_cut_that_is_named_fits_whichever_options_are_dropped() -> None:
    asked = brief(
        {"type": ("vsl", "storytime", "skit"), "audioStyle": ("silence", "dialog", "sfx-only")}
    )
    assert len(kept(asked, vocabulary()).kept) == 7
    message = refusal(asked, vocabulary(), cap=5)
    assert "drop any 1 option of type: at most 5 videos" in message
    assert "drop any 1 option of audioStyle: at most 6" not in message
    for dropped in ("vsl", "storytime", "skit"):
        rest = tuple({"vsl", "storytime", "skit"} - {dropped})
        fewer = brief({"type": rest, "audioStyle": asked.chosen("audioStyle")})
        assert len(kept(fewer, vocabulary(), cap=5).kept) <= 5


@pytest.mark.timed
def test_an_absurd_product_is_refused_before_it_is_enumerated() -> None:
    everything = brief({d.key: [o.key for o in d.options] for d in vocabulary().dimensions})
    started = time.perf_counter()
    message = refusal(everything, vocabulary())
    with pytest.raises(BriefError):
        matrix(everything)
    assert time.perf_counter() - started < 0.5
    assert "336,798,000 videos; a batch holds 660 at most" in message
    assert "choose one option each in type, " in message


def test_the_way_out_in_several_dimensions_fits() -> None:
    everything = brief({d.key: [o.key for o in d.options] for d in vocabulary().dimensions})
    found = re.search(
        r"one option each in (.+): at most ([\d,]+) videos", refusal(everything, vocabulary())
    )
    assert found
    names = found[1].replace(" and ", ", ").split(", ")
    single = brief(dict(everything.choices) | {key: options(key, 1) for key in names})
    assert single.product == int(found[2]) <= 660


@pytest.mark.timed
def test_the_matrix_of_660_takes_less_than_5_ms() -> None:
    asked, words = brief_of_660(), vocabulary()

    def measure() -> float:
        started = time.perf_counter()
        kept(asked, words)
        return time.perf_counter() - started

    # The quickest of many: what else the machine does takes no part in it.
    assert any(measure() < 0.005 for _ in range(400))

"""The vocabulary: what ships, and what is refused."""

from typing import Any

import pytest
from tests.unit.creative.examples import vocabulary

from spotloom.creative.dimensions import Vocabulary
from spotloom.errors import BriefError

SHIPPED = {
    "funnelLevel": "unaware problem-aware solution-aware product-aware most-aware",
    "aesthetic": "animated-2d ugc professional cinema animated-3d",
    "type": "review-social-proof broll-visual-narrative storytime listicle vsl skit "
    "review-testimonial vintage-2000s-ad modern-tv-ad vintage-90s-ad vintage-80s-ad",
    "intention": "educate entertain challenge-belief provide-value heighten-mood inspire",
    "mood": "wholesome unhinged intense professional shocking",
    "audioStyle": "silence music-light-upbeat music-tension music-inspirational vo-conversational "
    "vo-authoritative vo-character dialog sfx-only",
    "ageGeneration": "gen-alpha gen-z millennial gen-x baby-boomer any",
    "gender": "male female non-binary any",
    "orientation": "straight lgbtqia any",
    "lifeStage": "people student early-career established unmarried-couple married-couple parents "
    "retired any",
    "ethnicity": "white black asian latino middle-eastern indian any",
}


def small(**changes: Any) -> dict[str, Any]:
    option = {"label": "A", "help": "An option.", "direction": "Make it so."}
    return {
        "dimensions": {"mood": {"label": "Mood", "required": True, "options": {"a": option}}}
    } | (changes)


def paths(data: object) -> list[str]:
    with pytest.raises(BriefError) as caught:
        Vocabulary.from_mapping(data)
    return [problem.field for problem in caught.value.problems]


def test_the_eleven_dimensions_are_those_of_the_table() -> None:
    assert {d.key: " ".join(o.key for o in d.options) for d in vocabulary().dimensions} == SHIPPED
    assert [d.required for d in vocabulary().dimensions] == [True] * 6 + [False] * 5


def test_the_animation_styles_are_those_of_the_table() -> None:
    assert [style.key for style in vocabulary().animation_styles] == [
        *("paper-cutout", "lego", "ukiyo-e", "sci-fi-anime", "comic-book", "pixel-animation"),
        "pixar-style-neutral",
    ]


def test_every_option_has_a_label_a_help_and_a_direction() -> None:
    for dimension in vocabulary().dimensions:
        for option in dimension.options:
            assert option.label
            assert option.help
            assert bool(option.direction) is (option.key != "any")


def test_a_small_vocabulary_is_read() -> None:
    read = Vocabulary.from_mapping(small())
    assert read.dimension("mood").option("a").direction == "Make it so."


def test_an_unknown_key_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        vocabulary().dimension("weather")
    with pytest.raises(KeyError):
        vocabulary().dimension("mood").option("sunny")
    with pytest.raises(KeyError):
        vocabulary().animation_style("charcoal")


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ("text", "vocabulary"),
        ({}, "dimensions"),
        (small(colours={}), "vocabulary.colours"),
        (small(dimensions={"Mood!": {}}), "dimensions.Mood!"),
        (small(dimensions={"mood": {"label": "Mood", "options": 3}}), "dimensions.mood.options"),
        (small(rules={"r": {"effect": "maybe"}}), "rules.r.effect"),
        (small(rules={"r": {"effect": "warn", "reason": "x", "when": {}}}), "rules.r.when"),
        (
            small(rules={"r": {"effect": "warn", "reason": "x", "when": {"mood": ["b"]}}}),
            "rules.r.when.mood",
        ),
        (
            small(rules={"r": {"effect": "warn", "reason": "x", "when": {"tone": ["b"]}}}),
            "rules.r.when.tone",
        ),
        (small(animationStyles={"Lino Cut": {}}), "animationStyles.Lino Cut"),
        (
            small(animationStyles={"lino": {"label": "L", "help": "H"}}),
            "animationStyles.lino.direction",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_path(data: object, path: str) -> None:
    assert path in paths(data)


def test_an_optional_dimension_must_offer_any() -> None:
    data = small()
    data["dimensions"]["mood"]["required"] = False
    assert paths(data) == ["dimensions.mood.options"]


def test_two_options_may_not_give_one_direction() -> None:
    data = small()
    chosen = data["dimensions"]["mood"]["options"]
    chosen["b"] = chosen["a"] | {"direction": "make  it so."}
    assert paths(data) == ["b"]

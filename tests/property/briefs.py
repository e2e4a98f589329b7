"""Briefs as Hypothesis makes them: any choices, any texts, any exclusions."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from tests.unit.creative.examples import vocabulary
from tests.unit.forms.examples import SORA

from spotloom.creative.brief import Brief, Priority
from spotloom.creative.dimensions import Dimension
from spotloom.creative.matrix import matrix
from spotloom.creative.rules import Choices, Condition

# What the door lets through: no control characters, no lone surrogates, no outer blanks.
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=60
).map(str.strip)


def subsets(dimension: Dimension, *, most: int) -> st.SearchStrategy[tuple[str, ...]]:
    """Some options of the dimension, in the order of the table."""
    keys = [option.key for option in dimension.options]
    some = st.lists(st.sampled_from(keys), min_size=1, max_size=most, unique=True)
    return some.map(lambda chosen: tuple(key for key in keys if key in chosen))


@st.composite
def choices(draw: st.DrawFn, *, most: int = 2) -> Choices:
    """Options for every dimension, of which at most five have several."""
    dimensions = vocabulary().dimensions
    wide = draw(st.sets(st.sampled_from([d.key for d in dimensions]), max_size=5))
    return tuple((d.key, draw(subsets(d, most=most if d.key in wide else 1))) for d in dimensions)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    """A condition on one or two dimensions."""
    named = draw(st.sets(st.sampled_from(vocabulary().dimensions), min_size=1, max_size=2))
    return Condition(
        tuple((d.key, draw(subsets(d, most=2))) for d in vocabulary().dimensions if d in named)
    )


@st.composite
def briefs(draw: st.DrawFn, *, most: int = 2) -> Brief:
    """A brief without exclusions."""
    ratio = draw(st.sampled_from(list(SORA.sizes)))
    fields: dict[str, Any] = {
        name: draw(TEXTS)
        for name in ("visual_messaging", "audio_messaging", "product_category", "call_to_action")
    }
    return Brief(
        brand=draw(TEXTS.filter(bool)),
        big_idea=draw(TEXTS.filter(bool)),
        hero_vo_description=draw(TEXTS),
        landing_url=draw(st.sampled_from(["", "https://example.com", "https://example.com/a?b=c"])),
        choices=draw(choices(most=most)),
        animation_style=draw(
            st.none() | st.sampled_from([s.key for s in vocabulary().animation_styles])
        ),
        model=SORA.model,
        duration=draw(st.sampled_from(SORA.durations)),
        aspect_ratio=ratio,
        size=SORA.sizes[ratio],
        loop=draw(st.booleans()),
        priority=draw(st.sampled_from(Priority)),
        budget=draw(st.none() | st.decimals(0, 10_000, places=2).map(Decimal)),
        **fields,
    )


@st.composite
def briefs_with_exclusions(draw: st.DrawFn) -> Brief:
    """A brief that leaves out some of its combinations, by id and by rule."""
    brief = draw(briefs())
    made = [combination.key for combination in matrix(brief)]
    ids = draw(st.lists(st.sampled_from(made), max_size=4, unique=True))
    rules = draw(st.lists(conditions(), max_size=3))
    return replace(brief, exclude=tuple(draw(st.permutations([*ids, *rules]))))

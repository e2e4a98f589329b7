"""Laws of the matrix, its exclusions, prompts and prices, for any brief."""

import math
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.briefs import briefs, briefs_with_exclusions, choices
from tests.unit.creative.examples import RATE, brief, vocabulary

from spotloom.creative.brief import Brief
from spotloom.creative.matrix import combination_key, equation, kept, matrix
from spotloom.creative.plan import plan
from spotloom.creative.pricing import expected_time, price
from spotloom.creative.prompt import LABELS, paragraphs, prompt
from spotloom.creative.request import Seconds
from spotloom.creative.rules import Choices, Condition, Effect
from spotloom.errors import BriefError

AMPLE = 100_000


@given(briefs(most=3))
def test_the_count_is_the_product_of_the_factors(asked: Brief) -> None:
    made = matrix(asked)
    factors = [len(options) for _, options in asked.choices]
    assert len(made) == math.prod(factors) == asked.product
    numbers = re.findall(r"\d+", equation(asked).replace(",", ""))
    assert int(numbers[-1]) == len(made)
    assert math.prod(map(int, numbers[:-1] or numbers)) == len(made)


@given(briefs(most=3))
def test_combinations_and_their_ids_are_unique(asked: Brief) -> None:
    made = matrix(asked)
    assert len({c.values for c in made}) == len({c.key for c in made}) == len(made)


@given(choices(), st.randoms())
def test_an_id_is_the_same_in_any_order(chosen: Choices, random: st.random_module) -> None:
    asked = replace(brief(), choices=chosen)
    made = matrix(asked)
    shuffled = tuple((k, tuple(random.sample(o, len(o)))) for k, o in chosen)  # type: ignore[attr-defined] # Hypothesis gives a random.Random
    again = matrix(replace(asked, choices=shuffled))
    assert {c.key: dict(c.values) for c in made} == {c.key: dict(c.values) for c in again}
    values = list(made[0].values)
    random.shuffle(values)  # type: ignore[attr-defined] # Hypothesis gives a random.Random
    assert combination_key(values) == made[0].key


@given(briefs_with_exclusions())
def test_exclusions_take_out_exactly_what_they_name(asked: Brief) -> None:
    rules = [r.when for r in vocabulary().rules if r.effect is Effect.EXCLUDE]
    rules += [entry for entry in asked.exclude if isinstance(entry, Condition)]

    def named(key: str, values: dict[str, str]) -> bool:
        met = (all(values[d] in options for d, options in rule.terms) for rule in rules)
        return key in asked.exclude or any(met)

    wanted = [c for c in matrix(asked) if not named(c.key, dict(c.values))]
    try:
        selection = kept(asked, vocabulary(), cap=AMPLE)
    except BriefError:
        assert wanted == []
        return
    assert list(selection.kept) == wanted
    assert len(selection.kept) + len(selection.excluded) == asked.product
    assert all(entry.reasons for entry in selection.excluded)


@given(briefs_with_exclusions(), st.integers(1, 40))
def test_the_cap_holds(asked: Brief, cap: int) -> None:
    try:
        all_of_them = len(kept(asked, vocabulary(), cap=AMPLE).kept)
    except BriefError:
        return
    if all_of_them > cap:
        with pytest.raises(BriefError, match=f"a batch holds {cap} at most"):
            kept(asked, vocabulary(), cap=cap)
    else:
        assert len(kept(asked, vocabulary(), cap=cap).kept) == all_of_them


@given(briefs())
@settings(max_examples=50)
def test_distinct_combinations_have_distinct_prompts(asked: Brief) -> None:
    prompts = [prompt(asked, combination, vocabulary()) for combination in matrix(asked)]
    assert len(set(prompts)) == len(prompts)
    for text in prompts:
        assert tuple(paragraphs(text)) == LABELS
        assert len(text.splitlines()) == len(LABELS)


@given(st.lists(choices(most=1), min_size=2, max_size=2, unique=True))
def test_any_two_combinations_have_distinct_prompts(chosen: list[Choices]) -> None:
    first, second = (replace(brief(), choices=c) for c in chosen)
    texts = {prompt(b, matrix(b)[0], vocabulary()) for b in (first, second)}
    assert len(texts) == 2


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(1, 60).map(Seconds))
def test_price_is_linear(one: int, other: int, duration: Seconds) -> None:
    both = price(RATE, duration, videos=one + other)
    assert both == price(RATE, duration, videos=one) + price(RATE, duration, videos=other)
    assert price(RATE, Seconds(2 * duration), videos=one) == 2 * price(RATE, duration, videos=one)


@given(st.integers(0, 5000), st.integers(1, 50))
def test_the_time_is_the_least_that_is_enough(videos: int, slots: int) -> None:
    minutes = expected_time(videos, slots=slots).total_seconds() / 60
    rounds = minutes / 4
    assert rounds * slots >= videos > (rounds - 1) * slots or videos == rounds == 0


@given(briefs_with_exclusions())
@settings(max_examples=50)
def test_a_plan_orders_and_prices_what_it_keeps(asked: Brief) -> None:
    try:
        made = plan(asked, vocabulary(), rate=RATE, cap=AMPLE)
    except BriefError:
        return
    assert [r.values for r in made.requests] == [c.values for c in made.combinations]
    assert made.total == len(made.requests) * asked.duration * Decimal("0.50")
    assert len({r.fingerprint for r in made.requests}) == len(made.requests)
    assert made.over_budget == max(made.total - (asked.budget or made.total), 0) or (
        asked.budget == 0 and made.over_budget == made.total
    )

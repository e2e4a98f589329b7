"""The rules between options."""

import pytest
from tests.unit.creative.examples import RATE, brief, vocabulary

from spotloom.creative.matrix import matrix
from spotloom.creative.plan import plan
from spotloom.creative.rules import Condition, Effect, Rule
from spotloom.errors import BriefError

RULES = vocabulary().rules


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.key)
def test_every_shipped_rule_can_fire_for_every_option_it_names(rule: Rule) -> None:
    conflict = brief(dict(rule.when.terms))
    assert all(rule.when.holds(dict(c.values)) for c in matrix(conflict))
    if rule.effect is Effect.EXCLUDE:
        with pytest.raises(BriefError, match="leave no video") as caught:
            plan(conflict, vocabulary(), rate=RATE)
        assert rule.reason in str(caught.value)
    else:
        warned = plan(conflict, vocabulary(), rate=RATE)
        keys = tuple(c.key for c in warned.combinations)
        assert (rule.key, rule.reason, keys) in {
            (w.key, w.message, w.combinations) for w in warned.warnings
        }


def test_both_effects_ship() -> None:
    assert {rule.effect for rule in RULES} == set(Effect)


def test_a_condition_needs_every_dimension_it_names() -> None:
    when = Condition((("mood", ("unhinged", "intense")), ("gender", ("male",))))
    assert when.holds({"mood": "intense", "gender": "male", "type": "vsl"})
    assert not when.holds({"mood": "intense", "gender": "female"})
    assert not when.holds({"mood": "intense"})
    assert str(when) == "mood is unhinged or intense and gender is male"


def test_a_condition_is_possible_only_with_an_option_of_each_dimension() -> None:
    when = Condition((("mood", ("unhinged",)), ("gender", ("male",))))
    assert when.possible((("mood", ("unhinged", "intense")), ("gender", ("male", "any"))))
    assert not when.possible((("mood", ("unhinged",)), ("gender", ("any",))))
    assert not when.possible((("mood", ("unhinged",)),))

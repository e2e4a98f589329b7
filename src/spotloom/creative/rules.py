"""Which combinations do not fit together, and what then happens to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Choices = tuple[tuple[str, tuple[str, ...]], ...]


class Effect(StrEnum):
    """What a rule does to the combinations it meets."""

    EXCLUDE = "exclude"  # never made
    WARN = "warn"  # made, and shown


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds for a combination that has one of the named options in every named dimension."""

    terms: Choices

    def __str__(self) -> str:
        return " and ".join(f"{key} is {' or '.join(options)}" for key, options in self.terms)

    def holds(self, values: Mapping[str, str]) -> bool:
        """Whether these values, an option per dimension, meet the condition."""
        return all(values.get(key) in options for key, options in self.terms)

    def possible(self, choices: Choices) -> bool:
        """Whether any combination of these choices can meet the condition."""
        chosen = dict(choices)
        return all(not set(options).isdisjoint(chosen.get(key, ())) for key, options in self.terms)


@dataclass(frozen=True, slots=True)
class Rule:
    """A conflict between options: when it is met, what follows and why."""

    key: str
    effect: Effect
    when: Condition
    reason: str

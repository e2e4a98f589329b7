"""The error tree: every error says who acts next.

    SpotloomError
    ├── BriefError       the marketer changes something (all problems at once)
    ├── NotFound         the caller asked for what is not there
    ├── Conflict         the caller's picture is out of date, or it is not allowed now
    │   └── BudgetRefused    it costs more than a budget allows
    ├── Transient        the engine tries again, after `retry_after_s` when it is known
    ├── Permanent        nobody; this generation has failed
    ├── OutcomeUnknown   we ask the provider before anything is repeated
    └── SetupError       whoever runs this machine mends something: disk, port, database, key

Other subclasses stand beside the code that raises them.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class SpotloomError(Exception):
    """Anything Spotloom says to a person."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a brief: the field's path, and what to change."""

    field: str
    message: str


class BriefError(SpotloomError):
    """The brief cannot be made as it is; carries every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{p.field}: {p.message}" for p in self.problems))


class NotFound(SpotloomError):
    """What was asked for is not there."""


class Conflict(SpotloomError):
    """What was asked for is not possible in the present state."""


class BudgetRefused(Conflict):
    """It costs more than a budget allows; nothing was stored."""


class Transient(SpotloomError):
    """Nothing was bought; the same call may be made again."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class Permanent(SpotloomError):
    """This generation has failed for good; `code` is the provider's word for why."""

    def __init__(self, message: str, *, code: str) -> None:
        self.code = code
        super().__init__(message)


class OutcomeUnknown(SpotloomError):
    """A paid call may have arrived; ask before repeating it."""


class SetupError(SpotloomError):
    """The machine, not the brief, is in the way; the message says what to mend."""

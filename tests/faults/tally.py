"""What the long runs came to: one row each, and how many processes were killed for it."""

import os
import time
from collections import Counter
from dataclasses import astuple, dataclass, fields

from tests.integration.generating_checks import Figures

MINUTES = float(os.environ.get("SPOTLOOM_FAULTS_MINUTES", "20"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One scenario's figures."""

    scenario: str
    videos: int
    decided: int
    accepted: int
    lost: int
    doubled: int
    peak: int
    kills: int
    seconds: int

    @classmethod
    def heading(cls) -> tuple[str, ...]:
        return tuple(f.name for f in fields(cls))

    def cells(self) -> tuple[str, ...]:
        return tuple(str(cell) for cell in astuple(self))


rows: list[Row] = []
blows: Counter[str] = Counter()  # what was killed, stopped or cut, by what it was


class Run:
    """One scenario under way: its time, its blows, its figures."""

    def __init__(self, scenario: str, *, share: float) -> None:
        self.scenario = scenario
        self.kills = 0
        self._begun = time.monotonic()
        self._allowed_s = MINUTES * 60 * share
        self._sums: Counter[str] = Counter()
        self._peak = 0

    @property
    def time_left(self) -> bool:
        """Whether another round fits into this scenario's share of the minutes."""
        return time.monotonic() - self._begun < self._allowed_s

    def struck(self, what: str, times: int = 1) -> None:
        """Count a blow."""
        self.kills += times
        blows[what] += times

    def add(self, found: Figures) -> None:
        """Count what a round came to."""
        for name in ("videos", "decided", "accepted", "lost", "doubled"):
            self._sums[name] += getattr(found, name)
        self._peak = max(self._peak, found.peak)

    def close(self) -> None:
        """Write the row, whether or not the scenario passed."""
        names = ("videos", "decided", "accepted", "lost", "doubled")
        rows.append(
            Row(
                scenario=self.scenario,
                **{name: self._sums[name] for name in names},
                peak=self._peak,
                kills=self.kills,
                seconds=round(time.monotonic() - self._begun),
            )
        )

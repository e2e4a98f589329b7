"""What the long runs came to: a row for each, and the sum over several runs of the suite.

`python -m tests.faults.tally FILE` prints the sum of what SPOTLOOM_FAULTS_TABLE=FILE collected.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Self

from tests.integration.generating import Stage
from tests.integration.generating_checks import Figures, assert_sound, figures

MINUTES = float(os.environ.get("SPOTLOOM_FAULTS_MINUTES", "20"))
TABLE = os.environ.get("SPOTLOOM_FAULTS_TABLE")
_SUMMED = ("videos", "decided", "accepted", "lost", "doubled", "above", "seconds", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One scenario's figures; `kills` are those of its blows that ended a process."""

    scenario: str
    videos: int = 0
    decided: int = 0
    accepted: int = 0
    lost: int = 0
    doubled: int = 0
    above: int = 0
    peak: str = ""
    kills: int = 0
    seconds: int = 0
    failed: int = 0
    blows: Counter[str] = field(default_factory=Counter)

    @classmethod
    def heading(cls) -> list[str]:
        """The words above the columns."""
        return [f.name for f in fields(cls) if f.name != "blows"]

    def cells(self) -> list[str]:
        """The columns of this row."""
        return [str(getattr(self, name)) for name in self.heading()]

    def plus(self, other: Self) -> Self:
        """This scenario's figures and another run's of it."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in _SUMMED}
        blows = Counter(self.blows) + Counter(other.blows)
        return replace(
            self,
            **sums,
            kills=kills(blows),
            peak=max(self.peak, other.peak, key=_highest),
            blows=blows,
        )


def kills(blows: Counter[str]) -> int:
    """How many processes were killed."""
    return sum(times for what, times in blows.items() if what.endswith(" killed"))


def told(rows: Sequence[Row]) -> list[str]:
    """The table, and its sums, as lines."""
    table = [Row.heading(), *(row.cells() for row in rows)]
    widths = [max(len(cells[n]) for cells in table) for n in range(len(table[0]))]
    lines = []
    for cells in table:
        first, *rest = zip(cells, widths, strict=True)
        lines.append("  ".join([first[0].ljust(first[1]), *(c.rjust(width) for c, width in rest)]))
    blows = sum((row.blows for row in rows), Counter[str]())
    total = {name: sum(getattr(row, name) for row in rows) for name in _SUMMED}
    return [
        *lines,
        "",
        ", ".join(f"{what}: {times}" for what, times in sorted(blows.items())),
        f"{kills(blows)} kills and {blows.total() - kills(blows)} other blows in all",
        "{videos} videos, {decided} decided, {accepted} accepted".format_map(total),
        "{lost} lost, {doubled} paid twice, {above} above the limit".format_map(total),
        "{failed} scenarios failed".format_map(total),
    ]


def keep(rows: Sequence[Row], file: Path, *, database: str) -> None:
    """Append the rows to the file, one JSON document a line."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with file.open("a", encoding="utf-8") as table:
        for row in rows:
            figures_of = {f.name: getattr(row, f.name) for f in fields(row)}
            table.write(json.dumps({"at": at, "database": database, **figures_of}) + "\n")


def summed(file: Path) -> list[Row]:
    """One row for each scenario and database in the file, over all runs."""
    found: dict[tuple[str, str], Row] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        told.pop("at")
        database = told.pop("database")
        row = Row(**told | {"blows": Counter(told["blows"])})
        row = replace(row, scenario=f"{row.scenario} ({database})")
        key = (row.scenario, database)
        found[key] = found[key].plus(row) if key in found else row
    return list(found.values())


rows: list[Row] = []
notes: list[str] = []  # readings that no column has room for


class Run:
    """One scenario under way: its time, its blows, its figures."""

    def __init__(self, scenario: str, *, share: float) -> None:
        self.scenario = scenario
        self.blows: Counter[str] = Counter()
        self._begun = time.monotonic()
        self._allowed_s = MINUTES * 60 * share
        self._sums: Counter[str] = Counter()
        self._peak = ""

    @property
    def time_left(self) -> bool:
        """Whether there is time for another blow in this scenario's share of the minutes."""
        return not self.blows or time.monotonic() - self._begun < self._allowed_s

    def struck(self, what: str, times: int = 1) -> None:
        """Count a blow; one that ends a process is called "… killed"."""
        self.blows[what] += times

    async def weigh(self, stage: Stage) -> Figures:
        """Count what a round came to, and let it be sound: in this order, for the table."""
        found = figures(stage)
        for name in ("videos", "decided", "accepted", "lost", "doubled", "above"):
            self._sums[name] += getattr(found, name)
        self._peak = max(self._peak, f"{found.peak}/{stage.limit}", key=_highest)
        return await assert_sound(stage)

    def close(self, *, failed: bool) -> None:
        """Write the row, whether or not the scenario passed."""
        rows.append(
            Row(
                scenario=self.scenario,
                **{name: self._sums[name] for name in _SUMMED[:6]},
                peak=self._peak,
                kills=kills(self.blows),
                seconds=round(time.monotonic() - self._begun),
                failed=int(failed),
                blows=self.blows,
            )
        )


def _highest(peak: str) -> float:
    """How much of the limit was in use: `3/4` is three of four."""
    most, _, limit = peak.partition("/")
    return int(most) / int(limit) if limit else 0.0


if __name__ == "__main__":
    sys.stdout.write("\n".join(told(summed(Path(sys.argv[1])))) + "\n")

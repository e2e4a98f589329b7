"""What was asked of the server and what became of it: a test's evidence."""

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.integration.notion_peer.records import Page

KEY = ("Batch ID", "Combination ID")


@dataclass(slots=True)
class Ledger:
    """Every request since the last reset."""

    arrivals: list[tuple[float, str]] = field(default_factory=list)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    created: int = 0
    problems: list[str] = field(default_factory=list)
    agents: Counter[str] = field(default_factory=Counter)

    def arrived(self, kind: str, agent: str) -> None:
        self.arrivals.append((time.time(), kind))
        self.agents[agent] += 1

    def answered(self, kind: str, status: int) -> None:
        """A status of 0 is an answer that never came."""
        self.answers[kind, status] += 1

    def told(self, pages: list[Page]) -> dict[str, Any]:
        """What a test reads."""
        by_kind: dict[str, Counter[str]] = defaultdict(Counter)
        for (kind, status), count in sorted(self.answers.items()):
            by_kind[kind][str(status)] += count
        return {
            "requests": len(self.arrivals),
            "byKind": dict(Counter(kind for _, kind in self.arrivals)),
            "answers": by_kind,
            "created": self.created,
            "pages": len(pages),
            "duplicates": duplicates(pages),
            "peakPerSecond": peak(self.arrivals, 1.0),
            "seconds": self.arrivals[-1][0] - self.arrivals[0][0] if self.arrivals else 0.0,
            "problems": self.problems,
            "agents": self.agents,
        }


def duplicates(pages: list[Page]) -> list[dict[str, Any]]:
    """Pages out of the trash that stand for the same combination of the same batch."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for page in pages:
        told = page.plain()
        if all(told.get(name) for name in KEY) and not page.in_trash:
            found[told[KEY[0]], told[KEY[1]]].append(page.id)
    return [{"key": key, "pages": ids} for key, ids in found.items() if len(ids) > 1]


def peak(arrivals: list[tuple[float, str]], seconds: float) -> int:
    """The most requests in any stretch of so many seconds."""
    most = start = 0
    for end, (at, _) in enumerate(arrivals):
        while at - arrivals[start][0] >= seconds:
            start += 1
        most = max(most, end - start + 1)
    return most

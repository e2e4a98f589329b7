"""What goes wrong, as a test scripts it: limits, delays, and faults of single calls."""

import math
import time
from collections import Counter, defaultdict
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from tests.integration.notion_peer.refusals import OF_STATUS, Refused

from spotloom.sandbox.faults import Pick

_WRITES = frozenset({"createPage", "updatePage", "createDatabase", "updateDataSource"})


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Window(Strict):
    """So many requests of a token in each window of so many seconds; the rest hear 429."""

    requests: int = Field(ge=1)
    seconds: float = Field(gt=0)


class Rule(Strict):
    """A fault of a single call: `committed` ones happen after the workspace has changed."""

    where: str = "any"  # a request's name, such as createPage, or any
    fault: Literal["status", "drop", "slow", "html"]
    calls: Pick = Pick(every=1)
    committed: bool = False
    status: int | None = None
    retryAfter: int | None = None  # noqa: N815 - the header's word
    seconds: float | None = None
    until: float | None = None  # seconds after the script was given

    @model_validator(mode="after")
    def _sense(self) -> Self:
        if self.fault == "status" and self.status not in OF_STATUS:
            raise ValueError(f"a status is one of {sorted(OF_STATUS)}")
        if self.fault == "slow" and self.seconds is None:
            raise ValueError("slow needs seconds")
        if self.committed and self.where not in _WRITES:
            raise ValueError(f"committed belongs to one of {sorted(_WRITES)}")
        return self

    def refusal(self) -> Refused:
        assert self.status is not None
        return Refused(OF_STATUS[self.status], retry_after=self.retryAfter)


class Hooks(Strict):
    """How webhooks arrive: by the ordinal of the event."""

    delaySeconds: float = 0.05  # noqa: N815 - as the others
    lost: Pick | None = None
    doubled: Pick | None = None
    forged: Pick | None = None  # signed with another token
    reordered: bool = False  # those that wait together are sent last first


class Script(Strict):
    """Everything that a test can say."""

    seed: int = 0
    window: Window | None = None
    latencySeconds: float = 0.0  # noqa: N815 - as the others
    lagSeconds: float = 0.0  # noqa: N815 - until a query finds a new page
    queryCap: int = 10_000  # noqa: N815 - as the others
    blockLimit: int | None = None  # noqa: N815 - as the others
    rounded: bool = True  # times down to the minute
    hooks: Hooks = Hooks()
    rules: tuple[Rule, ...] = ()


class Conditions:
    """The script at work."""

    def __init__(self, script: Script) -> None:
        self.script, self.began = script, time.monotonic()
        self.events = 0
        self._calls: Counter[tuple[int, bool]] = Counter()
        self._windows: dict[str, tuple[int, int]] = defaultdict(lambda: (-1, 0))

    def admit(self, token: str) -> None:
        """Take a request into its token's window, or refuse it until the next one begins."""
        if (window := self.script.window) is None:
            return
        elapsed = time.monotonic() - self.began
        current = int(elapsed // window.seconds)
        number, count = self._windows[token]
        count = count if number == current else 0
        if count >= window.requests:
            left = (current + 1) * window.seconds - elapsed
            reason = {"rate_limit_reason": "connection"}
            raise Refused("rate_limited", retry_after=max(1, math.ceil(left)), more=reason)
        self._windows[token] = (current, count + 1)

    def strike(self, kind: str, *, committed: bool) -> Rule | None:
        """The rule that this call falls to, before or after what it does."""
        struck = None
        for index, rule in enumerate(self.script.rules):
            if rule.committed != committed or rule.where not in {kind, "any"}:
                continue
            if rule.until is not None and time.monotonic() - self.began > rule.until:
                continue
            self._calls[index, committed] += 1
            ordinal = self._calls[index, committed]
            if struck is None and rule.calls.takes(ordinal, dice=f"{self.script.seed}:{index}"):
                struck = rule
        return struck

    def picks(self, pick: Pick | None, ordinal: int, *, what: str) -> bool:
        return pick is not None and pick.takes(ordinal, dice=f"{self.script.seed}:{what}")


def read(given: dict[str, Any]) -> Conditions:
    return Conditions(Script.model_validate(given))

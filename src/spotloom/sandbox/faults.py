"""Scripted misbehaviour: which call or job is dealt which fault, from a closed vocabulary."""

import hashlib
import time
from collections import Counter
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from spotloom.errors import SetupError

Place = Literal["create", "poll", "list", "content", "delete", "job", "webhook", "any"]
_HTTP = frozenset({"create", "poll", "list", "content", "delete", "any"})
_PER_JOB = frozenset({"poll", "content", "delete"})

# Each fault: where it makes sense, what it must say, what it may say.
_WORDS: dict[str, tuple[frozenset[str], frozenset[str], frozenset[str]]] = {
    "status": (_HTTP, frozenset({"status"}), frozenset({"retryAfter", "code", "message"})),
    "drop": (_HTTP | {"webhook"}, frozenset(), frozenset()),
    "slow": (_HTTP, frozenset({"seconds"}), frozenset()),
    "html": (_HTTP, frozenset(), frozenset()),
    "redirect": (_HTTP, frozenset(), frozenset({"location"})),
    "moderation": (frozenset({"create"}), frozenset(), frozenset({"code", "message"})),
    "lag": (frozenset({"list"}), frozenset({"seconds"}), frozenset()),
    "lost": (frozenset({"poll"}), frozenset(), frozenset()),
    "word": (frozenset({"poll"}), frozenset({"word"}), frozenset()),
    "stuck": (frozenset({"poll"}), frozenset(), frozenset({"value"})),
    "backwards": (frozenset({"poll"}), frozenset(), frozenset()),
    "failed-as-error": (frozenset({"poll"}), frozenset(), frozenset({"status"})),
    "truncate": (frozenset({"content"}), frozenset(), frozenset()),
    "fail": (frozenset({"job"}), frozenset({"code"}), frozenset({"message"})),
    "hang": (frozenset({"job"}), frozenset(), frozenset()),
    "no-content": (frozenset({"job"}), frozenset(), frozenset()),
    "expire": (frozenset({"job"}), frozenset(), frozenset({"seconds"})),
    "duplicate": (frozenset({"webhook"}), frozenset(), frozenset({"times"})),
    "reorder": (frozenset({"webhook"}), frozenset(), frozenset()),
    "early": (frozenset({"webhook"}), frozenset(), frozenset()),
    "stale": (frozenset({"webhook"}), frozenset(), frozenset({"seconds"})),
    "bad-signature": (frozenset({"webhook"}), frozenset(), frozenset()),
}
_PARAMETERS = frozenset().union(*(must | may for _, must, may in _WORDS.values()))


class Pick(BaseModel):
    """Which ordinals, counted from 1: exactly one of the four ways to say it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: int | None = Field(default=None, ge=1)
    every: int | None = Field(default=None, ge=1)
    only: tuple[int, ...] | None = None
    share: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("say exactly one of first, every, only, share")
        return self

    def takes(self, ordinal: int, *, dice: str) -> bool:
        """Whether this ordinal is meant; a share is thrown with `dice`, alike in every run."""
        if self.first is not None:
            return ordinal <= self.first
        if self.every is not None:
            return ordinal % self.every == 0
        if self.only is not None:
            return ordinal in self.only
        digest = hashlib.blake2b(f"{dice}:{ordinal}".encode(), digest_size=6).digest()
        return int.from_bytes(digest) / 2**48 < (self.share or 0)


class Rule(BaseModel):
    """One fault, where it strikes, and whom."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    where: Place
    fault: str
    calls: Pick | None = None  # by the ordinal of the call
    jobs: Pick | None = None  # by the ordinal of acceptance
    per: Literal["job", "server"] | None = None  # what `calls` counts over
    during: tuple[float, float] | None = None  # seconds since the first call there
    accepted: bool = False  # create only: strike after the job was accepted and charged

    status: int | None = Field(default=None, ge=300, le=599)
    retryAfter: float | None = Field(default=None, ge=0, le=3600)  # noqa: N815 - the file's word
    code: str | None = Field(default=None, min_length=1, max_length=100)
    message: str | None = Field(default=None, max_length=1000)
    seconds: float | None = Field(default=None, ge=0, le=3600)
    location: str | None = Field(default=None, min_length=1, max_length=2000)
    word: str | None = Field(default=None, min_length=1, max_length=100)
    value: int | None = Field(default=None, ge=0, le=100)
    times: int | None = Field(default=None, ge=2, le=1000)

    @model_validator(mode="after")
    def _sense(self) -> Self:
        if self.fault not in _WORDS:
            raise ValueError(f"no fault is called '{self.fault}'; there are {', '.join(_WORDS)}")
        places, must, may = _WORDS[self.fault]
        if self.where not in places:
            allowed = " or ".join(sorted(places))
            raise ValueError(f"'{self.fault}' belongs to {allowed}, not to {self.where}")
        said = self.model_fields_set & _PARAMETERS
        if missing := must - said:
            raise ValueError(f"'{self.fault}' needs {', '.join(sorted(missing))}")
        if surplus := said - must - may:
            raise ValueError(f"'{self.fault}' does not take {', '.join(sorted(surplus))}")
        self._check_selection()
        return self

    def _check_selection(self) -> None:
        if self.accepted and self.where != "create":
            raise ValueError("'accepted' belongs to create")
        if self.accepted and self.fault == "moderation":
            raise ValueError("moderation at submit never accepts; for the end use job and fail")
        if self.where in {"create", "list", "any"} and (self.jobs or self.per):
            raise ValueError(f"{self.where} has no job to choose by; use calls")
        if self.where in {"job", "webhook"} and (self.calls or self.per):
            raise ValueError(f"{self.where} happens once for each job; use jobs")
        if self.during and not 0 <= self.during[0] < self.during[1]:
            raise ValueError("'during' is [from, to] in seconds, from below to")


class Script(BaseModel):
    """A file of faults: the first rule that fits a call strikes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 0
    rules: tuple[Rule, ...] = Field(default=(), max_length=1000)


def read_script(file: Path) -> Script:
    """The script in a YAML or JSON file; SetupError that names what is wrong in it."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SetupError(f"The faults file {file} cannot be read: {error}") from error
    try:
        return Script.model_validate({} if content is None else content)
    except ValidationError as error:
        raise SetupError(f"The faults file {file} is wrong. {explain(error)}") from error


def explain(error: ValidationError) -> str:
    """Every problem of a script, with the path of each."""
    lines = []
    for problem in error.errors():
        path = ".".join(str(part) for part in problem["loc"]) or "script"
        lines.append(f"{path}: {problem['msg'].removeprefix('Value error, ')}")
    return "; ".join(lines)


class Faults:
    """The script at work: counts the calls and deals the faults."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._counts: Counter[tuple[str, int]] = Counter()
        self._begun: dict[str, float] = {}
        self._places = {_counted(rule) for rule in script.rules}

    def strike(self, place: str, *, job: int = 0) -> Rule | None:
        """Count one call at a place, and the rule that it falls to.

        `accepted` is the place behind an acceptance.
        """
        if not self._places:
            return None
        now = time.monotonic()
        for spot in (place, "any") if place in _HTTP else (place,):
            self._begun.setdefault(spot, now)
            self._counts[spot, 0] += 1
            if job:
                self._counts[spot, job] += 1
        for index, rule in enumerate(self.script.rules):
            if self._fits(rule, place) and self._chosen(rule, place, index=index, job=job):
                return rule
        return None

    def _fits(self, rule: Rule, place: str) -> bool:
        spot = _counted(rule)
        if spot != place and not (spot == "any" and place in _HTTP):
            return False
        if rule.during is None:
            return True
        return rule.during[0] <= time.monotonic() - self._begun[spot] < rule.during[1]

    def _chosen(self, rule: Rule, place: str, *, index: int, job: int) -> bool:
        dice = f"{self.script.seed}:{index}"
        if rule.jobs is not None and not rule.jobs.takes(job, dice=dice):
            return False
        if rule.calls is None:
            return True
        per_job = rule.where in _PER_JOB and rule.per != "server"
        ordinal = self._counts[_counted(rule), job if per_job else 0]
        return rule.calls.takes(ordinal, dice=f"{dice}:{place}:{job if per_job else 0}")

    def fate(self, n: int) -> dict[str, Any]:
        """What is decided at acceptance about the n-th job: its end, and its webhook."""
        dealt = {place: self.strike(place, job=n) for place in ("job", "webhook")}
        return {
            place: rule.model_dump(include={"fault", *_PARAMETERS}, exclude_unset=True)
            for place, rule in dealt.items()
            if rule is not None
        }


def _counted(rule: Rule) -> str:
    return "accepted" if rule.accepted else rule.where

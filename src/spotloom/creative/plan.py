"""The campaign's plan: what will be made, what will not and why, and what it costs."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from spotloom.creative import matrix
from spotloom.creative.brief import Brief
from spotloom.creative.dimensions import Vocabulary
from spotloom.creative.matrix import CAP, Combination, Excluded
from spotloom.creative.pricing import TYPICAL_VIDEO, Line, Rate, expected_time
from spotloom.creative.prompt import is_animated, is_voiced, prompt
from spotloom.creative.request import VideoRequest
from spotloom.creative.rules import Condition, Effect


@dataclass(frozen=True, slots=True)
class Caution:
    """Something the marketer should know before paying, and which videos it concerns."""

    key: str  # the rule's key, or the brief's field
    message: str
    combinations: tuple[str, ...]  # ids; none when it concerns the brief itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A brief worked out to the last video, before anything is spent."""

    brief: Brief
    combinations: tuple[Combination, ...]
    excluded: tuple[Excluded, ...]
    warnings: tuple[Caution, ...]
    requests: tuple[VideoRequest, ...]  # one per combination, in the same order, keys still open
    equation: str
    rate: Rate

    @property
    def lines(self) -> tuple[Line, ...]:
        """The bill, line by line."""
        brief, videos = self.brief, len(self.requests)
        line = Line(model=brief.model, duration=brief.duration, rate=self.rate, videos=videos)
        return (line,)

    @property
    def total(self) -> Decimal:
        """What the whole plan is estimated to cost, in US dollars."""
        return sum((line.total for line in self.lines), Decimal(0))

    @property
    def over_budget(self) -> Decimal:
        """By how much the total passes the brief's budget; 0 when it does not."""
        budget = self.brief.budget
        return Decimal(0) if budget is None else max(Decimal(0), self.total - budget)

    def expected_time(self, *, slots: int, per_video: dt.timedelta = TYPICAL_VIDEO) -> dt.timedelta:
        """How long the videos take when `slots` of them are made at a time."""
        return expected_time(len(self.requests), slots=slots, per_video=per_video)


def plan(brief: Brief, vocabulary: Vocabulary, *, rate: Rate, cap: int = CAP) -> Plan:
    """The brief worked out; BriefError when no video is left, or more than the cap."""
    selection = matrix.kept(brief, vocabulary, cap=cap)
    return Plan(
        brief=brief,
        combinations=selection.kept,
        excluded=selection.excluded,
        warnings=(
            *_conflicts(brief, vocabulary, selection.kept),
            *_unused(brief),
            *_idle_exclusions(brief, selection),
        ),
        requests=tuple(_request(brief, kept, vocabulary) for kept in selection.kept),
        equation=matrix.equation(brief),
        rate=rate,
    )


def _request(brief: Brief, combination: Combination, vocabulary: Vocabulary) -> VideoRequest:
    return VideoRequest(
        prompt=prompt(brief, combination, vocabulary),
        model=brief.model,
        duration=brief.duration,
        size=brief.size,
        loop=brief.loop,
        brand=brief.brand,
        values=combination.values,
        idempotency_key="",
    )


def _conflicts(
    brief: Brief, vocabulary: Vocabulary, kept: tuple[Combination, ...]
) -> Iterator[Caution]:
    for rule in vocabulary.rules:
        if rule.effect is Effect.WARN and rule.when.possible(brief.choices):
            met = tuple(c.key for c in kept if rule.when.holds(dict(c.values)))
            if met:
                yield Caution(rule.key, rule.reason, met)


def _unused(brief: Brief) -> Iterator[Caution]:
    """Fields that were filled in but that nothing in this brief can show or play."""
    if brief.hero_vo_description and not any(map(is_voiced, brief.chosen("audioStyle"))):
        yield Caution(
            "heroVoDescription", "Not used: no voice-over (vo-…) is chosen in audioStyle.", ()
        )
    if brief.animation_style and not any(map(is_animated, brief.chosen("aesthetic"))):
        yield Caution("animationStyle", "Not used: no animated-… is chosen in aesthetic.", ())


def _idle_exclusions(brief: Brief, selection: matrix.Selection) -> Iterator[Caution]:
    """Exclusions that exclude nothing: kept for a later edit, or mistyped."""
    known = {entry.combination.key for entry in selection.excluded}
    for place, entry in enumerate(brief.exclude):
        idle = (
            not entry.possible(brief.choices)
            if isinstance(entry, Condition)
            else entry not in known
        )
        if idle:
            yield Caution(f"exclude[{place}]", f"Excludes nothing here: {entry}.", ())

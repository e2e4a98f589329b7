"""Planning: what a brief would make and cost, before anything is stored or spent."""

import datetime as dt
from typing import Self

from pydantic import Field

from spotloom.contract.batches import BatchAsk
from spotloom.contract.shapes import CombinationId, Money, Told
from spotloom.creative.plan import Plan as WorkedOut
from spotloom.creative.pricing import price

MOST_EXCLUDED_SHOWN = 2_000  # a brief may exclude a hundred thousand


class PlanAsk(BatchAsk):
    """A brief to work out; in the words of an order, so that the same body then orders it."""

    rows: bool = Field(
        default=True, description="False: the figures alone; both lists of combinations are empty."
    )


class PlanRow(Told):
    """One video that would be made."""

    combination_id: CombinationId
    values: dict[str, str]
    prompt: str
    estimated_cost: Money


class ExcludedRow(Told):
    """One combination that would not be made, and why."""

    combination_id: CombinationId
    values: dict[str, str]
    reasons: list[str]


class PlanWarning(Told):
    """Something to know before paying."""

    rule: str
    message: str
    combinations: list[str] = Field(description="Ids; none when it concerns the brief itself.")


class PlanRate(Told):
    """A price per second, with the day and place it was read."""

    per_second: Money
    as_of: dt.date
    source: str


class PlanLine(Told):
    """One line of the bill."""

    model: str
    duration: int
    size: str = Field(examples=["720x1280"])
    videos: int
    each: Money
    total: Money


class Plan(Told):
    """A brief worked out to the last video."""

    equation: str = Field(examples=["2 × 2 = 4 videos"])
    total_videos: int
    total_combinations: int = Field(description="Before any is excluded.")
    total_excluded: int
    currency: str = "USD"
    estimated_cost: Money
    budget: Money | None
    over_budget: Money
    provider: str
    model: str
    charges: bool = Field(description="False for the sandbox: the cost is a forecast only.")
    rate: PlanRate
    lines: list[PlanLine]
    slots: int = Field(description="Videos at once.")
    expected_seconds: int
    expected_finish: dt.datetime
    warnings: list[PlanWarning]
    excluded: list[ExcludedRow] = Field(description=f"The first {MOST_EXCLUDED_SHOWN:,}.")
    combinations: list[PlanRow]

    @classmethod
    def of(
        cls,
        plan: WorkedOut,
        *,
        provider: str,
        charges: bool,
        slots: int,
        now: dt.datetime,
        rows: bool = True,
    ) -> Self:
        """The plan as the API tells it, begun now with so many videos at once."""
        takes = plan.expected_time(slots=slots)
        return cls(
            equation=plan.equation,
            total_videos=len(plan.requests),
            total_combinations=plan.brief.product,
            total_excluded=len(plan.excluded),
            estimated_cost=plan.total,
            budget=plan.brief.budget,
            over_budget=plan.over_budget,
            provider=provider,
            model=plan.brief.model,
            charges=charges,
            rate=PlanRate(
                per_second=plan.rate.per_second, as_of=plan.rate.as_of, source=plan.rate.source
            ),
            lines=_lines(plan),
            slots=slots,
            expected_seconds=int(takes.total_seconds()),
            expected_finish=now + takes,
            warnings=[
                PlanWarning(rule=c.key, message=c.message, combinations=list(c.combinations))
                for c in plan.warnings
            ],
            excluded=_excluded(plan) if rows else [],
            combinations=_rows(plan) if rows else [],
        )


def _lines(plan: WorkedOut) -> list[PlanLine]:
    return [
        PlanLine(
            model=line.model,
            duration=line.duration,
            size=str(plan.brief.size),
            videos=line.videos,
            each=line.each,
            total=line.total,
        )
        for line in plan.lines
    ]


def _excluded(plan: WorkedOut) -> list[ExcludedRow]:
    return [
        ExcludedRow(
            combination_id=entry.combination.key,
            values=dict(entry.combination.values),
            reasons=list(entry.reasons),
        )
        for entry in plan.excluded[:MOST_EXCLUDED_SHOWN]
    ]


def _rows(plan: WorkedOut) -> list[PlanRow]:
    return [
        PlanRow(
            combination_id=combination.key,
            values=dict(combination.values),
            prompt=request.prompt,
            estimated_cost=price(plan.rate, request.duration),
        )
        for combination, request in zip(plan.combinations, plan.requests, strict=True)
    ]

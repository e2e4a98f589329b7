"""`spotloom plan`: the matrix, the warnings and the cost, before anything is spent."""

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from spotloom import settings as setting
from spotloom.cli.briefs import BriefFile, Budget, Model, Provider, planned
from spotloom.cli.say import answer_json, err, out, plain
from spotloom.creative.pricing import TYPICAL_VIDEO, dollars, price
from spotloom.errors import SetupError
from spotloom.forms.planned import Planned


def plan_command(
    brief: BriefFile,
    provider: Provider = None,
    model: Model = None,
    budget: Budget = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write the matrix to this file.", metavar="FILE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a brief would make and what it would cost. Spends nothing, stores nothing.

    Exit code 0: it can be made. 2: it cannot, with every problem of the brief.

    Examples:
      spotloom plan brief.yaml
      spotloom plan brief.yaml --model sora-2-pro --csv matrix.csv
      spotloom plan brief.yaml --json
    """
    settings = setting.load()
    result = planned(brief, settings, provider=provider, model=model, budget=budget)
    if csv_file is not None:
        _write(csv_file, matrix_csv(result))
    if as_json:
        answer_json(plan_json(result, slots=settings.max_concurrent))
        return
    show(result, slots=settings.max_concurrent)
    if csv_file is not None:
        out.print(f"The matrix is in {csv_file}.", markup=False, soft_wrap=True)


def show(result: Planned, *, slots: int) -> None:
    """The plan as a person reads it."""
    plan = result.plan
    out.print(f"[bold]{plan.equation}[/]")
    if plan.excluded:
        out.print(f"{len(plan.excluded):,} excluded, [bold]{len(plan.requests):,} to make[/]")
    for line in plan.lines:
        out.print(
            f"{line.videos:,} × {line.model}, {line.duration} s, {plan.brief.size} = "
            f"{line.videos:,} × {dollars(line.each)} = [bold]{dollars(line.total)}[/]"
        )
    rate = plan.rate
    out.print(
        f"[dim]{dollars(rate.per_second)} a second, as of {rate.as_of:%d %B %Y}: {rate.source}[/]"
    )
    out.print(_time_and_charge(result, slots))
    if plan.over_budget:
        budget = dollars(plan.brief.budget or Decimal(0))
        out.print(f"[red]{dollars(plan.over_budget)} over the budget of {budget}[/]")
    for caution in plan.warnings:
        count = len(caution.combinations)
        where = f"{count:,} video{'s' if count > 1 else ''}" if count else caution.key
        words = f" ({where}): {caution.message}"
        err.print(Text.assemble(("Warning", "yellow"), plain(words)))


def _time_and_charge(result: Planned, slots: int) -> str:
    if not result.offer.charges:
        return (
            "The sandbox draws these as animatics, here and at no charge: this cost is a forecast."
        )
    return (
        f"About {_duration(_seconds(result, slots))} with {slots} at once, "
        f"at {_duration(TYPICAL_VIDEO.total_seconds())} a video"
    )


def plan_json(result: Planned, *, slots: int) -> dict[str, Any]:
    """The plan as a machine reads it."""
    plan = result.plan
    return {
        "equation": plan.equation,
        "totalVideos": len(plan.requests),
        "currency": "USD",
        "estimatedCost": plan.total,
        "budget": plan.brief.budget,
        "overBudget": plan.over_budget,
        "provider": result.offer.provider,
        "model": plan.brief.model,
        "charges": result.offer.charges,
        "rate": {
            "perSecond": plan.rate.per_second,
            "asOf": plan.rate.as_of.isoformat(),
            "source": plan.rate.source,
        },
        "expectedSeconds": _seconds(result, slots),
        "warnings": [
            {"rule": c.key, "message": c.message, "combinations": list(c.combinations)}
            for c in plan.warnings
        ],
        "excluded": [
            {
                "combinationId": e.combination.key,
                "values": dict(e.combination.values),
                "reasons": list(e.reasons),
            }
            for e in plan.excluded
        ],
        "combinations": [
            {
                "combinationId": combination.key,
                "values": dict(combination.values),
                "prompt": request.prompt,
                "estimatedCost": price(plan.rate, request.duration),
            }
            for combination, request in zip(plan.combinations, plan.requests, strict=True)
        ],
    }


def matrix_csv(result: Planned) -> str:
    """The matrix as a table: a row per video."""
    plan = result.plan
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    dimensions = [key for key, _ in plan.brief.choices]
    writer.writerow(["combinationId", *dimensions, "estimatedCost", "prompt"])
    for combination, request in zip(plan.combinations, plan.requests, strict=True):
        values = dict(combination.values)
        cost = price(plan.rate, request.duration)
        row = [values[key] for key in dimensions]
        writer.writerow([combination.key, *row, f"{cost:.2f}", request.prompt])
    return text.getvalue()


def _seconds(result: Planned, slots: int) -> int:
    return int(result.plan.expected_time(slots=slots).total_seconds())


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise SetupError(f"{path} cannot be written: {error.strerror}.") from error

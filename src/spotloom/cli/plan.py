"""`spotloom plan`: the matrix, the warnings and the cost, before anything is spent."""

import csv
import io
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from spotloom.cli.briefs import BriefFile, Budget, Model, Provider
from spotloom.cli.desk.shapes import Desk, Order
from spotloom.cli.say import answer_json, err, out, plain
from spotloom.contract.plans import Plan
from spotloom.creative.pricing import TYPICAL_VIDEO, dollars
from spotloom.errors import SetupError


def plan_command(
    at: Desk,
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
    order = Order(brief=brief, provider=provider, model=model, budget=budget)
    plan = at.draft(order).plan
    if csv_file is not None:
        _write(csv_file, matrix_csv(plan))
    if as_json:
        answer_json(plan.model_dump(mode="json", by_alias=True))
        return
    show(plan)
    if csv_file is not None:
        out.print(f"The matrix is in {csv_file}.", markup=False, soft_wrap=True)


def show(plan: Plan) -> None:
    """The plan as a person reads it."""
    out.print(f"[bold]{plain(plan.equation)}[/]")
    if plan.total_excluded:
        out.print(f"{plan.total_excluded:,} excluded, [bold]{plan.total_videos:,} to make[/]")
    for line in plan.lines:
        out.print(
            f"{line.videos:,} × {line.model}, {line.duration} s, {line.size} = "
            f"{line.videos:,} × {dollars(line.each)} = [bold]{dollars(line.total)}[/]"
        )
    rate = plan.rate
    out.print(
        f"[dim]{dollars(rate.per_second)} a second, as of {rate.as_of:%d %B %Y}: {rate.source}[/]"
    )
    out.print(_time_and_charge(plan))
    if plan.over_budget and plan.budget is not None:
        out.print(f"[red]{dollars(plan.over_budget)} over the budget of {dollars(plan.budget)}[/]")
    for caution in plan.warnings:
        count = len(caution.combinations)
        where = f"{count:,} video{'s' if count > 1 else ''}" if count else caution.rule
        words = f" ({where}): {caution.message}"
        err.print(Text.assemble(("Warning", "yellow"), plain(words)))


def _time_and_charge(plan: Plan) -> str:
    if not plan.charges:
        return "The sandbox draws these as animatics, at no charge: this cost is a forecast."
    return (
        f"About {_duration(plan.expected_seconds)} with {plan.slots} at once, "
        f"at {_duration(TYPICAL_VIDEO.total_seconds())} a video"
    )


def matrix_csv(plan: Plan) -> str:
    """The matrix as a table: a row per video."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    dimensions = list(plan.combinations[0].values) if plan.combinations else []
    writer.writerow(["combinationId", *dimensions, "estimatedCost", "prompt"])
    for row in plan.combinations:
        values = [row.values[key] for key in dimensions]
        writer.writerow([row.combination_id, *values, f"{row.estimated_cost:.2f}", row.prompt])
    return text.getvalue()


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise SetupError(f"{path} cannot be written: {error.strerror}.") from error

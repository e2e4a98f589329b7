"""`spotloom lanes` and `spotloom budget`: the standing limits on what is bought, and how fast."""

import asyncio
from decimal import Decimal
from typing import Annotated, Literal

import typer

from spotloom.cli.briefs import dollars_option
from spotloom.cli.desk.shapes import Desk
from spotloom.cli.progress import lane_line
from spotloom.cli.say import answer_json, out
from spotloom.contract.lanes import Budget, BudgetEdit, Lane, LaneEdit
from spotloom.creative.pricing import dollars

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def lanes_command(
    at: Desk,
    provider: Annotated[str | None, typer.Argument(help="Only lanes of this provider.")] = None,
    limit: Annotated[
        int | None, typer.Option(help="Videos at once; 0 starts none.", min=0, max=1000)
    ] = None,
    starts_a_minute: Annotated[
        int | None,
        typer.Option(
            help="Most videos started in a minute; 0 takes the bound away.", min=0, max=100_000
        ),
    ] = None,
    pause: Annotated[bool, typer.Option("--pause", help="Start nothing until resumed.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Open the lane again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the lanes (one per provider account), or change one while it runs.

    Examples: spotloom lanes · spotloom lanes openai-videos --limit 8
    """
    if pause and resume:
        raise typer.BadParameter("--pause and --resume exclude each other.")
    change = None
    if limit is not None or starts_a_minute is not None or pause or resume:
        if provider is None:
            raise typer.BadParameter("Name the provider whose lane is to change.")
        state: Literal["open", "paused"] | None = "paused" if pause else "open" if resume else None
        change = LaneEdit(limit=limit, starts_a_minute=starts_a_minute, state=state)
    found = asyncio.run(_lanes(at, provider, change))
    if as_json:
        answer_json([lane.model_dump(mode="json", by_alias=True) for lane in found])
        return
    for lane in found:
        out.print(lane_line(lane))
    if not found:
        out.print("No lane yet: the first batch makes one.")


async def _lanes(at: Desk, provider: str | None, change: LaneEdit | None) -> list[Lane]:
    async with at.opened() as work:
        return await work.lanes(provider, change)


def budget_command(
    at: Desk,
    total: Annotated[
        str | None, typer.Option(help="Most to spend in all, in US dollars; none: no cap.")
    ] = None,
    day: Annotated[
        str | None,
        typer.Option(help="Most to spend in one day (UTC), in US dollars; none: no cap."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the caps above every batch's own budget, or change them.

    Examples: spotloom budget · spotloom budget --total 5000 --day 500 · spotloom budget --day none
    """
    options = {"budget": ("--total", total), "daily_budget": ("--day", day)}
    given = {
        cap: None if text == "none" else dollars_option(option, text)
        for cap, (option, text) in options.items()
        if text is not None
    }
    caps = asyncio.run(_caps(at, BudgetEdit(**given) if given else None))
    if as_json:
        answer_json(caps.model_dump(mode="json", by_alias=True))
        return
    out.print(f"In all: {_cap(caps.budget, caps.committed)}")
    out.print(f"Today:  {_cap(caps.daily_budget, caps.committed_today)}")


async def _caps(at: Desk, change: BudgetEdit | None) -> Budget:
    async with at.opened() as work:
        return await work.budget(change)


def _cap(cap: Decimal | None, committed: Decimal) -> str:
    words = f"{dollars(committed)} committed"
    return f"{words}, no cap" if cap is None else f"{words} of {dollars(cap)}"

"""`spotloom lanes` and `spotloom budget`: the standing limits on what is bought, and how fast."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from spotloom import settings as setting
from spotloom.cli.say import answer_json, out
from spotloom.creative.pricing import dollars
from spotloom.errors import NotFound

if TYPE_CHECKING:  # the database's libraries are slow to import, and --help needs none of them
    from sqlalchemy.ext.asyncio import AsyncSession

    from spotloom.campaigns.budgets import Caps
    from spotloom.campaigns.reads import LaneState

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def lanes_command(
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
    from spotloom.cli.progress import lane_line

    change = _Change(limit=limit, starts_a_minute=starts_a_minute, pause=pause, resume=resume)
    if change.any and provider is None:
        raise typer.BadParameter("Name the provider whose lane is to change.")
    if pause and resume:
        raise typer.BadParameter("--pause and --resume exclude each other.")
    found = asyncio.run(_lanes(provider, change))
    if as_json:
        answer_json([lane.to_json() for lane in found])
        return
    for lane in found:
        out.print(lane_line(lane))
    if not found:
        out.print("No lane yet: the first batch makes one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    limit: int | None
    starts_a_minute: int | None
    pause: bool
    resume: bool

    @property
    def any(self) -> bool:
        bounds = self.limit is not None or self.starts_a_minute is not None
        return bounds or self.pause or self.resume


async def _lanes(provider: str | None, change: _Change) -> "tuple[LaneState, ...]":
    from spotloom import wiring
    from spotloom.campaigns import reads

    async with wiring.opened(setting.load()) as base, base.sessions.begin() as session:
        found = await reads.lanes(session, provider=provider)
        if not change.any:
            return found
        if not found:
            raise NotFound(f"There is no lane of {provider}: nothing was queued for it yet.")
        for lane in found:
            await _apply(session, lane, change)
        return await reads.lanes(session, provider=provider)


async def _apply(session: "AsyncSession", lane: "LaneState", change: _Change) -> None:
    from spotloom.generation import lanes

    if change.pause:
        await lanes.block(session, lane.id, reason="paused by a person")
    if change.resume:
        await lanes.resume(session, lane.id)
    if change.limit is not None or change.starts_a_minute is not None:
        await lanes.set_limits(
            session, lane.id, limit=change.limit, starts_a_minute=change.starts_a_minute
        )


def budget_command(
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
    from spotloom.cli.briefs import dollars_option

    options = {"budget": ("--total", total), "daily_budget": ("--day", day)}
    given = {
        cap: None if text == "none" else dollars_option(option, text)
        for cap, (option, text) in options.items()
        if text is not None
    }
    caps = asyncio.run(_caps(given))
    if as_json:
        answer_json(
            {
                "currency": "USD",
                "budget": caps.budget,
                "committed": caps.committed,
                "dailyBudget": caps.daily_budget,
                "committedToday": caps.committed_today,
            }
        )
        return
    out.print(f"In all: {_cap(caps.budget, caps.committed)}")
    out.print(f"Today:  {_cap(caps.daily_budget, caps.committed_today)}")


async def _caps(given: dict[str, Decimal | None]) -> "Caps":
    """The caps in force, after those that were given are set."""
    from spotloom import wiring
    from spotloom.campaigns import budgets
    from spotloom.campaigns.submit import LOCAL, ensure_workspace

    async with wiring.opened(setting.load()) as base, base.sessions.begin() as session:
        await ensure_workspace(session)
        caps = await budgets.caps_of(session, LOCAL, lock=bool(given))
        if not given:
            return caps
        await budgets.set_caps(
            session,
            LOCAL,
            budget=given.get("budget", caps.budget),
            daily_budget=given.get("daily_budget", caps.daily_budget),
        )
        return await budgets.caps_of(session, LOCAL)


def _cap(cap: Decimal | None, committed: Decimal) -> str:
    words = f"{dollars(committed)} committed"
    return f"{words}, no cap" if cap is None else f"{words} of {dollars(cap)}"

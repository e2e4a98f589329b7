"""`spotloom status` and `spotloom watch`: how campaigns stand."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.table import Table

from spotloom.cli import progress
from spotloom.cli.desk.shapes import Desk, Standing
from spotloom.cli.say import answer_json, err, out
from spotloom.creative.pricing import dollars

LATEST = 20
NOTHING_YET = "No campaign has been made here yet. `spotloom demo` makes one."


def status_command(
    at: Desk,
    campaign: Annotated[
        str | None, typer.Argument(help="A batch id or campaign id (default: the latest ones).")
    ] = None,
    money: Annotated[
        bool, typer.Option("--money", help="Show the money alone, with its total.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how far a campaign is, and what it has cost.

    Exit code 0: shown. 2: there is no such campaign.

    Examples:
      spotloom status
      spotloom status spring-launch --json
      spotloom status --money
    """
    shown = asyncio.run(_standings(at, campaign))
    if as_json:
        states = [_as_json(each) for each in shown]
        answer_json(states[0] if campaign else states)
    elif not shown:
        out.print(NOTHING_YET)
    elif money:
        out.print(_money_table(shown))
    elif campaign:
        made, status = shown[0].campaign, shown[0].status
        out.print(f"{made.batch_id} · {made.provider} · {made.model} · {made.state}", markup=False)
        out.print(progress.picture(status))
    else:
        out.print(_table(shown))


def watch_command(
    at: Desk,
    campaign: Annotated[
        str | None, typer.Argument(help="A batch id or campaign id (default: the latest one).")
    ] = None,
) -> None:
    """Follow a campaign that another process works on; Ctrl-C only stops the watching.

    Examples:
      spotloom watch
      spotloom watch spring-launch
    """
    try:
        asyncio.run(_watch(at, campaign))
    except KeyboardInterrupt:
        err.print("Stopped watching; the campaign goes on.")


async def _standings(at: Desk, name: str | None) -> list[Standing]:
    async with at.opened() as work:
        return await work.standings(name, most=LATEST)


async def _watch(at: Desk, name: str | None) -> None:
    async with at.opened() as work:
        found = await work.standings(name, most=1)
        if not found:
            out.print(NOTHING_YET)
            return
        campaign = found[0].campaign
        err.print(f"Watching {campaign.batch_id}", markup=False)
        await progress.until_over(lambda: work.look(str(campaign.id)), quiet=False)


def _as_json(shown: Standing) -> dict[str, Any]:
    campaign, status = shown.campaign, shown.status
    money = status.spend
    return {
        "campaign": str(campaign.id),
        "batchId": campaign.batch_id,
        "provider": campaign.provider,
        "model": campaign.model,
        "state": campaign.state,
        "createdAt": campaign.created_at.isoformat(),
        "totalVideos": status.total_videos,
        "over": status.over,
        "counts": {kind.value: count for kind, count in status.counts.items() if count},
        "currency": "USD",
        "estimatedCost": money.estimated,
        "reservedCost": money.reserved,
        "unknownCost": money.unknown,
        "actualCost": money.actual,
        "secondsLeft": status.expected_seconds,
        "lanes": [lane.model_dump(mode="json", by_alias=True) for lane in status.lanes],
        "heldUp": {kind.value: why for kind, why in status.held_up.items()},
    }


def _money_table(shown: Sequence[Standing]) -> Table:
    """The four figures of each campaign; reserved, possibly charged and spent never overlap."""
    table = Table(box=None, pad_edge=False, header_style="dim", show_footer=len(shown) > 1)
    figures = {
        "estimated": [each.status.spend.estimated for each in shown],
        "reserved": [each.status.spend.reserved for each in shown],
        "possibly charged": [each.status.spend.unknown for each in shown],
        "spent": [each.status.spend.actual for each in shown],
    }
    table.add_column("batch", footer="total", overflow="fold")
    for name, column in figures.items():
        table.add_column(name, footer=dollars(sum(column, Decimal(0))), justify="right")
    for each, *row in zip(shown, *figures.values(), strict=True):
        table.add_row(each.campaign.batch_id, *map(dollars, row))
    return table


def _table(shown: Sequence[Standing]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("batch", "videos", "state", "spent", "estimated", "made"):
        money = name in {"spent", "estimated"}
        table.add_column(
            name, justify="right" if money else "left", overflow="fold", no_wrap=name != "batch"
        )
    for each in shown:
        campaign, status = each.campaign, each.status
        table.add_row(
            campaign.batch_id,
            f"{status.over:,} of {status.total_videos:,}",
            "over" if status.over == status.total_videos else campaign.state,
            dollars(status.spend.actual),
            dollars(status.spend.estimated),
            f"{campaign.created_at.astimezone():%Y-%m-%d %H:%M}",
        )
    return table

"""`spotloom status` and `spotloom watch`: how campaigns stand."""

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from spotloom import settings as setting
from spotloom.cli.say import answer_json, err, out
from spotloom.creative.pricing import dollars
from spotloom.settings import Settings

if TYPE_CHECKING:
    from spotloom.campaigns.reads import Header, Progress

NOTHING_YET = "No campaign has been made here yet. `spotloom demo` makes one."


def status_command(
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
    shown = asyncio.run(_state(setting.load(), campaign))
    if as_json:
        states = [_as_json(header, state) for header, state in shown]
        answer_json(states[0] if campaign else states)
    elif not shown:
        out.print(NOTHING_YET)
    elif money:
        out.print(_money_table(shown))
    elif campaign:
        from spotloom.cli import progress

        header, state = shown[0]
        words = f"{header.batch_key} · {header.provider} · {header.model} · {header.state}"
        out.print(words, markup=False)
        out.print(progress.picture(state))
    else:
        out.print(_table(shown))


def watch_command(
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
        asyncio.run(_watch(setting.load(), campaign))
    except KeyboardInterrupt:
        err.print("Stopped watching; the campaign goes on.")


async def _state(settings: Settings, name: str | None) -> "list[tuple[Header, Progress]]":
    from spotloom import wiring
    from spotloom.campaigns import reads

    async with wiring.opened(settings) as base, base.sessions() as session:
        if name is not None:
            headers = [await reads.find(session, name)]
        else:
            headers = await reads.campaigns(session)
        return [(header, await reads.progress(session, header.id)) for header in headers]


async def _watch(settings: Settings, name: str | None) -> None:
    from spotloom import wiring
    from spotloom.campaigns import reads
    from spotloom.cli import progress

    async with wiring.opened(settings) as base:
        async with base.sessions() as session:
            if name is not None:
                found = [await reads.find(session, name)]
            else:
                found = await reads.campaigns(session, limit=1)
        if not found:
            out.print(NOTHING_YET)
            return
        err.print(f"Watching {found[0].batch_key}", markup=False)
        await progress.until_over(base.sessions, found[0].id, quiet=False)


def _as_json(header: "Header", state: "Progress") -> dict[str, Any]:
    money = state.money
    return {
        "campaign": str(header.id),
        "batchId": header.batch_key,
        "provider": header.provider,
        "model": header.model,
        "state": header.state,
        "createdAt": header.created_at.isoformat(),
        "totalVideos": state.total,
        "over": state.over,
        "counts": {status.value: count for status, count in state.counts.items()},
        "currency": "USD",
        "estimatedCost": money.estimated,
        "reservedCost": money.reserved,
        "unknownCost": money.unknown,
        "actualCost": money.actual,
        "secondsLeft": state.left_s,
        "lanes": [lane.to_json() for lane in state.lanes],
    }


def _money_table(shown: "list[tuple[Header, Progress]]") -> Table:
    """The four figures of each campaign; reserved, possibly charged and spent never overlap."""
    table = Table(box=None, pad_edge=False, header_style="dim", show_footer=len(shown) > 1)
    figures = {
        "estimated": [state.money.estimated for _, state in shown],
        "reserved": [state.money.reserved for _, state in shown],
        "possibly charged": [state.money.unknown for _, state in shown],
        "spent": [state.money.actual for _, state in shown],
    }
    table.add_column("batch", footer="total", overflow="fold")
    for name, column in figures.items():
        table.add_column(name, footer=dollars(sum(column, Decimal(0))), justify="right")
    for (header, _), *row in zip(shown, *figures.values(), strict=True):
        table.add_row(header.batch_key, *map(dollars, row))
    return table


def _table(shown: "list[tuple[Header, Progress]]") -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("batch", "videos", "state", "spent", "estimated", "made"):
        money = name in {"spent", "estimated"}
        table.add_column(
            name, justify="right" if money else "left", overflow="fold", no_wrap=name != "batch"
        )
    for header, state in shown:
        table.add_row(
            header.batch_key,
            f"{state.over:,} of {state.total:,}",
            "over" if state.over == state.total else header.state,
            dollars(state.money.actual),
            dollars(state.money.estimated),
            f"{header.created_at.astimezone():%Y-%m-%d %H:%M}",
        )
    return table

"""`cancel`, `retry`, `pause`, `resume`, `resolve`, `priority`: what people do to work under way."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from spotloom import settings as setting
from spotloom.cli.say import answer_json, out
from spotloom.creative.brief import Priority

if TYPE_CHECKING:  # the database's libraries are slow to import, and --help needs none of them
    from sqlalchemy.ext.asyncio import AsyncSession

    from spotloom.campaigns.reads import Header

T = TypeVar("T")

Campaign = Annotated[str, typer.Argument(help="A batch id or campaign id.")]
Videos = Annotated[
    list[str] | None,
    typer.Option("--video", help="Only this combination id; may be given again.", metavar="ID"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def cancel_command(campaign: Campaign, video: Videos = None, as_json: AsJson = False) -> None:
    """Stop a campaign, or single videos of it.

    What still waits costs nothing. What is at the provider is asked to stop; where it cannot,
    the video still arrives and is kept. `spotloom retry` takes it back.

    Example: spotloom cancel spring-launch --video k3f9a2b7c1de
    """
    from spotloom.generation import control

    done = _in_campaign(campaign, lambda s, c: control.cancel(s, c.id, keys=video))
    _tell(
        {"cancelled": done.at_once, "askedToStop": done.asked},
        f"{done.at_once} cancelled, {done.asked} asked to stop at the provider.",
        as_json=as_json,
    )


def retry_command(campaign: Campaign, video: Videos = None, as_json: AsJson = False) -> None:
    """Queue a new attempt for every video that failed, expired, was lost or cancelled.

    Each is a new purchase within the budget. Start `spotloom worker`, or the same `make` again,
    to make them.

    Example: spotloom retry spring-launch
    """
    from spotloom.generation import control

    count = _in_campaign(campaign, lambda s, c: control.retry(s, c.id, keys=video))
    _tell({"queued": count}, f"{count} queued again.", as_json=as_json)


def pause_command(campaign: Campaign, as_json: AsJson = False) -> None:
    """Start nothing more of a campaign; what is at the provider goes on.

    Example: spotloom pause spring-launch
    """
    from spotloom.generation import control

    _in_campaign(campaign, lambda s, c: control.pause(s, c.id))
    _tell({"state": "paused"}, "Paused. `spotloom resume` goes on with it.", as_json=as_json)


def resume_command(campaign: Campaign, as_json: AsJson = False) -> None:
    """Go on with a paused campaign.

    Example: spotloom resume spring-launch
    """
    from spotloom.generation import control

    _in_campaign(campaign, lambda s, c: control.resume(s, c.id))
    _tell({"state": "active"}, "Resumed.", as_json=as_json)


def priority_command(
    campaign: Campaign,
    priority: Annotated[Priority, typer.Argument(help="high, normal or low.")],
    video: Videos = None,
    as_json: AsJson = False,
) -> None:
    """Move what still waits of a campaign ahead of others, or behind them.

    Example: spotloom priority spring-launch high
    """
    from spotloom.generation import control

    count = _in_campaign(
        campaign, lambda s, c: control.prioritise(s, c.id, priority=priority, keys=video)
    )
    _tell({"moved": count}, f"{count} waiting videos are now {priority}.", as_json=as_json)


def resolve_command(
    campaign: Campaign,
    video: Annotated[str, typer.Argument(help="The combination id.")],
    job: Annotated[
        str | None, typer.Option(help="It was bought: the provider's job id.", metavar="JOB")
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Buy it again anyway.")] = False,
    give_up: Annotated[bool, typer.Option("--give-up", help="Leave it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Decide about a possibly charged video, after a look at the provider's own dashboard.

    Example: spotloom resolve spring-launch k3f9a2b7c1de --job video_123
    """
    if (job is not None) + retry + give_up != 1:
        raise typer.BadParameter("Say one of --job JOB, --retry or --give-up.")
    from spotloom.generation import control
    from spotloom.generation.control import Decision

    decision = Decision.RETRY if retry else Decision.GIVE_UP if give_up else Decision.PAID
    _in_campaign(
        campaign,
        lambda s, c: control.resolve(s, c.id, key=video, decision=decision, job=job),
    )
    _tell({"video": video, "decision": decision.value}, f"{video}: {decision}.", as_json=as_json)


def _in_campaign(name: str, act: Callable[["AsyncSession", "Header"], Awaitable[T]]) -> T:
    """Do one thing to the campaign in one transaction; what came of it."""

    from spotloom import wiring
    from spotloom.campaigns import reads

    async def run() -> T:
        async with wiring.opened(setting.load()) as base, base.sessions.begin() as session:
            return await act(session, await reads.find(session, name))

    return asyncio.run(run())


def _tell(value: dict[str, Any], words: str, *, as_json: bool) -> None:
    if as_json:
        answer_json(value)
    else:
        out.print(words, markup=False)

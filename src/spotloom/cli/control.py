"""`cancel`, `retry`, `pause`, `resume`, `resolve`, `priority`: what people do to work under way."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel

from spotloom.cli.desk.shapes import Decision, Desk, Work
from spotloom.cli.say import answer_json, out
from spotloom.creative.brief import Priority

Answer = TypeVar("Answer", bound=BaseModel)

Campaign = Annotated[str, typer.Argument(help="A batch id or campaign id.")]
Videos = Annotated[
    list[str] | None,
    typer.Option("--video", help="Only this combination id; may be given again.", metavar="ID"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def cancel_command(
    at: Desk, campaign: Campaign, video: Videos = None, as_json: AsJson = False
) -> None:
    """Stop a campaign, or single videos of it.

    What still waits costs nothing. What is at the provider is asked to stop; where it cannot,
    the video still arrives and is kept. `spotloom retry` takes it back.

    Example: spotloom cancel spring-launch --video k3f9a2b7c1de
    """
    done = _done(at, lambda work: work.cancel(campaign, video))
    words = f"{done.cancelled} cancelled, {done.asked_to_stop} asked to stop at the provider."
    _tell(done, words, as_json=as_json)


def retry_command(
    at: Desk, campaign: Campaign, video: Videos = None, as_json: AsJson = False
) -> None:
    """Queue a new attempt for every video that failed, expired, was lost or cancelled.

    Each is a new purchase within the budget. Only what was made, but could not be fetched, is
    fetched again at first, and costs nothing more. Start `spotloom worker`, or the same `make`
    again, to make them.

    Example: spotloom retry spring-launch
    """
    done = _done(at, lambda work: work.retry(campaign, video))
    _tell(done, f"{done.queued} queued again.", as_json=as_json)


def pause_command(at: Desk, campaign: Campaign, as_json: AsJson = False) -> None:
    """Start nothing more of a campaign; what is at the provider goes on.

    Example: spotloom pause spring-launch
    """
    done = _done(at, lambda work: work.pause(campaign))
    _tell(done, "Paused. `spotloom resume` goes on with it.", as_json=as_json)


def resume_command(at: Desk, campaign: Campaign, as_json: AsJson = False) -> None:
    """Go on with a paused campaign.

    Example: spotloom resume spring-launch
    """
    _tell(_done(at, lambda work: work.resume(campaign)), "Resumed.", as_json=as_json)


def priority_command(
    at: Desk,
    campaign: Campaign,
    priority: Annotated[Priority, typer.Argument(help="high, normal or low.")],
    video: Videos = None,
    as_json: AsJson = False,
) -> None:
    """Move what still waits of a campaign ahead of others, or behind them.

    Example: spotloom priority spring-launch high
    """
    done = _done(at, lambda work: work.prioritise(campaign, priority.value, video))
    _tell(done, f"{done.moved} waiting videos are now {priority}.", as_json=as_json)


def resolve_command(
    at: Desk,
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

    A lost video, too, goes on with `--job` if its job is there after all.

    Example: spotloom resolve spring-launch k3f9a2b7c1de --job video_123
    """
    if (job is not None) + retry + give_up != 1:
        raise typer.BadParameter("Say one of --job JOB, --retry or --give-up.")
    decision: Decision = "retry" if retry else "give-up" if give_up else "paid"
    done = _done(at, lambda work: work.resolve(campaign, video, decision, job=job))
    _tell(done, f"{video}: {decision}.", as_json=as_json)


def _done(at: Desk, act: Callable[[Work], Awaitable[Answer]]) -> Answer:
    """What came of the deed."""

    async def run() -> Answer:
        async with at.opened() as work:
            return await act(work)

    return asyncio.run(run())


def _tell(answer: BaseModel, words: str, *, as_json: bool) -> None:
    if as_json:
        answer_json(answer.model_dump(mode="json", by_alias=True))
    else:
        out.print(words, markup=False)

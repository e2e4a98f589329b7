"""Shows a campaign's progress while it runs: one bar, a line per lane, the money, the finish."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from uuid import UUID

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from spotloom.campaigns import reads
from spotloom.campaigns.database import Sessions
from spotloom.campaigns.reads import LaneState, Progress
from spotloom.cli.say import err
from spotloom.creative.pricing import dollars
from spotloom.creative.status import Status
from spotloom.errors import SetupError

LOOK_S = 0.5
PLAIN_LINE_S = 10.0

_WORDS = (
    (Status.COMPLETED, "done", "green"),
    (Status.FINISHING, "finishing", "cyan"),
    (Status.GENERATING, "generating", "cyan"),
    (Status.SUBMITTING, "submitting", "cyan"),
    (Status.QUEUED, "queued", "dim"),
    (Status.UNKNOWN, "possibly charged", "yellow"),
    (Status.FAILED, "failed", "red"),
    (Status.EXPIRED, "expired", "red"),
    (Status.LOST, "lost", "red"),
    (Status.CANCELLED, "cancelled", "dim"),
)


async def until_over(sessions: Sessions, campaign_id: UUID, *, quiet: bool) -> Progress:
    """Show the campaign until nothing more will happen by itself; how it stands then.

    SetupError when all that is left waits for a lane that only a person can open.
    """
    if quiet or not err.is_terminal:
        return await _plainly(sessions, campaign_id, quiet=quiet)
    with Live(console=err, refresh_per_second=4, transient=False) as live:
        while True:
            state = await _look(sessions, campaign_id)
            live.update(picture(state))
            if _done(state):
                return state
            await asyncio.sleep(LOOK_S)


def picture(state: Progress) -> Group:
    """The progress as a person sees it."""
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        ProgressBar(total=max(state.total, 1), completed=state.over, width=32),
        Text(f"{state.over} of {state.total}", style="bold"),
        Text(_finish(state), style="dim"),
    )
    return Group(bar, _counts(state), *(lane_line(lane) for lane in state.lanes), _money(state))


async def _plainly(sessions: Sessions, campaign_id: UUID, *, quiet: bool) -> Progress:
    said_at, said = -PLAIN_LINE_S, ""
    clock = asyncio.get_running_loop().time
    while True:
        state = await _look(sessions, campaign_id)
        line = f"{state.over} of {state.total}: {_counts(state).plain}"
        over = _done(state)
        if not quiet and line != said and (over or clock() - said_at >= PLAIN_LINE_S):
            err.print(line)
            said_at, said = clock(), line
        if over:
            return state
        await asyncio.sleep(LOOK_S)


async def _look(sessions: Sessions, campaign_id: UUID) -> Progress:
    async with sessions() as session:
        return await reads.progress(session, campaign_id)


def _done(state: Progress) -> bool:
    if state.over == state.total:
        return True
    waiting = state.counts.get(Status.QUEUED, 0)
    if state.over + waiting == state.total:
        for lane in state.lanes:
            if lane.blocked:
                raise SetupError(
                    f"The provider {lane.provider} takes no more videos: {lane.reason} "
                    f"{waiting} wait. Mend it and run the same command again."
                )
    return False


def _finish(state: Progress) -> str:
    if state.over == state.total:
        return ""
    if state.left_s is None:
        return "finish time after the first two"
    at = dt.datetime.now().astimezone() + dt.timedelta(seconds=state.left_s)
    return f"about {max(1, round(state.left_s / 60))} min left, finished at {at:%H:%M}"


def _counts(state: Progress) -> Text:
    parts = [
        Text(f"{state.counts[status]} {word}", style=style)
        for status, word, style in _WORDS
        if state.counts.get(status)
    ]
    return Text(" · ").join(parts)


def lane_line(lane: LaneState) -> Text:
    """One lane in one line: its slots, what waits, and why it is closed."""
    text = Text(f"{lane.provider}: {lane.held} of {lane.limit} slots, {lane.waiting} waiting")
    for note in _notes(lane):
        text.append(f" · {note}", style="yellow")
    return text


def _notes(lane: LaneState) -> Iterator[str]:
    if lane.blocked:
        yield f"stopped: {lane.reason}"
    elif lane.paused_until is not None and lane.paused_until > dt.datetime.now(dt.UTC):
        yield f"paused until {lane.paused_until.astimezone():%H:%M:%S}: {lane.reason}"


def _money(state: Progress) -> Text:
    money = state.money
    text = f"charged {dollars(money.actual)} · reserved {dollars(money.reserved)}"
    if money.unknown:
        text += f" · possibly charged {dollars(money.unknown)}"
    return Text(f"{text} · estimated {dollars(money.estimated)}", style="dim")

"""Shows a campaign's progress while it runs: one bar, a line per lane, the money, the finish."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterator

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from spotloom.cli.say import err, plain
from spotloom.contract.batches import BatchStatus
from spotloom.contract.lanes import Lane
from spotloom.creative.pricing import dollars
from spotloom.creative.status import Status
from spotloom.errors import SetupError, Transient

LOOK_S = 0.5
PLAIN_LINE_S = 10.0
PATIENCE_S = 60.0  # for a database or a server that restarts
WIDEST_BAR = 40

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


Look = Callable[[], Awaitable[BatchStatus]]


async def until_over(look: Look, *, quiet: bool) -> BatchStatus:
    """Show the campaign until nothing more will happen by itself; how it stands then.

    SetupError when all that is left waits for a lane that only a person can open.
    """
    patient = _patient(look)
    # isatty, not is_terminal: colours can be forced into a pipe, a moving picture must not be.
    if quiet or not err.file.isatty() or err.is_dumb_terminal:
        return await _plainly(patient, quiet=quiet)
    with Live(console=err, refresh_per_second=4, transient=False) as live:
        while True:
            state = await patient()
            live.update(picture(state))
            if _done(state):
                return state
            await asyncio.sleep(LOOK_S)


def picture(state: BatchStatus) -> Group:
    """The progress as a person sees it."""
    lanes = (lane_line(lane) for lane in state.lanes)
    held_up = (Text(why, style="yellow") for why in _held_up(state))
    return Group(_Headline(state), _counts(state), *lanes, *held_up, _money(state))


class _Headline:
    """The bar with its figures, as wide as the terminal has room for."""

    def __init__(self, state: BatchStatus) -> None:
        self._state = state

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        state = self._state
        count = Text(f"{state.over:,} of {state.total_videos:,}", style="bold")
        finish = Text(_finish(state), style="dim")
        room = options.max_width - count.cell_len - finish.cell_len - 3
        bar = ProgressBar(
            total=max(state.total_videos, 1),
            completed=state.over,
            width=max(10, min(room, WIDEST_BAR)),
        )
        row = Table.grid(padding=(0, 1))
        row.add_row(bar, count, finish)
        yield row


def _patient(look: Look) -> Look:
    """The same look, tried again for a while when nobody can tell."""
    clock = asyncio.get_running_loop().time

    async def patiently() -> BatchStatus:
        end = clock() + PATIENCE_S
        while True:
            try:
                return await look()
            except Transient as error:
                if clock() > end:
                    raise SetupError(str(error)) from error
                pause_s = max(LOOK_S, error.retry_after_s or 0)
            await asyncio.sleep(pause_s)

    return patiently


async def _plainly(look: Look, *, quiet: bool) -> BatchStatus:
    said_at, said = -PLAIN_LINE_S, ""
    clock = asyncio.get_running_loop().time
    while True:
        state = await look()
        line = f"{state.over:,} of {state.total_videos:,}: {_counts(state).plain}"
        over = _done(state)
        if not quiet and line != said and (over or clock() - said_at >= PLAIN_LINE_S):
            notes = [note for lane in state.lanes for note in _notes(lane)]
            parts = (line, _finish(state), *notes, *_held_up(state))
            err.print(" · ".join((*filter(None, parts), _money(state).plain)), markup=False)
            said_at, said = clock(), line
        if over:
            return state
        await asyncio.sleep(LOOK_S)


def _done(state: BatchStatus) -> bool:
    if state.over == state.total_videos:
        return True
    waiting = state.counts.get(Status.QUEUED, 0)
    if state.over + waiting == state.total_videos:
        for lane in state.lanes:
            if lane.blocked:
                raise SetupError(
                    f"The provider {lane.provider} takes no more videos: {lane.reason} "
                    f"{waiting} wait. Mend it, then: spotloom lanes {lane.provider} --resume"
                )
    return False


def _finish(state: BatchStatus) -> str:
    if state.over == state.total_videos:
        return ""
    left_s = state.expected_seconds
    if left_s is None:
        return "measuring the pace"
    at = dt.datetime.now().astimezone() + dt.timedelta(seconds=left_s)
    day = "" if at.date() == dt.datetime.now().astimezone().date() else f"{at:%a} "
    return f"about {_span(left_s)} left, done at {day}{at:%H:%M}"


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "a minute"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _counts(state: BatchStatus) -> Text:
    parts = [
        Text(f"{state.counts[status]:,} {word}", style=style)
        for status, word, style in _WORDS
        if state.counts.get(status)
    ]
    return Text(" · ").join(parts)


def lane_line(lane: Lane) -> Text:
    """One lane in one line: its slots, what waits, and why it is closed."""
    text = Text(f"{lane.provider}: {lane.held} of {lane.limit} slots, {lane.waiting:,} waiting")
    for note in _notes(lane):
        text.append(f" · {note}", style="yellow")
    return text


def _notes(lane: Lane) -> Iterator[str]:
    reason = plain(lane.reason or "no reason was given")
    if lane.blocked:
        yield f"stopped: {reason}"
    elif lane.paused_until is not None and lane.paused_until > dt.datetime.now(dt.UTC):
        yield f"paused until {lane.paused_until.astimezone():%H:%M:%S}: {reason}"


def _held_up(state: BatchStatus) -> Iterator[str]:
    for status, why in state.held_up.items():
        yield f"{status}: {plain(why)}"


def _money(state: BatchStatus) -> Text:
    money = state.spend
    text = f"spent {dollars(money.actual)} · reserved {dollars(money.reserved)}"
    if money.unknown:
        text += f" · possibly charged {dollars(money.unknown)}"
    return Text(f"{text} · estimated {dollars(money.estimated)}", style="dim")

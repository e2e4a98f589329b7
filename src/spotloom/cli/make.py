"""`spotloom make` and `spotloom demo`: the whole job, from a brief to a folder of files."""

import asyncio
import contextlib
import hashlib
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from spotloom import settings as setting
from spotloom import wiring
from spotloom.campaigns import ids, reads, submit
from spotloom.campaigns.budgets import BudgetRefused
from spotloom.campaigns.submit import Batch
from spotloom.cli import progress
from spotloom.cli.briefs import Planned, planned
from spotloom.cli.export import Exported, export
from spotloom.cli.plan import show
from spotloom.cli.say import answer_json, err, out
from spotloom.creative.pricing import dollars
from spotloom.creative.status import Status
from spotloom.errors import BriefError, Problem, SetupError
from spotloom.settings import Settings
from spotloom.wiring import Base

FAILED_SOME = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One call of `make`."""

    planned: Planned
    batch_key: str
    folder: Path
    as_json: bool


def make_command(
    brief: Annotated[Path, typer.Argument(help="The brief, a YAML file.", metavar="BRIEF.yaml")],
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Where the files go. [out/BATCH-ID]", metavar="DIR"),
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Which provider makes them.")] = None,
    model: Annotated[str | None, typer.Option(help="Which of its models.")] = None,
    batch_id: Annotated[
        str | None,
        typer.Option(
            help="Names this batch. The same id again continues it, and pays nothing twice."
        ),
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Most to spend, in US dollars.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before spending.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Make a brief's videos and copy them to a folder, with a manifest and a contact sheet.

    Exit code 0: all made. 1: some failed. 2: bad input. 3: refused by the budget.
    """
    settings = setting.load()
    result = planned(brief, settings, provider=provider, model=model, budget=budget)
    _refuse_over_budget(result)
    batch_key = _batch_key(batch_id)
    if not as_json:
        show(result, slots=settings.max_concurrent)
    if result.offer.charges and not yes:
        _confirm(result)
    job = Job(
        planned=result,
        batch_key=batch_key,
        folder=folder or Path("out") / batch_key,
        as_json=as_json,
    )
    _run(settings, job)


def demo_command(
    folder: Annotated[
        Path, typer.Option("--out", help="Where the files go.", metavar="DIR")
    ] = Path("spotloom-demo"),
    no_serve: Annotated[
        bool, typer.Option("--no-serve", help="Stop when the files are made.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Make the twelve videos of a sample brief, with no key and nothing to pay."""
    del no_serve  # until there is a studio to serve, the demo always ends with the files
    settings = setting.load().model_copy(update={"provider": wiring.SANDBOX})
    with resources.as_file(resources.files("spotloom.sample") / "brief.yaml") as sample:
        result = planned(sample, settings)
    digest = hashlib.sha256("".join(r.fingerprint for r in result.plan.requests).encode())
    if not as_json:
        show(result, slots=settings.max_concurrent)
    _run(
        settings,
        Job(
            planned=result,
            batch_key=f"demo-{digest.hexdigest()[:8]}",
            folder=folder,
            as_json=as_json,
        ),
    )


def _run(settings: Settings, job: Job) -> None:
    try:
        exported = asyncio.run(_make(settings, job))
    except (KeyboardInterrupt, asyncio.CancelledError):
        err.print(
            f"\nStopped. Nothing is lost; what the provider has goes on there.\n"
            f"To continue: the same command with [bold]--batch-id {job.batch_key}[/]",
        )
        raise typer.Exit(130) from None
    if job.as_json:
        answer_json(exported.manifest)
    else:
        _tell(exported)
    if exported.videos < len(exported.manifest["videos"]):
        raise typer.Exit(FAILED_SOME)


async def _make(settings: Settings, job: Job) -> Exported:
    _make_folder(job.folder)
    with _stoppable():
        async with wiring.opened(settings) as base:
            name = job.planned.offer.provider
            async with wiring.providers(settings, base.home, names={name}) as using:
                lane = wiring.lane_key(settings, using[0])
                batch = await _submit(base, job, lane)
                _say_batch(job, batch)
                async with wiring.worker_of(settings, base, using):
                    await progress.until_over(base.sessions, batch.campaign_id, quiet=job.as_json)
            return await _export(base, batch, job.folder)


async def _submit(base: Base, job: Job, lane: submit.LaneKey) -> Batch:
    async with base.sessions.begin() as session:
        return await submit.submit(
            session,
            job.planned.plan,
            batch_key=job.batch_key,
            brief=job.planned.written,
            lane=lane,
        )


async def _export(base: Base, batch: Batch, folder: Path) -> Exported:
    async with base.sessions() as session:
        campaign = await reads.find(session, str(batch.campaign_id))
        videos = await reads.videos(session, batch.campaign_id)
        state = await reads.progress(session, batch.campaign_id)
    return await export(campaign, videos, state.money, store=base.store, folder=folder)


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM ends the work as cleanly as Ctrl-C does."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    if task is not None:
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def _refuse_over_budget(result: Planned) -> None:
    plan = result.plan
    if plan.over_budget and plan.brief.budget is not None:
        raise BudgetRefused(
            f"{len(plan.requests)} videos cost {dollars(plan.total)}; "
            f"the budget is {dollars(plan.brief.budget)}. Nothing was stored or spent. "
            "Exclude combinations, shorten the videos, or raise the budget."
        )


def _batch_key(given: str | None) -> str:
    if given is None:
        return f"b-{ids.new().hex[:12]}"
    if not given.strip() or len(given) > 200 or not given.isprintable():
        message = "must be 1 to 200 printable characters."
        raise BriefError([Problem("--batch-id", message)])
    if given in {".", ".."} or "/" in given or "\\" in given:
        raise BriefError([Problem("--batch-id", "must not hold a slash.")])
    return given


def _confirm(result: Planned) -> None:
    total, count = dollars(result.plan.total), len(result.plan.requests)
    if not sys.stdin.isatty():
        message = f"is needed to spend {total} without being asked."
        raise BriefError([Problem("--yes", message)])
    if not typer.confirm(f"Generate {count} videos · {total}?", err=True):
        err.print("Nothing was stored or spent.")
        raise typer.Exit(2)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(f"--out {folder} cannot be made: {error.strerror}.") from error


def _say_batch(job: Job, batch: Batch) -> None:
    if not job.as_json:
        word = "Started" if batch.created else "Continuing"
        err.print(f"{word} batch [bold]{job.batch_key}[/]")


def _tell(exported: Exported) -> None:
    manifest = exported.manifest
    total = len(manifest["videos"])
    out.print(f"[bold]{exported.videos} of {total} videos[/] are in {exported.folder}")
    for video in manifest["videos"]:
        if video["status"] != Status.COMPLETED:
            why = (video["error"] or {}).get("message", "")
            out.print(f"  {video['combinationId']} {video['status']}: {why}", markup=False)
    out.print(f"Contact sheet: {exported.folder / 'index.html'}", soft_wrap=True)

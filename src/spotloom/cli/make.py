"""`spotloom make` and `spotloom demo`: the whole job, from a brief to a folder of files."""

import asyncio
import contextlib
import hashlib
import secrets
import shutil
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spotloom import settings as setting
from spotloom.campaigns import ids
from spotloom.cli import say
from spotloom.cli.briefs import BriefFile, Budget, Model, Provider, planned
from spotloom.cli.notion import caught_up
from spotloom.cli.plan import show
from spotloom.cli.say import again, answer_json, err, out, plain, refusal
from spotloom.creative.pricing import dollars
from spotloom.creative.status import Status
from spotloom.errors import BriefError, Problem, SetupError
from spotloom.forms.planned import Planned
from spotloom.settings import Settings

if TYPE_CHECKING:  # the engine and its friends take seconds to import: only who makes pays them
    from spotloom.campaigns.submit import Batch, LaneKey
    from spotloom.cli.export import Exported
    from spotloom.providers.provider import Provider as Adapter
    from spotloom.wiring import Base

FAILED_SOME, DECLINED, INTERRUPTED = 1, 2, 130
LEAST_FREE_BYTES = 1_000_000  # for each video; an animatic is a little less, footage is more


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One call of `make`."""

    planned: Planned
    batch_key: str
    folder: Path
    as_json: bool
    resume: str  # the command that goes on with it
    retries: bool = False  # what failed in an earlier call is tried again


def make_command(
    brief: BriefFile,
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Where the files go (default: out/BATCH-ID).", metavar="DIR"),
    ] = None,
    provider: Provider = None,
    model: Model = None,
    batch_id: Annotated[
        str | None,
        typer.Option(
            help="Names this batch. The same id again continues it, and pays nothing twice.",
            metavar="ID",
        ),
    ] = None,
    budget: Budget = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before spending.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Make a brief's videos and copy them to a folder, with a manifest and a contact sheet.

    Exit code 0: all made. 1: some failed, or the machine is in the way.
    2: bad input. 3: refused by a budget. 130: interrupted.

    Examples:
      spotloom make brief.yaml
      spotloom make brief.yaml --batch-id spring-launch --budget 250
      spotloom make brief.yaml --provider openai-videos --yes --json
    """
    settings = setting.load()
    batch_key = _batch_key(batch_id)
    result = planned(brief, settings, provider=provider, model=model, budget=budget)
    _refuse_over_budget(result)
    if result.offer.provider == "openai-videos":
        _ = settings.videos_address  # refused here, before anything is asked or started
    if not as_json:
        show(result, slots=settings.max_concurrent)
    if result.offer.charges and not yes:
        _confirm(result, as_json=as_json)
    job = Job(
        planned=result,
        batch_key=batch_key,
        folder=folder or Path("out") / batch_key,
        as_json=as_json,
        resume=again() if batch_id else again(add=["--batch-id", batch_key]),
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
    """Make the twelve videos of a sample brief, with no key and nothing to pay.

    Exit code 0: all made. 1: some failed, or the machine is in the way.
    130: interrupted; the same command continues.

    Examples:
      spotloom demo
      spotloom demo --out first-look --no-serve
    """
    del no_serve  # until there is a studio to serve, the demo always ends with the files
    settings = setting.load().model_copy(update={"provider": "sandbox"})
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
            resume=again(),
            retries=True,
        ),
    )


def _run(settings: Settings, job: Job) -> None:
    try:
        exported = asyncio.run(_make(settings, job))
    except (KeyboardInterrupt, asyncio.CancelledError):
        refusal(
            "Stopped. Nothing is lost; what the provider has goes on there.\n"
            f"To continue: {job.resume}",
            kind=say.INTERRUPTED,
            as_json=job.as_json,
        )
        raise typer.Exit(INTERRUPTED) from None
    if job.as_json:
        answer_json(exported.manifest)
    else:
        _tell(exported, job)
    if exported.videos < len(exported.manifest["videos"]):
        raise typer.Exit(FAILED_SOME)


async def _make(settings: Settings, job: Job) -> "Exported":
    from spotloom import wiring
    from spotloom.cli import progress

    with _stoppable():
        async with wiring.opened(settings) as base:
            name = job.planned.offer.provider
            async with wiring.providers(settings, base.home, names={name}) as using:
                batch = await _submit(base, job, wiring.lane_key(settings, using[0]))
                async with _told_how_to_continue(job):
                    await _refuse_another_account(base, batch, using[0])
                    async with wiring.worker_of(settings, base, using):
                        quiet = job.as_json
                        await progress.until_over(base.sessions, batch.campaign_id, quiet=quiet)
                        if settings.notion_api_key is not None:
                            await caught_up(base.sessions, batch.campaign_id)
                    return await _export(base, batch, job.folder)


async def _submit(base: "Base", job: Job, lane: "LaneKey") -> "Batch":
    from spotloom.campaigns import attempts, submit

    async with base.sessions.begin() as session:
        batch = await submit.submit(
            session,
            job.planned.plan,
            batch_key=job.batch_key,
            brief=job.planned.written,
            lane=lane,
        )
        if job.retries and not batch.created:
            await attempts.again(session, batch.campaign_id)
        # Before the commit: where the files have no place, nothing is stored.
        await asyncio.to_thread(_make_folder, job.folder, len(job.planned.plan.requests))
    if not job.as_json:
        word = "Started" if batch.created else "Continuing"
        err.print(f"{word} batch {job.batch_key}. To continue it after a stop:", markup=False)
        err.print(f"  {job.resume}", markup=False, soft_wrap=True)
    return batch


async def _export(base: "Base", batch: "Batch", folder: Path) -> "Exported":
    from spotloom.campaigns import reads
    from spotloom.cli.export import export

    async with base.sessions() as session:
        campaign = await reads.find(session, str(batch.campaign_id))
        videos = await reads.videos(session, batch.campaign_id)
        state = await reads.progress(session, batch.campaign_id)
    return await export(campaign, videos, state.money, store=base.store, folder=folder)


async def _refuse_another_account(base: "Base", batch: "Batch", using: "Adapter") -> None:
    """A batch stays with the account that it began with, and would wait here for ever."""
    from spotloom.campaigns import reads

    async with base.sessions() as session:
        state = await reads.progress(session, batch.campaign_id)
    others = [lane.account for lane in state.lanes if lane.account != using.account]
    if others and state.over < state.total:
        setting_of = "SPOTLOOM_HOME" if using.name == "sandbox" else "SORA_BASE_URL"
        raise SetupError(
            f"This batch began at {using.name} {others[0]}, and this is {using.account}. "
            f"Set {setting_of} back to finish it there, or use another --batch-id here."
        )


@contextlib.asynccontextmanager
async def _told_how_to_continue(job: Job) -> AsyncIterator[None]:
    """What stops the work from here on is told with the command that goes on with it."""
    try:
        yield
    except SetupError as error:
        raise SetupError(f"{error}\nNothing is lost. To continue: {job.resume}") from error


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal end the work cleanly; a second time ends it at once."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
        if task is not None:
            task.cancel()

    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _refuse_over_budget(result: Planned) -> None:
    plan = result.plan
    if plan.over_budget and plan.brief.budget is not None:
        from spotloom.campaigns.budgets import BudgetRefused

        count = len(plan.requests)
        raise BudgetRefused(
            f"{count:,} video{'' if count == 1 else 's'} cost {dollars(plan.total)}; "
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
        raise BriefError([Problem("--batch-id", "must not hold a slash, nor be . or .. alone.")])
    return given


def _confirm(result: Planned, *, as_json: bool) -> None:
    total, count = dollars(result.plan.total), len(result.plan.requests)
    if not sys.stdin.isatty():
        message = f"is needed to spend {total} without being asked."
        raise BriefError([Problem("--yes", message)])
    if not typer.confirm(f"Generate {count} videos · {total}?", err=True):
        refusal("You said no: nothing was stored or spent.", kind=say.DECLINED, as_json=as_json)
        raise typer.Exit(DECLINED)


def _make_folder(folder: Path, videos: int) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{secrets.token_hex(6)}"  # two may look at the same time
        probe.write_bytes(b"ok")
        probe.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise SetupError(
            f"--out {folder} cannot be written: {error.strerror}. Choose another folder; "
            "nothing was stored or spent."
        ) from error
    if free < videos * LEAST_FREE_BYTES:
        raise SetupError(
            f"The disk of --out {folder} has {free / 1e6:,.0f} MB left; {videos:,} videos need "
            f"about {videos * LEAST_FREE_BYTES / 1e6:,.0f} MB. Make room, or choose another "
            "folder; nothing was stored or spent."
        )


def _tell(exported: "Exported", job: Job) -> None:
    manifest = exported.manifest
    total = len(manifest["videos"])
    out.print(f"[bold]{exported.videos} of {total} videos[/] are in", end=" ")
    out.print(str(exported.folder), markup=False, soft_wrap=True)
    for reason, count in Counter(map(_reason, manifest["videos"])).items():
        if reason:
            out.print(f"  {count} {plain(reason)}", markup=False, soft_wrap=True)
    out.print("Contact sheet:", end=" ")
    out.print(str(exported.folder / "index.html"), markup=False, soft_wrap=True)
    doubtful = [v["combinationId"] for v in manifest["videos"] if v["status"] == Status.UNKNOWN]
    if doubtful:
        out.print("Possibly charged: look at the provider's own list of jobs, then decide each:")
        command = (
            f"  spotloom resolve {job.batch_key} {doubtful[0]} --job JOB | --retry | --give-up"
        )
        out.print(command, markup=False, soft_wrap=True)
    if exported.videos + len(doubtful) < total and not job.retries:
        out.print("To try the others again, as new attempts within the budget:")
        out.print(f"  spotloom retry {job.batch_key}", markup=False, soft_wrap=True)


def _reason(video: dict[str, Any]) -> str | None:
    """Why there is no file of the video; None when there is one."""
    if video["file"] is not None:
        return None
    what = "missing" if video["status"] == Status.COMPLETED else video["status"]
    return f"{what}: {(video['error'] or {}).get('message', 'no reason was given')}"

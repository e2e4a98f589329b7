"""`spotloom make` and `spotloom demo`: the whole job, from a brief to a folder of files."""

import asyncio
import contextlib
import hashlib
import secrets
import shutil
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from spotloom import settings as setting
from spotloom.cli import progress, say
from spotloom.cli.briefs import BriefFile, Budget, Model, Provider
from spotloom.cli.desk.here import Here
from spotloom.cli.desk.shapes import Desk, Draft, Exported, Making, Order, Studio
from spotloom.cli.export.command import tell
from spotloom.cli.plan import show
from spotloom.cli.say import again, answer_json, err, out, program, refusal
from spotloom.contract.plans import Plan
from spotloom.creative.pricing import dollars
from spotloom.errors import BriefError, BudgetRefused, Problem, SetupError

FAILED_SOME, DECLINED, INTERRUPTED = 1, 2, 130
LEAST_FREE_BYTES = 1_000_000  # for each video; an animatic is a little less, footage is more


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One call of `make`."""

    draft: Draft
    videos: int
    batch_key: str
    folder: Path
    as_json: bool
    resume: str  # the command that goes on with it
    retries: bool = False  # what failed in an earlier call is tried again


def make_command(
    at: Desk,
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
    batch_key = _batch_key(batch_id)
    order = Order(brief=brief, provider=provider, model=model, budget=budget)
    draft = at.draft(order)
    plan = draft.plan
    _refuse_over_budget(plan)
    draft.check()
    if not as_json:
        show(plan)
    if plan.charges and not yes:
        _confirm(plan, as_json=as_json)
    job = Job(
        draft=draft,
        videos=plan.total_videos,
        batch_key=batch_key,
        folder=folder or Path("out") / batch_key,
        as_json=as_json,
        resume=again() if batch_id else again(add=["--batch-id", batch_key]),
    )
    _run(job)


def demo_command(
    folder: Annotated[
        Path, typer.Option("--out", help="Where the files go.", metavar="DIR")
    ] = Path("spotloom-demo"),
    no_serve: Annotated[
        bool, typer.Option("--no-serve", help="No studio: stop when the files are made.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the manifest as JSON; no studio, either.")
    ] = False,
) -> None:
    """Make the twelve videos of a sample brief, with no key and nothing to pay.

    The studio is served from the first moment on: open its one-time link and watch. It stays,
    whatever the output is, until Ctrl-C (or SIGTERM).

    Exit code 0: all made. 1: some failed, or the machine is in the way.
    130: interrupted before all were made; the same command continues.

    Examples:
      spotloom demo
      spotloom demo --out first-look --no-serve
    """
    settings = setting.load().model_copy(update={"provider": "sandbox"})
    serves = not (no_serve or as_json)
    with resources.as_file(resources.files("spotloom.sample") / "brief.yaml") as sample:
        draft = Here(settings).draft(Order(brief=sample), retries=True, serves=serves)
    requests = draft.planned.plan.requests
    digest = hashlib.sha256("".join(r.fingerprint for r in requests).encode())
    if not as_json:
        show(draft.plan)
    _run(
        Job(
            draft=draft,
            videos=len(requests),
            batch_key=f"demo-{digest.hexdigest()[:8]}",
            folder=folder,
            as_json=as_json,
            resume=again(),
            retries=True,
        )
    )


def _run(job: Job) -> None:
    try:
        exported = asyncio.run(_make(job))
    except (KeyboardInterrupt, asyncio.CancelledError):
        refusal(
            "Stopped. Nothing is lost; what the provider has goes on there.\n"
            f"To continue: {job.resume}",
            kind=say.INTERRUPTED,
            as_json=job.as_json,
        )
        raise typer.Exit(INTERRUPTED) from None
    if exported.videos < len(exported.manifest["videos"]):
        raise typer.Exit(FAILED_SOME)


async def _make(job: Job) -> Exported:
    with _stoppable():
        async with job.draft.opened() as making:
            await _submit(making, job)
            async with _told_how_to_continue(job), making.working() as studio:
                if studio is not None:
                    _invite(studio)
                await progress.until_over(making.look, quiet=job.as_json)
                exported = await making.export(job.folder)
                if job.as_json:
                    answer_json(exported.manifest)
                else:
                    tell(exported, retries=job.retries)
                if studio is not None:
                    await _stay(studio)
                return exported


def _invite(studio: Studio) -> None:
    if studio.taken is not None:
        err.print(f"Port {studio.taken} is taken; the studio is at {studio.address} instead.")
    out.print("Watch them being made; this link signs you in, once and within 15 minutes:")
    out.print(f"  {studio.link}", markup=False, soft_wrap=True, highlight=False)


async def _stay(studio: Studio) -> None:
    """Return when the process is asked to stop."""
    address = studio.address
    out.print(f"The studio is at {address}. Ctrl-C stops it.", soft_wrap=True, highlight=False)
    out.print(f"Another link: {program()} login-link --url {address}", soft_wrap=True, markup=False)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:  # by _stoppable: the job is done, so this is a good end
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is a coroutine
        task.uncancel()


async def _submit(making: Making, job: Job) -> None:
    created = await making.submit(job.batch_key, place=lambda: _make_folder(job.folder, job.videos))
    if not job.as_json:
        word = "Started" if created else "Continuing"
        err.print(f"{word} batch {job.batch_key}. To continue it after a stop:", markup=False)
        err.print(f"  {job.resume}", markup=False, soft_wrap=True)


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


def _refuse_over_budget(plan: Plan) -> None:
    if plan.over_budget and plan.budget is not None:
        count = plan.total_videos
        raise BudgetRefused(
            f"{count:,} video{'' if count == 1 else 's'} cost {dollars(plan.estimated_cost)}; "
            f"the budget is {dollars(plan.budget)}. Nothing was stored or spent. "
            "Exclude combinations, shorten the videos, or raise the budget."
        )


def _batch_key(given: str | None) -> str:
    if given is None:
        return f"b-{uuid.uuid4().hex[:12]}"
    if not given.strip() or len(given) > 200 or not given.isprintable():
        message = "must be 1 to 200 printable characters."
        raise BriefError([Problem("--batch-id", message)])
    if given in {".", ".."} or "/" in given or "\\" in given:
        raise BriefError([Problem("--batch-id", "must not hold a slash, nor be . or .. alone.")])
    return given


def _confirm(plan: Plan, *, as_json: bool) -> None:
    total, count = dollars(plan.estimated_cost), plan.total_videos
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

"""`spotloom export`: a campaign's files in a folder, whoever ordered it; and what is said of it."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from spotloom.cli.desk.shapes import Desk, Exported
from spotloom.cli.say import answer_json, err, out, plain
from spotloom.creative.status import TERMINAL, Status

SOME_MISSING = 1


def export_command(
    at: Desk,
    campaign: Annotated[str, typer.Argument(help="A batch id or campaign id.")],
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Where the files go (default: out/BATCH-ID).", metavar="DIR"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Copy a campaign's finished videos to a folder, with a manifest and a contact sheet.

    Again, it adds what is new. A campaign under way goes on; what is finished is copied.

    Exit code 0: every video is there. 1: some have no file, or not yet.
    2: there is no such campaign.

    Examples:
      spotloom export spring-launch
      spotloom export spring-launch --out for-the-client --json
    """
    exported = asyncio.run(_export(at, campaign, folder, quiet=as_json))
    if as_json:
        answer_json(exported.manifest)
    else:
        tell(exported)
    if exported.videos < len(exported.manifest["videos"]):
        raise typer.Exit(SOME_MISSING)


async def _export(at: Desk, name: str, folder: Path | None, *, quiet: bool) -> Exported:
    async with at.opened() as work:
        (found,) = await work.standings(name, most=1)
        to = folder or Path("out") / found.campaign.batch_id
        if not quiet:
            err.print(f"Copying to {to}", markup=False, soft_wrap=True)
        return await work.export(str(found.campaign.id), to)


def tell(exported: Exported, *, retries: bool = False) -> None:
    """Say what lies in the folder, what does not, and what can be done about that.

    `retries`: what failed is tried again by the same command, so that nothing need be said.
    """
    manifest = exported.manifest
    total, batch = len(manifest["videos"]), manifest["batchId"]
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
        command = f"  spotloom resolve {batch} {doubtful[0]} --job JOB | --retry | --give-up"
        out.print(command, markup=False, soft_wrap=True)
    again = TERMINAL - {Status.COMPLETED}
    if not retries and any(v["status"] in again for v in manifest["videos"]):
        out.print("To try the others again, as new attempts within the budget:")
        out.print(f"  spotloom retry {batch}", markup=False, soft_wrap=True)


def _reason(video: dict[str, Any]) -> str | None:
    """Why there is no file of the video; None when there is one."""
    if video["file"] is not None:
        return None
    if not Status(video["status"]).over:
        return f"{video['status']}: not finished yet"
    what = "missing" if video["status"] == Status.COMPLETED else video["status"]
    return f"{what}: {(video['error'] or {}).get('message', 'no reason was given')}"

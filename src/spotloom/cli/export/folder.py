"""Puts a campaign's finished files into a folder, with what a person and a machine read of them."""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from spotloom.cli.desk.shapes import Exported
from spotloom.cli.export import contact_sheet
from spotloom.contract.campaigns import Campaign
from spotloom.contract.combinations import Combination, File
from spotloom.contract.manifest import (
    Placed,
    Trouble,
    as_csv,
    as_json,
    manifest,
    name_of,
    trouble,
)
from spotloom.creative.dimensions import Vocabulary
from spotloom.creative.status import Status
from spotloom.errors import Conflict, NotFound, SetupError
from spotloom.media.disk import DiskFull, keep, on_disk

Fetch = Callable[[File, Path], Awaitable[None]]  # there; NotFound, or Conflict when it is another

AT_ONCE = 4  # copies; each holds a block or two of a megabyte
# How our own files open. A file of that name which opens otherwise is somebody's work.
_OPENINGS = {
    "manifest.json": b'{\n  "campaign": "',
    "manifest.csv": b"combinationId,",
    "index.html": contact_sheet.OPENING.encode(),
}


async def export(
    campaign: Campaign,
    videos: Sequence[Combination],
    *,
    fetch: Fetch,
    folder: Path,
    vocabulary: Vocabulary | None = None,
) -> Exported:
    """The campaign's files in the folder, complete up to now; again, it only adds what is new.

    `vocabulary` gives the labels of the contact sheet; without it they are the packaged ones.
    SetupError when the folder is full, closed to us, or holds a file of ours that is not ours.
    """
    with _in_folder(folder):
        await asyncio.to_thread(_prepare, folder)
        copying = _Copying(fetch, folder)
        placed = await copying.place(videos)
        written = manifest(campaign, placed)
        sheet = contact_sheet.page(campaign, placed, vocabulary=vocabulary)
        # The manifest last: who finds it finds everything it names.
        for name, content in (
            ("index.html", sheet.encode()),
            ("manifest.csv", as_csv(written)),
            ("manifest.json", as_json(written)),
        ):
            await asyncio.to_thread(_write, folder / name, content)
    files = sum(each.file is not None for each in placed)
    return Exported(folder=folder, manifest=written, videos=files, copied=copying.copied)


class _Copying:
    """Brings files into the folder, a few at a time."""

    def __init__(self, fetch: Fetch, folder: Path) -> None:
        self._fetch, self._folder = fetch, folder
        self._turn = asyncio.Semaphore(AT_ONCE)
        self.copied = 0

    async def place(self, videos: Sequence[Combination]) -> list[Placed]:
        """Every video with the names of its files; the first error stops all copies."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._place(video)) for video in videos]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _place(self, video: Combination) -> Placed:
        file = video.files.get("video")
        if video.status is not Status.COMPLETED or file is None:
            return Placed(video=video, trouble=trouble(video))
        name = name_of(video)
        async with self._turn:
            lost = await self._copy(file, name, counted=True)
            if lost is not None:
                return Placed(video=video, trouble=lost)
            poster, sprite = [await self._still(video, kind) for kind in ("poster", "sprite")]
        return Placed(video=video, file=name, poster=poster, sprite=sprite)

    async def _still(self, video: Combination, kind: str) -> str | None:
        """The name of a picture of the video; None when it is not to be had: the video matters."""
        name = f"{kind}s/{video.combination_id}.webp"
        file = video.files.get(kind)
        return None if file is None or await self._copy(file, name, counted=False) else name

    async def _copy(self, file: File, name: str, *, counted: bool) -> Trouble | None:
        """Bring the file into the folder unless it is there; says why when it cannot be had."""
        target = self._folder / name
        if await asyncio.to_thread(_is, target, file):
            return None
        arriving = target.with_name(f".{target.name}.arriving")
        try:
            await self._fetch(file, arriving)
        except NotFound as error:
            await asyncio.to_thread(_drop, arriving)
            return Trouble(code="file_missing", message=str(error))
        except Conflict as error:
            return Trouble(code="file_damaged", message=str(error))
        if not await asyncio.to_thread(_is, arriving, file):
            await asyncio.to_thread(arriving.unlink)
            return Trouble(
                code="file_damaged",
                message=f"{file.url} is no longer the file that was made: its SHA-256 is not "
                f"{file.sha256}.",
            )
        await asyncio.to_thread(_settle, arriving, target)
        self.copied += counted
        return None


@contextlib.contextmanager
def _in_folder(folder: Path) -> Iterator[None]:
    """Tell of a full, closed or unsuitable folder as of something to mend."""
    try:
        with on_disk(folder):
            yield
    except DiskFull as error:
        raise SetupError(f"{error} Then export to {folder} again.") from error
    except OSError as error:
        what = f" ({error.filename})" if error.filename else ""
        raise SetupError(
            f"{folder} cannot hold the export: {error.strerror or error}{what}. "
            "Choose another folder, or move that out of the way."
        ) from error


def _prepare(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, opening in _OPENINGS.items():
        with contextlib.suppress(FileNotFoundError), (folder / name).open("rb") as file:
            if file.read(len(opening)) != opening:
                raise SetupError(
                    f"{folder} already has a file {name} that Spotloom did not write. "
                    "Choose another folder, or move that file away."
                )


def _is(path: Path, file: File) -> bool:
    """Whether exactly this file lies there."""
    try:
        if path.stat().st_size != file.bytes:
            return False
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
    except FileNotFoundError:
        return False


def _settle(arrived: Path, target: Path) -> None:
    arrived.replace(target)
    keep(target)


def _drop(arriving: Path) -> None:
    """Remove what a failed fetch leaves."""
    arriving.with_name(arriving.name + ".part").unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    """The content under that name, whole or not at all; what is the same already stays as it is."""
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == content:
            return
    unfinished = path.with_name(f".{path.name}.arriving")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _settle(unfinished, path)

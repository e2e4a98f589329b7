"""Fetches a finished video, checks it, keeps it, and settles its cost."""

import asyncio
import datetime as dt
import hashlib
import shutil
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import func

from spotloom.campaigns import generations, ids, ledger
from spotloom.campaigns.generations import Order
from spotloom.campaigns.tables import Asset
from spotloom.creative.status import Status
from spotloom.errors import Conflict, NotFound, Permanent, Transient
from spotloom.generation import outcomes
from spotloom.generation.mirrors import outbound
from spotloom.generation.tools import tools
from spotloom.media.disk import DiskFull
from spotloom.media.download import download
from spotloom.media.inspected import BadFile, Inspected
from spotloom.media.store import key_for
from spotloom.providers.provider import Content, NoFile, Variant

log = structlog.get_logger()

DAMAGED_TRIES = 5
NO_FILE_TRIES = 12  # about seven minutes
TROUBLE_AFTER = 3  # tries in vain in a row, from which the video says so
LONGEST_WAIT_S = 60.0  # between two tries, unless the provider asks for more
DISK_LOOK_S = 20.0  # a full disk is looked at again, and meanwhile nothing new is bought


@dataclass(frozen=True, slots=True)
class Again:
    """The file is to be asked for again in so many seconds; the provider drops it then."""

    in_s: float
    expires_at: dt.datetime | None


async def collect(generation_id: UUID, *, admission: int, tries: int) -> Again | None:
    """Fetch, check and keep the video; None when it is over, or a later admission has it.

    `tries` counts the earlier ones: a file that comes damaged time after time, or that the
    provider denies for minutes, is given up.
    """
    async with tools().sessions() as session:
        order = await generations.load(session, generation_id)
    if order.status is not Status.FINISHING or order.job is None or order.admission != admission:
        return None
    folder = tools().scratch / str(order.id)
    try:
        again = await _collected(order, order.job, folder, tries=tries)
    except Conflict as error:  # a worker that was taken over had not ended, and was quicker
        log.info("generation.moved", generation_id=str(order.id), reason=str(error))
        again = None
    if again is None:
        shutil.rmtree(folder, ignore_errors=True)
    return again


async def _collected(order: Order, job: str, folder: Path, *, tries: int) -> Again | None:
    try:
        assets = await _gathered(order, job, folder)
    except Transient as error:
        log.warning("generation.collect_failed", generation_id=str(order.id), reason=str(error))
        return await _not_now(order, error, tries=tries)
    except Permanent as error:
        log.warning("generation.file_gone", generation_id=str(order.id), reason=str(error))
        if error.code == "expired":
            await outcomes.expired(order)
        else:
            await outcomes.spoiled(order, code=error.code, text=str(error))
    else:
        await _complete(order, assets)
        log.info("generation.completed", generation_id=str(order.id))
    return None


async def _gathered(order: Order, job: str, folder: Path) -> list[Asset]:
    """The files in the store; Transient also when another hand clears the folder meanwhile."""
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        return await _keep(order, await _fetch(order, job, folder))
    except (FileNotFoundError, NotFound) as error:
        raise Transient(f"A file of it went away: {error}") from error


async def _not_now(order: Order, error: Transient, *, tries: int) -> Again | None:
    """When it is tried again; None when it was given up."""
    if isinstance(error, DiskFull):
        await outcomes.no_room(order, str(error), for_s=DISK_LOOK_S)
        return Again(DISK_LOOK_S / 2, order.expires_at)
    code, enough = _given_up(error)
    if enough is not None and tries >= enough:
        await outcomes.spoiled(order, code=code, text=str(error))
        return None
    if tries + 1 >= TROUBLE_AFTER:
        why = f"Fetched in vain so far, and still trying: {error}"
        async with tools().sessions.begin() as session:
            await generations.hold_up(session, order.id, why)
    return Again(_wait_s(error, tries, order.expires_at), order.expires_at)


def _wait_s(error: Transient, tries: int, expires_at: dt.datetime | None) -> float:
    """As long as the provider asks for, but never until the file is gone."""
    wait_s = error.retry_after_s or min(LONGEST_WAIT_S, 2.0 ** min(tries, 6))
    if expires_at is None:
        return wait_s
    left_s = (expires_at - dt.datetime.now(dt.UTC)).total_seconds()
    return min(wait_s, max(LONGEST_WAIT_S, left_s / 2))


def _given_up(error: Transient) -> tuple[str, int | None]:
    """What it is called when it stays so, and after how many tries; None for never."""
    if isinstance(error, BadFile):
        return "damaged_file", DAMAGED_TRIES
    if isinstance(error.__cause__, NoFile):  # told by the download, which has asked repeatedly
        return "no_file", NO_FILE_TRIES
    return "", None


async def _fetch(order: Order, job: str, folder: Path) -> Inspected:
    provider = tools().provider(order.lane_id)

    def open_content(offset: int) -> AbstractAsyncContextManager[Content]:
        return provider.open_content(job, Variant.VIDEO, offset=offset)

    file = await download(open_content, folder / "video.mp4", max_bytes=tools().max_bytes)
    return await tools().workers.inspect(file.path, folder)


async def _keep(order: Order, inspected: Inspected) -> list[Asset]:
    """Put the files into the store; the same keys again write the same files again."""
    files: Mapping[str, tuple[Path, str]] = {
        "video": (inspected.video, "video/mp4"),
        "poster": (inspected.poster, "image/webp"),
        "sprite": (inspected.sprite, "image/webp"),
    }
    assets = []
    for kind, (path, content_type) in files.items():
        key = key_for(str(order.campaign_id), order.combination_key, order.attempt, path.name)
        await tools().store.put_file(key, path, content_type=content_type)
        assets.append(_asset(order, inspected, kind=kind, path=path, key=key, type_=content_type))
    return assets


def _asset(
    order: Order, inspected: Inspected, *, kind: str, path: Path, key: str, type_: str
) -> Asset:
    probe = inspected.probe
    video = kind == "video"
    codecs = f"{probe.video_codec}+{probe.audio_codec or 'none'}"
    return Asset(
        id=ids.new(),
        workspace_id=order.workspace_id,
        generation_id=order.id,
        kind=kind,
        uri=key,
        sha256=probe.sha256 if video else hashlib.sha256(path.read_bytes()).hexdigest(),
        bytes=path.stat().st_size,
        content_type=type_,
        width=probe.width,
        height=probe.height,
        seconds=Decimal(str(round(probe.seconds, 3))) if video else None,
        fps=Decimal(str(round(probe.fps, 3))) if video else None,
        codecs=codecs if video else None,
    )


async def _complete(order: Order, assets: list[Asset]) -> None:
    async with tools().sessions.begin() as session:
        await generations.move(
            session,
            order.id,
            expect=(Status.FINISHING,),
            to=Status.COMPLETED,
            error_text=None,
            over_at=func.clock_timestamp(),
        )
        await generations.add_assets(session, assets)
        await ledger.settle(session, order.id, order.actual_cost or Decimal(0))
        await outbound.announce(session, order.workspace_id, order.id)

"""Makes the accepted jobs in worker processes, ends each once, and announces the end."""

import asyncio
import functools
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Mapping, MutableSequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import structlog

from spotloom.creative.request import Seconds, Size
from spotloom.sandbox.jobs import NORMAL, Disk, Ending, Event, Job, Jobs, event_for
from spotloom.sandbox.storyboard import Order
from spotloom.sandbox.wire import CONTENT_TYPES, MODELS, Ask, Extension, signature

if TYPE_CHECKING:  # the worker processes import this module and post nothing
    import httpx2

log = structlog.get_logger()

_P = ParamSpec("_P")
_T = TypeVar("_T")

_CELLS = 1024  # when drawing began, for a job's ordinal modulo this
_STOCK = "Load-test clip. Every job of an instant sandbox is answered with this file."
_TRIES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # seconds before each try of a webhook
_HELD_BACK_S = 5.0  # a reordered webhook waits this long at most for another to pass it
_IDLE_S = 60.0  # after this long without work the drawing processes are let go

_TILES, _COLUMNS = 25, 5  # of a sprite sheet

_begun: MutableSequence[float] = []  # in a worker process: shared with the server


def _enter(begun: MutableSequence[float]) -> None:
    """Make a fresh worker process polite, and mortal with its server."""
    global _begun  # noqa: PLW0603 - how a pool's initializer hands something to its tasks
    _begun = begun
    os.nice(10)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            connection.wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _draw(order: Order, file: Path, cell: int | None) -> None:
    from spotloom.sandbox import animatic

    if cell is not None:
        _begun[cell] = time.time()
    animatic.render(order, file)  # all of it or nothing: it writes aside and renames


def _preview(order: Order, file: Path, variant: str) -> None:
    """Write the still beside a finished video, once."""
    from spotloom.sandbox import animatic

    target = still(file, variant)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    made = animatic.thumbnail(order) if variant == "thumbnail" else _sprite(file)
    unfinished.write_bytes(made)
    unfinished.replace(target)


def still(file: Path, variant: str) -> Path:
    """Where a variant of a video lies."""
    return file.with_suffix({"video": ".mp4", "thumbnail": ".webp", "spritesheet": ".jpg"}[variant])


def _sprite(file: Path) -> bytes:
    import io

    import av
    from PIL import Image

    with av.open(file) as video:
        stream = video.streams.video[0]
        count, width, height = stream.frames, stream.width // 4, stream.height // 4
        wanted = {n * count // _TILES for n in range(_TILES)}
        frames = [
            Image.fromarray(frame.to_ndarray(format="rgb24", width=width, height=height))
            for n, frame in enumerate(video.decode(video=0))
            if n in wanted
        ]
    rows = -(-len(frames) // _COLUMNS)
    sheet = Image.new("RGB", (width * _COLUMNS, height * rows))
    for n, frame in enumerate(frames):
        sheet.paste(frame, (n % _COLUMNS * width, n // _COLUMNS * height))
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=80)
    return out.getvalue()


class Pool:
    """Worker processes, started when there is work and let go when there is none."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._context = multiprocessing.get_context("spawn")
        self.begun: MutableSequence[float] = self._context.RawArray("d", _CELLS)
        self._executor: ProcessPoolExecutor | None = None
        self._busy = 0
        self._rest: asyncio.TimerHandle | None = None

    async def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What the function returns in a worker; for a killed worker another is tried."""
        loop = asyncio.get_running_loop()
        if self._rest is not None:
            self._rest.cancel()
        self._busy += 1
        try:
            for attempt in range(3):
                executor = self._open()
                try:
                    call = functools.partial(function, *args, **kwargs)
                    return await loop.run_in_executor(executor, call)
                except BrokenProcessPool:
                    log.warning("sandbox.worker_died", attempt=attempt + 1)
                    if self._executor is executor:
                        self._executor = None
            raise RuntimeError("the drawing process died three times over one job")
        finally:
            self._busy -= 1
            if not self._busy:
                self._rest = loop.call_later(_IDLE_S, self.close)

    def _open(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self._size, self._context, initializer=_enter, initargs=(self.begun,)
            )
        return self._executor

    def close(self) -> None:
        """Let the workers go; whatever they were drawing is dropped."""
        if self._rest is not None:
            self._rest.cancel()
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None
        for process in multiprocessing.active_children():
            process.terminate()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How jobs are made and announced."""

    instant_s: float | None = None  # every job takes this long and yields a stock clip
    keep_s: float = 24 * 3600.0
    webhook_url: str | None = None
    webhook_secret: str = ""
    processes: int = 2


class Making:
    """From an accepted job to its end, and to the webhook that tells of it."""

    def __init__(self, home: Path, disk: Disk, manner: Manner) -> None:
        self._home, self._disk, self._manner = home, disk, manner
        self._pool = Pool(manner.processes)
        self._work: dict[str, asyncio.Task[None]] = {}
        self._post = Post(disk, manner)
        self._stock: dict[Path, asyncio.Lock] = {}
        self._pace = 0.4  # seconds of drawing per second of video, as seen so far
        for folder in ("files", "stock"):
            (home / folder).mkdir(exist_ok=True)
            for unfinished in (home / folder).glob(".*"):  # of a run that was killed
                unfinished.unlink()

    async def resume(self) -> None:
        """Go on with what a former run left unfinished."""
        for event in await self._disk(Jobs.unsent):
            self._post.send(event)
        for job in await self._disk(Jobs.live):
            self._begin(job)

    async def start(self, job: Job) -> None:
        """Begin an accepted job."""
        if job.announcement.get("fault") == "early" and self._manner.webhook_url is not None:
            event = event_for(job.id, job.n, kind="video.completed")
            await self._disk(Jobs.announce, event)
            self._post.send(event)
        self._begin(job)

    def _begin(self, job: Job) -> None:
        self._pool.begun[job.n % _CELLS] = 0.0
        if job.doom.get("fault") != "hang":
            task = asyncio.create_task(self._make(job))
            self._work[job.id] = task
            task.add_done_callback(lambda _: self._work.pop(job.id, None))

    def progress(self, job: Job) -> int:
        """Per cent of a live job, from the clock and the pace of the jobs before it."""
        if job.state != "live":
            return 0
        if job.doom.get("fault") == "hang":
            return 1
        if self._manner.instant_s is not None:
            begun, whole = job.created_at, self._manner.instant_s
        else:
            begun, whole = self._pool.begun[job.n % _CELLS], self._pace * job.ask.seconds
        if not begun:
            return 0
        return min(99, 1 + int(98 * (time.time() - begun) / max(whole, 0.001)))

    async def _make(self, job: Job) -> None:
        try:
            ending = await self._ending(job)
        except Exception as error:  # the top of this job: a flaw in drawing ends it
            log.exception("sandbox.drawing_failed", job=job.id, error=type(error).__name__)
            ending = Ending(error=("server_error", f"The animatic could not be drawn: {error}"))
        await self.end(job, ending)

    async def _ending(self, job: Job) -> Ending:
        file = await self._file(job)
        match job.doom.get("fault"):
            case "fail":
                text = job.doom.get("message", "A scripted fault ended this job.")
                return Ending(error=(job.doom["code"], text))
            case "no-content":
                return Ending(expires_at=time.time() + self._manner.keep_s)
            case "expire":
                return Ending(file=file, expires_at=time.time() + job.doom.get("seconds", 0))
            case _:
                return Ending(file=file, expires_at=time.time() + self._manner.keep_s)

    async def _file(self, job: Job) -> str:
        if self._manner.instant_s is not None:
            file = await self.stock(job.ask.size, job.ask.seconds)
            await asyncio.sleep(job.created_at + self._manner.instant_s - time.time())
            return file
        file = f"files/{job.id}.mp4"
        cell = job.n % _CELLS
        await self._pool.run(_draw, _order(job.ask, seed=job.id), self._home / file, cell)
        pace = (time.time() - self._pool.begun[cell]) / job.ask.seconds
        self._pace += (pace - self._pace) / 4
        return file

    async def stock(self, size: Size, seconds: Seconds) -> str:
        """The clip that instant jobs of this shape share, drawn when first needed."""
        file = f"stock/{size}-{seconds}.mp4"
        target = self._home / file
        async with self._stock.setdefault(target, asyncio.Lock()):
            if not target.exists():
                ask = Ask(
                    prompt=_STOCK,
                    model=MODELS[0],
                    size=size,
                    seconds=seconds,
                    extension=Extension(brand="Sandbox"),
                )
                await self._pool.run(_draw, _order(ask, seed="stock"), target, None)
        return file

    async def end(self, job: Job, ending: Ending) -> None:
        """Store how the job ended, unless it was deleted meanwhile, and announce it."""
        post = self._manner.webhook_url is not None and job.announcement.get("fault") != "early"
        event = await self._disk(Jobs.end, job, replace(ending, announced=post))
        if event is not None:
            self._post.send(event, job.announcement)
        log.info("sandbox.ended", job=job.id, error=ending.error and ending.error[0])
        for file in await self._disk(Jobs.forget_stale, time.time()):
            self._remove(file)

    async def delete(self, job: Job) -> None:
        """Drop the job and its files; one that is being made is stopped."""
        await self._disk(Jobs.delete, job.id)
        if (task := self._work.get(job.id)) is not None:
            task.cancel()
        if job.file is not None:
            self._remove(job.file)

    def _remove(self, file: str) -> None:
        if file.startswith("files/"):  # stock clips are shared
            for variant in CONTENT_TYPES:
                still(self._home / file, variant).unlink(missing_ok=True)

    async def content(self, job: Job, variant: str) -> Path | None:
        """The file of a variant, previews made when first asked for; None when it is gone."""
        if job.file is None or job.expired:
            return None
        video = self._home / job.file
        wanted = still(video, variant)
        if not wanted.exists() and video.exists():
            await self._pool.run(_preview, _order(job.ask, seed=job.id), video, variant)
        return wanted if wanted.exists() else None

    async def close(self) -> None:
        """Stop making and announcing; `resume` goes on with it another time."""
        for task in (work := list(self._work.values())):
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await self._post.close()
        self._pool.close()


class Post:
    """Sends webhooks, each until it arrived or was tried often enough."""

    def __init__(self, disk: Disk, manner: Manner) -> None:
        self._disk, self._manner = disk, manner
        self._client: httpx2.AsyncClient | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._held: list[asyncio.Future[None]] = []

    def send(self, event: Event, how: Mapping[str, Any] = NORMAL) -> None:
        """Send a stored event, in the way that a fault may have decided."""
        task = asyncio.create_task(self._send(event, how))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, event: Event, how: Mapping[str, Any]) -> None:
        fault = how.get("fault")
        if fault == "reorder":
            held = asyncio.get_running_loop().create_future()
            self._held.append(held)
            await asyncio.wait([held], timeout=_HELD_BACK_S)
        if fault != "drop":
            for _ in range(how.get("times", 2) if fault == "duplicate" else 1):
                await self._until_taken(event, how)
        await self._disk(Jobs.sent, event)
        if fault != "reorder":
            held_back, self._held = self._held, []
            for waiting in held_back:
                if not waiting.done():
                    waiting.set_result(None)

    async def _until_taken(self, event: Event, how: Mapping[str, Any]) -> None:
        for wait in _TRIES:
            await asyncio.sleep(wait)
            if await self._taken(event, how):
                return
        log.warning("sandbox.webhook_given_up", event_id=event.id, tries=len(_TRIES))

    async def _taken(self, event: Event, how: Mapping[str, Any]) -> bool:
        import httpx2

        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=10, trust_env=False)
        fault, timestamp = how.get("fault"), int(time.time())
        if fault == "stale":
            timestamp -= int(how.get("seconds", 600))
        secret = "not-the-secret" if fault == "bad-signature" else self._manner.webhook_secret
        headers = {
            "content-type": "application/json",
            "webhook-id": event.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(
                secret, event_id=event.id, timestamp=timestamp, body=event.body
            ),
        }
        try:
            url = self._manner.webhook_url or ""
            answer = await self._client.post(url, content=event.body, headers=headers)
        except httpx2.HTTPError as error:
            log.info("sandbox.webhook_failed", event_id=event.id, error=type(error).__name__)
            return False
        # A refused forgery is not sent again: it would only ask for the same refusal.
        return answer.is_success or fault in {"stale", "bad-signature"}

    async def close(self) -> None:
        for task in (sending := list(self._sending)):
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()


def _order(ask: Ask, *, seed: str) -> Order:
    return Order(
        prompt=ask.prompt,
        seconds=ask.seconds,
        width=ask.size.width,
        height=ask.size.height,
        loop=ask.extension.loop,
        brand=ask.extension.brand,
        values=ask.extension.values,
        seed=seed,
    )

"""Fetches a finished video to a local file, in constant memory, through cuts and wrong answers."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from spotloom.errors import Permanent, Transient
from spotloom.media.disk import DiskFull, PartFile, free_bytes

TRIES = 4
STALL_S = 60.0
BLOCK = 1024 * 1024
# A resumed download fetches these last bytes again. They show that the file is still the same,
# and that a part which is already whole never asks for a range beyond the end (416).
OVERLAP = 4096
HEAD = 24  # the bytes that tell what a file is


class Content(Protocol):
    """An open download: the bytes from `offset` on, and what the provider says of them."""

    @property
    def offset(self) -> int: ...
    @property
    def length(self) -> int | None: ...
    @property
    def content_type(self) -> str: ...
    @property
    def chunks(self) -> AsyncIterator[bytes]: ...


OpenContent = Callable[[int], AbstractAsyncContextManager[Content]]


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A whole file, as it lies on the disk; the type is what its first bytes say."""

    path: Path
    bytes: int
    sha256: str
    content_type: str


class NotVideo(Transient):
    """The answer was something else than a video: often an error page sent as success."""


class TooLarge(Permanent):
    """The file is larger than we keep."""

    def __init__(self, *, max_bytes: int, size: int | None) -> None:
        told = "more" if size is None else f"{size:,} bytes"
        super().__init__(
            f"The provider's file has {told}; {max_bytes:,} bytes are allowed.", code="too_large"
        )


class _Changed(Transient):
    """What the provider sends no longer continues what we hold."""


async def download(
    open_content: OpenContent,
    path: Path,
    *,
    max_bytes: int,
    tries: int = TRIES,
    stall_s: float = STALL_S,
) -> Downloaded:
    """Write the provider's file to the path, whole or not at all.

    What arrived before a cut stays in `path.part` and is resumed, by the next call too.
    Transient when it could not be had now, DiskFull without room; Permanent passes through.
    """
    with await asyncio.to_thread(PartFile, path) as file:
        arriving = _Arriving(file, max_bytes=max_bytes, stall_s=stall_s)
        await asyncio.to_thread(arriving.resume)
        try:
            await _arrive(arriving, open_content, tries=tries)
            return await asyncio.to_thread(arriving.finish)
        except (DiskFull, TooLarge, NotVideo):
            # Halves of several files may be what fills the disk: make room for one to finish.
            file.drop()
            raise


async def _arrive(arriving: "_Arriving", open_content: OpenContent, *, tries: int) -> None:
    offset = arriving.resumes_at
    for tried in range(1, tries + 1):
        before = arriving.size
        try:
            # Nothing is caught inside: the provider's own manager sees its errors first.
            async with open_content(offset) as content:
                await arriving.take(content)
        except (DiskFull, NotVideo):
            raise
        except (Transient, OSError, EOFError) as error:
            if isinstance(error, _Changed):
                await asyncio.to_thread(arriving.restart)
            # A resume that brought nothing may be what is refused: ask for the whole, and
            # skip what is there already.
            offset = arriving.resumes_at if arriving.size > before else 0
            if tried == tries:
                raise Transient(
                    f"The download stopped {tries} times, last at {arriving.so_far}: "
                    f"{str(error) or type(error).__name__}",
                    retry_after_s=error.retry_after_s if isinstance(error, Transient) else None,
                ) from error
        else:
            return


class _Arriving:
    """A file on its way in: what is there, and its hash so far."""

    def __init__(self, file: PartFile, *, max_bytes: int, stall_s: float) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._stall_s = stall_s
        self._length: int | None = None
        self._told = ""
        self._hash = hashlib.sha256()

    @property
    def size(self) -> int:
        return self._file.size

    @property
    def resumes_at(self) -> int:
        """Where to ask the provider to go on."""
        return max(0, self._file.size - OVERLAP)

    @property
    def so_far(self) -> str:
        whole = "an unknown length" if self._length is None else f"{self._length:,} bytes"
        return f"{self._file.size:,} of {whole}"

    def resume(self) -> None:
        """Take up what an earlier call left."""
        if self._file.size > self._max_bytes:
            self._file.cut(0)
        for start in range(0, self._file.size, BLOCK):
            self._hash.update(self._file.read(start, BLOCK))

    def restart(self) -> None:
        """Begin again from nothing."""
        self._file.cut(0)
        self._hash = hashlib.sha256()

    async def take(self, content: Content) -> None:
        """Add what the open download brings; returns when the file is whole."""
        self._length, self._told = content.length, content.content_type
        await asyncio.to_thread(self._prepare, content)
        position = content.offset
        block = bytearray()
        chunks = aiter(content.chunks)
        try:
            while (chunk := await self._next(chunks)) is not None:
                block += chunk
                self._refuse_above(position + len(block))
                if len(block) >= BLOCK:
                    await asyncio.to_thread(self._add, position, block)
                    position += len(block)
                    block = bytearray()
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
            # What came before a cut is worth keeping.
            if block:
                await asyncio.to_thread(self._add, position, block)
        if self._length is not None and self._file.size != self._length:
            if self._file.size > self._length:
                raise _Changed(f"more arrived than was announced, {self.so_far}")
            raise Transient(f"cut at {self.so_far}")

    async def _next(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        try:
            async with asyncio.timeout(self._stall_s):
                return await anext(chunks, None)
        except TimeoutError as error:
            raise Transient(f"nothing arrived for {self._stall_s:g} s") from error

    def _refuse_above(self, size: int) -> None:
        if size > self._max_bytes:
            raise TooLarge(max_bytes=self._max_bytes, size=None)

    def _prepare(self, content: Content) -> None:
        """Refuse what cannot be added to what we hold."""
        if content.offset > self._file.size:
            raise _Changed(f"it came from byte {content.offset:,}, we hold {self._file.size:,}")
        if self._length is None:
            return
        if self._length > self._max_bytes:
            raise TooLarge(max_bytes=self._max_bytes, size=self._length)
        if self._length < self._file.size:
            raise _Changed(f"the file has {self._length:,} bytes now, we hold {self._file.size:,}")
        missing = self._length - self._file.size
        if missing > free_bytes(self._file.path.parent):
            raise DiskFull(self._file.path.parent, needs=missing)

    def _add(self, position: int, block: bytearray) -> None:
        """Compare what we hold already, keep what is new."""
        if position == 0 and len(block) >= HEAD:
            _type_of(block[:HEAD], told=self._told)
        known = min(self._file.size - position, len(block))
        if known and self._file.read(position, known) != block[:known]:
            raise _Changed("the provider's file is not the one that was begun")
        fresh = memoryview(block)[known:]
        self._file.write(fresh)
        self._hash.update(fresh)

    def finish(self) -> Downloaded:
        kind = _type_of(self._file.read(0, HEAD), told=self._told)
        self._file.finish()
        return Downloaded(self._file.path, self._file.size, self._hash.hexdigest(), kind)


def _type_of(head: bytes | bytearray, *, told: str) -> str:
    """The type that the first bytes give away; NotVideo unless it is an MP4 or its elder."""
    if head[4:8] == b"ftyp":
        return "video/quicktime" if head[8:12] == b"qt  " else "video/mp4"
    if not head:
        raise NotVideo("The provider sent an empty file.")
    raise NotVideo(
        f"The provider sent no MP4 video but {told or 'an unnamed type'}: {bytes(head)!r}…"
    )


__all__ = ["Content", "DiskFull", "Downloaded", "NotVideo", "TooLarge", "download"]

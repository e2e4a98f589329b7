"""Keeps finished files under keys: in a local folder, or in a bucket given by URL."""

import asyncio
import datetime as dt
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import HTTPStore, LocalStore, MemoryStore, ObjectStore, from_url

from spotloom.errors import NotFound, SetupError, Transient
from spotloom.media.disk import DiskFull, PartFile, keep, on_disk

PART = 8 * 1024 * 1024  # with two uploads of a part at a time: 16 MB, whatever the file's size
PARTS_AT_ONCE = 2
BLOCK = 1024 * 1024
SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


def key_for(campaign: str, combination: str, attempt: int, name: str) -> str:
    """Where one file of one attempt is kept: `campaign/combination/attempt/name`."""
    return _checked(f"{campaign}/{combination}/{attempt}/{name}")


class Store:
    """The place of finished files; a reader sees a whole file or none."""

    def __init__(self, objects: ObjectStore, *, folder: Path | None, name: str) -> None:
        self._objects = objects
        self._folder = folder
        self.name = name

    @classmethod
    def open(cls, url_or_path: str) -> Self:
        """The store at a folder or URL; SetupError when it cannot be one."""
        url = urlsplit(url_or_path)
        if url.scheme == "file":
            if url.netloc:
                raise SetupError(f"{url_or_path} names a host; write file:///folder or a path.")
            return cls._in_folder(Path(url.path))
        if "://" in url_or_path:
            return cls._by_url(url_or_path)
        if not url_or_path.strip() or "\0" in url_or_path:
            raise SetupError(f"{url_or_path!r} is no folder; give a path or a URL for the files.")
        return cls._in_folder(Path(url_or_path).expanduser())

    @classmethod
    def _in_folder(cls, folder: Path) -> Self:
        probe = folder / f".writable-{uuid.uuid4().hex}"
        try:
            with on_disk(folder):
                folder.mkdir(parents=True, exist_ok=True)
                probe.touch(exist_ok=False)
                probe.unlink()
        except OSError as error:
            raise SetupError(f"{folder} cannot hold the files: {error.strerror}.") from error
        folder = folder.resolve()
        return cls(LocalStore(folder), folder=folder, name=str(folder))

    @classmethod
    def _by_url(cls, url: str) -> Self:
        offered = "a folder, s3://bucket/…, gs://bucket/…, az://container/…, or R2's https:// URL"
        parts = urlsplit(url)
        name = f"{parts.scheme}://{parts.hostname}{parts.path}"  # a URL may carry a secret
        try:
            objects = from_url(
                url,
                client_options={
                    # One request moves one part or one whole read; 30 s, the default, cuts slow
                    # lines.
                    "timeout": "10 minutes",
                    "connect_timeout": "10 seconds",
                    # These options replace those of the environment. Plain HTTP happens only
                    # where the configured endpoint says http://, as a MinIO beside us does.
                    "allow_http": True,
                },
                retry_config={"max_retries": 3, "retry_timeout": dt.timedelta(seconds=60)},
            )
        except (BaseError, ValueError, TypeError) as error:
            raise SetupError(f"{name} is no usable store ({_said(error)}); {offered}.") from error
        if isinstance(objects, (HTTPStore, LocalStore, MemoryStore)):
            raise SetupError(f"{name} is no store that keeps files; it can be {offered}.")
        return cls(objects, folder=None, name=name)

    def local_path(self, key: str) -> Path | None:
        """Where the file lies, when this store is a local folder."""
        return None if self._folder is None else self._folder / _checked(key)

    async def put_file(self, key: str, path: Path, *, content_type: str) -> None:
        """Keep a copy of the file under the key; whatever was there is replaced."""
        local = self.local_path(key)
        if not await asyncio.to_thread(path.is_file):
            raise NotFound(f"{path} is not there to be kept.")
        with self._speaking(key):
            await obstore.put_async(
                self._objects,
                _checked(key),
                path,
                # A file system has no place for a content type, and obstore refuses one.
                attributes=None if local else {"Content-Type": content_type},
                chunk_size=PART,
                max_concurrency=PARTS_AT_ONCE,
            )
        if local:
            with on_disk(local.parent):
                await asyncio.to_thread(keep, local)

    async def fetch(self, key: str, path: Path) -> None:
        """Write a copy of the kept file to the path."""
        with self._speaking(key), await asyncio.to_thread(PartFile, path) as file:
            found = await obstore.get_async(self._objects, _checked(key))
            await asyncio.to_thread(file.cut, 0)
            async for block in found.stream(min_chunk_size=BLOCK):
                await asyncio.to_thread(file.write, memoryview(block))
            if file.size != found.meta["size"]:
                raise Transient(f"{key} ended at {file.size:,} of {found.meta['size']:,} bytes.")
            await asyncio.to_thread(file.finish)

    async def read_range(self, key: str, start: int, end: int) -> bytes:
        """The bytes from `start` up to, not with, `end`."""
        with self._speaking(key):
            found = await obstore.get_range_async(
                self._objects, _checked(key), start=start, end=end
            )
            return bytes(found)

    async def size(self, key: str) -> int:
        """How many bytes are kept under the key; NotFound when none."""
        with self._speaking(key):
            return (await obstore.head_async(self._objects, _checked(key)))["size"]

    async def exists(self, key: str) -> bool:
        """Whether a file is kept under the key."""
        try:
            await self.size(key)
        except NotFound:
            return False
        return True

    async def delete(self, key: str) -> None:
        """Remove the file; nothing changes when there is none."""
        try:
            with self._speaking(key):
                await obstore.delete_async(self._objects, _checked(key))
        except NotFound:
            return

    @contextmanager
    def _speaking(self, key: str) -> Iterator[None]:
        """Turn the store's errors into ours; its own carry pages of internals, and paths."""
        try:
            yield
        except FileNotFoundError as error:  # obstore's word for a key that is not there
            raise NotFound(f"{self.name} holds no {key}.") from error
        except (PermissionDeniedError, UnauthenticatedError, PermissionError) as error:
            raise SetupError(
                f"{self.name} refuses {key}. Check the store's credentials and permissions."
            ) from error
        except (BaseError, OSError) as error:
            if self._folder and "os error 28" in str(error):  # obstore keeps no errno
                raise DiskFull(self._folder) from error
            raise Transient(f"{self.name} failed on {key}: {_said(error)}") from error


def _checked(key: str) -> str:
    """The key, when every segment is safe on every store and file system."""
    if not all(SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise ValueError(
            f"{key!r} cannot be a key: its parts are letters, digits, '.', '_' and '-', "
            "and none is empty or begins with a dot."
        )
    return key


def _said(error: Exception) -> str:
    return str(error).partition("\n")[0]

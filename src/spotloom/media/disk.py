"""Writes files so that a reader finds the whole of one or nothing, and names a full disk."""

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from spotloom.errors import SetupError, Transient

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)


class DiskFull(Transient):
    """There is no room for a file now; the same call works once there is."""

    def __init__(self, folder: Path, *, needs: int | None = None) -> None:
        free = free_bytes(folder)
        want = "" if needs is None else f", {needs:,} are needed"
        super().__init__(f"The disk of {folder} is full: {free:,} bytes are free{want}. Make room.")
        self.folder = folder
        self.free = free


class Busy(Transient):
    """Another process is writing this very file."""


def free_bytes(folder: Path) -> int:
    """How much can still be written below the folder."""
    return shutil.disk_usage(next(p for p in (folder, *folder.parents) if p.exists())).free


@contextlib.contextmanager
def on_disk(folder: Path) -> Iterator[None]:
    """Turn the operating system's word on a full or closed disk into ours."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise DiskFull(folder) from error
        if error.errno in NOT_ALLOWED:
            raise SetupError(
                f"{folder} cannot be written to ({error.strerror}). "
                "Allow this account to write there, or choose another folder."
            ) from error
        raise


def keep(path: Path) -> None:
    """Make a file and its name survive a loss of power."""
    for each in (path, path.parent):
        fd = os.open(each, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


class PartFile:
    """A file under way beside its final name; one process at a time holds it, until it dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")
        with on_disk(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            # Not truncated: what a killed process left is resumed.
            self._file = os.fdopen(os.open(self.part, os.O_RDWR | os.O_CREAT, 0o644), "r+b")
        if not self._held():
            self._file.close()
            raise Busy(f"Another process is writing {self.part}.", retry_after_s=5)
        self.size = self._file.seek(0, os.SEEK_END)

    def _held(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A holder that finished between our open and our lock has renamed this very file.
            return os.fstat(self._file.fileno()).st_ino == self.part.stat().st_ino
        except (BlockingIOError, FileNotFoundError):
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Unsaved bytes of a full disk would raise here again and hide the first error.
        with contextlib.suppress(OSError):
            self._file.close()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append the bytes."""
        with on_disk(self.path.parent):
            self._file.seek(self.size)
            self._file.write(data)
            self._file.flush()
        self.size += len(data)

    def read(self, start: int, size: int) -> bytes:
        """What stands there already."""
        self._file.seek(start)
        return self._file.read(size)

    def cut(self, size: int) -> None:
        """Forget everything after the first `size` bytes."""
        with on_disk(self.path.parent):
            self._file.truncate(size)
        self.size = size

    def drop(self) -> None:
        """Remove the file under way."""
        self.part.unlink(missing_ok=True)

    def finish(self) -> None:
        """Give the file its final name, for good."""
        with on_disk(self.path.parent):
            self._file.flush()
            os.fsync(self._file.fileno())
            self.part.replace(self.path)
            keep(self.path)

"""A file system of a given size at a folder, for as long as a test needs one."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

BUSY_S = 20.0


class Disk:
    """A small file system that can be filled, emptied, and made larger."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Take all the room that is left."""
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def empty(self) -> None:
        """Give that room back."""
        self._ballast.unlink(missing_ok=True)

    def grow(self, size: str) -> None:
        """Make it larger, with everything that is on it."""
        _call("mount", "-o", f"remount,size={size}", str(self.folder))

    @property
    def free(self) -> int:
        """How many bytes are left."""
        told = os.statvfs(self.folder)
        return told.f_bavail * told.f_frsize


@contextlib.contextmanager
def small_disk(folder: Path, *, size: str) -> Iterator[Disk]:
    """Skips, and says why, where this account or machine cannot mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _call("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        pytest.skip(f"no small file system can be mounted here: {said.strip()}")
    try:
        yield Disk(folder)
    finally:
        _unmount(folder)


def _unmount(folder: Path) -> None:
    end = time.monotonic() + BUSY_S  # the processes of a killed worker end by themselves
    while True:
        try:
            _call("umount", str(folder))
        except subprocess.CalledProcessError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return


def _call(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True)

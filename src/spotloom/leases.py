"""Counts who uses a shared local process, by file locks that die with their holders."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """Hold the folder's start lock: one process at a time starts, joins or leaves."""
    with (folder / "start.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Lease:
    """One process's claim that the folder's service is in use; released by its death, too.

    Take and release it inside `exclusively(folder)`: only then is the answer of `release` exact.
    """

    def __init__(self, folder: Path) -> None:
        # Not inheritable, so that no child keeps the claim of a dead parent.
        self._fd = os.open(folder / "in-use.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_SH)

    def release(self) -> bool:
        """Give the claim back; true when nobody else holds one."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(self._fd)


def in_use(folder: Path) -> bool:
    """Whether any living process holds a lease on the folder's service."""
    with (folder / "in-use.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False

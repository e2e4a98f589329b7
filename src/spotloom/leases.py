"""Counts who uses a shared local process, by file locks that die with their holders."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":  # so that embedded.start() can be imported there, and say no
    import fcntl


def _open(path: Path) -> int:
    # 0600, whatever the umask: a lock can be taken, and kept for ever, by anyone who may read it.
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


@contextlib.contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """Hold the folder's start lock: one process at a time starts, joins or leaves."""
    fd = _open(folder / "start.lock")
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


class Lease:
    """One process's claim that the folder's service is in use; released by its death, too.

    Take and release it inside `exclusively(folder)`: only then is the answer of `release` exact.
    """

    def __init__(self, folder: Path) -> None:
        # Not inheritable, so that no child keeps the claim of a dead parent.
        self._fd = _open(folder / "in-use.lock")
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
    fd = claim(folder / "in-use.lock")
    if fd is None:
        return True
    os.close(fd)
    return False


def claim(path: Path) -> int | None:
    """A descriptor that holds the file's lock, or None while a living process has it.

    Hand it to a child (`pass_fds`) and close it: the lock then says that the child, or one of its
    own children, lives. No process id can say that, for ids are used again.
    """
    fd = _open(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd

"""Node packages that tests need, fetched once in a run however many processes it has."""

import fcntl
import os
import shutil
import string
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

_COMMAND = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
_WITHIN_S = 600
_TRIES = 2  # a registry may not answer once


def shared(own: Path) -> Path:
    """What all processes of this run have in place of such a folder of `tmp_path_factory`."""
    base = own.parent.parent if "PYTEST_XDIST_WORKER" in os.environ else own.parent
    folder = base / own.name.rstrip(string.digits)
    folder.mkdir(exist_ok=True)
    return folder


def install(source: Path, names: Iterable[str], *options: str, folder: Path) -> None:
    """Copy these files into the folder and fetch what they lock, unless that is done already."""
    done = folder / ".installed"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return
        for name in names:
            shutil.copy(source / name, folder / name)
        for _ in range(_TRIES):
            said = _fetched(folder, *options)
            if said is None:
                done.touch()
                return
    pytest.fail(f"npm could not install what {source.name} needs:\n{said}")


def _fetched(folder: Path, *options: str) -> str | None:
    """What npm complained of; None when everything is there."""
    command = [*_COMMAND, *options]
    try:
        ended = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_WITHIN_S, check=False
        )
    except subprocess.TimeoutExpired as late:
        return str(late)
    return ended.stderr if ended.returncode else None

"""An earlier state of this very code, to run beside the present one."""

import io
import os
import subprocess
import sys
import tarfile
from functools import partial
from pathlib import Path

import psycopg
import pytest
from tests.integration.generating import AUDIT, Stage, Worker
from tests.integration.generating_provider import ROOT, environment

MIGRATIONS = "src/spotloom/campaigns/migrations/versions"


class Release:
    """The code of one commit in a folder of its own."""

    def __init__(self, commit: str, folder: Path) -> None:
        self.commit, self._folder = commit, folder
        packed = _git("archive", commit, "src", "tests")
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        self._paths = os.pathsep.join([str(folder / "src"), str(folder)])

    def spawn(self, stage: Stage) -> Worker:
        """A worker of that release."""
        program = self._folder / "tests/integration/generating_worker.py"
        return Worker(stage, str(program), PYTHONPATH=self._paths)

    def furnish(self, stage: Stage) -> None:
        """Give the empty database that release's tables, and ours that watches them."""
        self.spawn(stage).wait_ready().kill()
        with psycopg.connect(stage.url, autocommit=True) as connection:
            connection.execute(AUDIT)

    def submit(self, stage: Stage, videos: int) -> None:
        """Store a batch of that many videos, as that release does."""
        program = self._folder / "tests/integration/generating_submitter.py"
        done = subprocess.run(
            [sys.executable, str(program), stage.url, stage.sandbox.url, str(videos)],
            input="of the old release\nreap\n",
            env=environment(PYTHONPATH=self._paths),
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == "0", done.stderr


def earlier(folder: Path) -> Release:
    """The commit that old_release.txt names, else the one before the last change of our tables."""
    named = Path(__file__).with_name("old_release.txt").read_text().strip()
    for find in (partial(_known, named), _before_the_last_migration):
        if commit := find():
            return Release(commit, folder)
    pytest.skip("this is no clone with the history of an earlier release")


def _known(commit: str) -> str | None:
    try:
        return _git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}").decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _before_the_last_migration() -> str | None:
    try:
        last = _git("log", "-1", "--format=%H", "--", MIGRATIONS).decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return _known(f"{last}^") if last else None


def _git(*words: str) -> bytes:
    return subprocess.run(["git", *words], check=True, capture_output=True, cwd=ROOT).stdout

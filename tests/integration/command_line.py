"""Runs the real command line for the tests."""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from spotloom import embedded

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "spotloom"]
PATIENCE_S = 120  # two cores, shared with other tests

BRIEF: dict[str, Any] = {
    "brand": "Tarn Audio",
    "bigIdea": "The headphones you mend with a coin.",
    "dimensions": {
        "funnelLevel": ["unaware", "problem-aware"],
        "aesthetic": ["cinema"],
        "type": ["storytime", "listicle", "broll-visual-narrative"],
        "intention": ["educate"],
        "mood": ["wholesome"],
        "audioStyle": ["music-light-upbeat"],
    },
    "model": "sora-2",
    "duration": 4,
    "aspectRatio": "9:16",
}


def written(path: Path, *, dimensions: dict[str, Any] | None = None, **changes: Any) -> Path:
    """A brief of 6 videos of 4 s in that file, with these changes; None takes a key away."""
    content = BRIEF | changes
    chosen = BRIEF["dimensions"] | (dimensions or {})
    content["dimensions"] = {k: v for k, v in chosen.items() if v is not None}
    kept = {key: value for key, value in content.items() if value is not None}
    path.write_text(yaml.safe_dump(kept, allow_unicode=True))
    return path


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout; anything else there is a failure."""
        return json.loads(self.out)

    @property
    def words(self) -> str:
        """Everything for people, on one line."""
        return " ".join(f"{self.out} {self.err}".split())


@dataclass(frozen=True)
class Place:
    """A data folder, and where commands are given."""

    home: Path
    cwd: Path

    def environment(self, settings: dict[str, str]) -> dict[str, str]:
        ours = {"SPOTLOOM_HOME": str(self.home), "PYTHONPATH": str(ROOT / "src")}
        return os.environ | ours | {"SPOTLOOM_POLL_SECONDS": "0.2"} | settings

    def start(
        self, *words: str | Path, to: int = subprocess.PIPE, **settings: str
    ) -> "subprocess.Popen[str]":
        """The command, under way; its answer goes to that descriptor."""
        return subprocess.Popen(
            [*PROGRAM, *map(str, words)],
            cwd=self.cwd,
            env=self.environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=to,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str | Path, **settings: str) -> Said:
        """The command, to its end."""
        return ended(self.start(*words, **settings))


def ended(process: "subprocess.Popen[str]", *, within_s: float = PATIENCE_S) -> Said:
    """What the command said, once it has ended; it is killed when it does not end."""
    try:
        out, err = process.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"still running after {within_s} s: {out}{err}") from None
    return Said(process.returncode, out, err)


@contextlib.contextmanager
def data_folder() -> Iterator[Path]:
    """A data folder whose database stays up between commands; root's lives in it, too."""
    home = Path(tempfile.mkdtemp(prefix="spotloom-cli-"))
    home.chmod(0o711)
    try:
        server = embedded.start(home)
        try:
            yield home
        finally:
            server.stop()
    finally:
        for name in ("moved-to", "sockets"):  # both name a folder that is elsewhere
            for note in home.rglob(f"postgres/{name}"):
                shutil.rmtree(note.read_text().strip(), ignore_errors=True)
        shutil.rmtree(home)


def continuing(words: str) -> list[str]:
    """The arguments of the command that a message says to go on with."""
    found = re.search(r"^To continue: (.+)$", words, re.MULTILINE)
    assert found, words
    command = shlex.split(found[1])
    return command[command.index("make") :]

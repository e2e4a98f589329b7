"""Serves the whole product to commands and programs that have nothing but its address and a key."""

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.integration.command_line import PATIENCE_S, PROGRAM, Place, data_folder
from tests.integration.generating_provider import Sandbox


@contextlib.contextmanager
def served_elsewhere(folder: Path, *, role: str) -> Iterator[dict[str, str]]:
    """A Spotloom whose provider is quick: the settings with which a key of that role reaches it."""
    with (
        data_folder() as home,
        contextlib.closing(Sandbox(folder / "sandbox", instant_s=1.0)) as sandbox,
    ):
        there = Place(home=home, cwd=folder)
        provider = {"SPOTLOOM_PROVIDER": "openai-videos", "SORA_BASE_URL": sandbox.url}
        with serving(there, **provider) as said:
            key = there.run("key", "create", "tests", "--role", role, "--json").json["key"]
            (address, *_) = re.findall(r"http://127\.0\.0\.1:\d+", said)
            yield {"SPOTLOOM_SERVER": address, "SPOTLOOM_KEY": key}


@contextlib.contextmanager
def serving(place: Place, **settings: str) -> Iterator[str]:
    """What a served Spotloom says once it is at work."""
    log = place.cwd / "up.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*PROGRAM, "up", "--port", "0"],
            env=place.environment(settings),
            cwd=place.cwd,
            stderr=written,
        )
    try:
        end = time.monotonic() + PATIENCE_S
        while "Sign in" not in log.read_text() and process.poll() is None:
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield log.read_text()
    finally:
        process.terminate()
        process.wait(30)

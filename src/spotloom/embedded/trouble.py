"""Turns what went wrong with the database into what to do about it."""

import os
import shutil
from pathlib import Path

from spotloom.errors import SetupError

NEEDED_BYTES = 100_000_000
TELLING = ("FATAL:", "PANIC:", "error:", "ERROR:")


def unusable(error: OSError, home: Path) -> SetupError:
    """The error for a folder that the operating system keeps from us."""
    thing = os.fsdecode(error.filename) if error.filename else home / "postgres"
    said = error.strerror or str(error)
    return SetupError(f"The database needs {thing}: {said}. {advice(said, home)}")


def failed(doing: str, output: str, folder: Path) -> SetupError:
    """The error for a PostgreSQL that gave up, with the most telling line of what it wrote."""
    line = telling(output) or "it wrote nothing that says why"
    return SetupError(f"PostgreSQL could not {doing} in {folder}: {line}. {advice(line, folder)}")


def telling(output: str) -> str:
    """The line that says why: the last that names an error, else the last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line in reversed(lines):
        for mark in TELLING:
            if mark in line:
                return line.partition(mark)[2].strip().rstrip(".")
    return lines[-1].rstrip(".") if lines else ""


def advice(said: str, folder: Path) -> str:
    """What to do about it, in a sentence."""
    if "No space left" in said or "quota" in said.lower() or _free(folder) < 1_000_000:
        return (
            f"Only {_free(folder) / 1e6:.0f} MB are free there: a new database needs about "
            f"{NEEDED_BYTES / 1e6:.0f} MB. Make room, or choose another SPOTLOOM_HOME."
        )
    if "user does not exist" in said:
        return "Run Spotloom as a user who is named in /etc/passwd, or set DATABASE_URL."
    if "Read-only file system" in said:
        return "Choose a SPOTLOOM_HOME on a disk that can be written to, or set DATABASE_URL."
    if "ermission denied" in said or "not permitted" in said:
        return (
            "Give this account the right to write there and to run programs from there, "
            "or choose another SPOTLOOM_HOME."
        )
    return "Mend this, choose another SPOTLOOM_HOME, or set DATABASE_URL to another PostgreSQL."


def _free(folder: Path) -> int:
    for place in (folder, *folder.parents):
        if place.exists():
            return shutil.disk_usage(place).free
    return 0

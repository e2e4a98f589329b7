"""The files the rules of the house look at: what is committed, and what would be."""

import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "spotloom"


@functools.cache
def files() -> tuple[str, ...]:
    """Every file of the repository, as a path from its root, ignored ones left out."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    answer = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, timeout=30)
    names = {name for name in answer.stdout.decode().split("\0") if name}
    return tuple(sorted(name for name in names if (ROOT / name).is_file()))


def python(*folders: str) -> list[str]:
    """The Python files below the folders; all of them when none is named."""
    starts = tuple(f"{folder}/" for folder in folders) or ("",)
    return [name for name in files() if name.endswith(".py") and name.startswith(starts)]


def documents() -> list[str]:
    """The pages people read."""
    return [n for n in files() if n.endswith(".md") and (n.startswith("docs/") or "/" not in n)]


@functools.cache
def text(name: str) -> str:
    """The file's text; empty when it is not text."""
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""

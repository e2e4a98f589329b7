"""How the command line speaks: words for people, JSON for machines, each on its own stream."""

import json
import shlex
import sys
from collections.abc import Sequence
from decimal import Decimal
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

import spotloom
from spotloom.errors import BriefError, Problem, SpotloomError

INTERRUPTED, DECLINED = "Interrupted", "Declined"
OWN_WISH = {INTERRUPTED, DECLINED}  # kinds of refusals that the person asked for: no errors


def _console(*, stderr: bool) -> Console:
    # A pipe has no width: whatever reads it gets every message on one line.
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, soft_wrap=not stream.isatty())


# Answers go to stdout; progress, warnings and errors to stderr, so that a pipe stays clean.
out = _console(stderr=False)
err = _console(stderr=True)


_told: list[str] = []  # the kinds of what was told


def never_fail_on_letters() -> None:
    """Show a replacement where the terminal's encoding lacks a letter, instead of stopping."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def answer_json(value: Any) -> None:
    """Print one JSON value for a machine."""
    exact = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(value, ensure_ascii=not exact, indent=2, default=_as_number)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def told(kind: str) -> bool:
    """Whether a refusal of this kind was told."""
    return kind in _told


def problem(error: SpotloomError, *, as_json: bool) -> None:
    """Tell what is wrong and what to change."""
    kind = type(error).__name__
    if not isinstance(error, BriefError):
        refusal(str(error), kind=kind, as_json=as_json)
        return
    err.print(Text(_heading(error.problems), style="bold red"))
    for one in error.problems:
        err.print(Text.assemble("  ", (plain(one.field), "bold"), ": ", plain(one.message)))
    if as_json:
        problems = [{"field": p.field, "message": p.message} for p in error.problems]
        answer_json({"error": {"kind": kind, "problems": problems}})


def refusal(message: str, *, kind: str, as_json: bool) -> None:
    """Tell why the command was not carried out, or not to its end."""
    _told.append(kind)
    heading = () if kind in OWN_WISH else (("Error: ", "bold red"),)
    err.print(Text.assemble(*heading, plain(message)))
    if as_json:
        answer_json({"error": {"kind": kind, "message": message}})


def plain(text: str) -> str:
    """The text without the characters that a terminal obeys instead of showing."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def again(*, add: Sequence[str] = ()) -> str:
    """The command that was given, as it can be given again from here, with these words added.

    A key is no word for a screen or a log: who gave one gives it again.
    """
    command, *rest = without_key(sys.argv[1:]) or ["demo"]
    return shlex.join([*_program(), command, *add, *rest])


def program() -> str:
    """This program, as it can be called from here."""
    return shlex.join(_program())


def without_key(words: Sequence[str]) -> list[str]:
    """The words of a command, less an API key among them."""
    left = []
    for place, word in enumerate(words):
        if word == "--key" or word.startswith("--key=") or words[place - 1 : place] == ["--key"]:
            continue
        left.append(word)
    return left


def _program() -> list[str]:
    root = Path(spotloom.__file__).parents[2]
    if (root / "run").is_file() and Path(sys.executable).is_relative_to(root):
        return ["./run" if Path.cwd() == root else str(root / "run")]
    name = Path(sys.argv[0])
    return [sys.executable, "-m", "spotloom"] if name.name == "__main__.py" else [name.name]


def _heading(problems: Sequence[Problem]) -> str:
    fields = {problem.field for problem in problems}
    if all(field.startswith("--") for field in fields):
        whose = "command"
    else:
        whose = "vocabulary" if fields == {"vocabulary"} else "brief"
    return f"The {whose} has {len(problems)} problem{'' if len(problems) == 1 else 's'}:"


def _as_number(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")

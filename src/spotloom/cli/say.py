"""How the command line speaks: words for people on stderr, JSON for machines on stdout."""

import json
import sys
from decimal import Decimal
from typing import Any

from rich.console import Console

from spotloom.errors import BriefError, SpotloomError

# Answers go to stdout; progress, warnings and errors to stderr, so that a pipe stays clean.
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def answer_json(value: Any) -> None:
    """Print one JSON value for a machine."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n")
    sys.stdout.flush()


def problem(error: SpotloomError, *, as_json: bool) -> None:
    """Tell what is wrong and what to change."""
    if isinstance(error, BriefError):
        count = len(error.problems)
        err.print(f"[bold red]The brief has {count} problem{'s' if count > 1 else ''}.[/]")
        for one in error.problems:
            err.print(f"  [bold]{_safe(one.field)}[/]: {_safe(one.message)}", soft_wrap=True)
    else:
        err.print(f"[bold red]Error:[/] {_safe(str(error))}", soft_wrap=True)
    if as_json:
        answer_json({"error": _as_json(error)})


def _as_json(error: SpotloomError) -> dict[str, Any]:
    kind = type(error).__name__
    if isinstance(error, BriefError):
        problems = [{"field": p.field, "message": p.message} for p in error.problems]
        return {"kind": kind, "problems": problems}
    return {"kind": kind, "message": str(error)}


def _safe(text: str) -> str:
    """Text with nothing in it that the console would take for markup or for a command."""
    printable = "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return printable.replace("[", r"\[")


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")

"""The commands that the documents print, and whether the program would accept each."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import typer.main
from tests.house import tree

# Programs that a document may print beside our own, and what for.
OTHERS = {
    "cd": "into the clone",
    "git": "to clone and to commit",
    "export": "of a setting",
    "docker": "for a database or a model server beside us",
    "curl": "to ask the API; tests/integration/test_api_examples.py runs each",
    "sed": "to cut what curl shows",
}
FENCE = re.compile(r"^```(console|sh|bash|shell)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Printed:
    """One command as a reader would type it."""

    words: tuple[str, ...]
    settings: tuple[str, ...]  # the names set in front of it


def commands(page: str) -> Iterator[Printed]:
    """Every command in the page's fences; in `console` only what follows a `$`."""
    for language, body in FENCE.findall(page):
        lines = body.replace("\\\n", " ").splitlines()
        if language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        for line in lines:
            yield from _split(line)


def _split(line: str) -> Iterator[Printed]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
    lexer.whitespace_split = True
    settings: list[str] = []
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set("|&;"):
            if words:
                yield Printed(tuple(words), tuple(settings))
            settings, words = [], []
        elif not words and re.match(r"[A-Z_]+=", word):
            settings.append(word.partition("=")[0])
        else:
            words.append(word)


def refusal(command: Printed) -> str | None:
    """Why the program would not take this command; None when it would."""
    program, *args = command.words
    if program in OTHERS:
        return None
    if program not in ("./run", "spotloom"):
        return f"{program} is not a program that our documents explain (printed.OTHERS)"
    task = args[0] if args else "demo"
    if program == "./run" and f"scripts/{task}" in tree.files():
        return None
    return _refused_by_cli(args or ["demo"])


def _refused_by_cli(args: list[str]) -> str | None:
    from spotloom import cli  # not above: a broken command must not hide the other rules

    command = typer.main.get_command(cli.app)
    while args and not args[0].startswith("-") and hasattr(command, "commands"):
        if args[0] not in command.commands:
            return f"there is no command {args[0]!r}"
        command, args = command.commands[args[0]], args[1:]
    try:
        _, extra, _ = command.make_parser(command.context_class(command)).parse_args(args)
    except Exception as error:  # noqa: BLE001 - the parser's errors have no public common class
        return str(error)
    return f"too much: {extra}" if extra else None

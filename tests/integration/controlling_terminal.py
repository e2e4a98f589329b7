"""Run as a program: types commands one after the other, each in a process forked from this one.

A start of Python with every library takes a second; a fork of a process that has them does not.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import spotloom.wiring  # noqa: F401 - loaded here, so that no command loads it again
from spotloom import cli


def types(words: list[str], said: Path) -> int:
    """The exit status of the command; what it says goes into that folder."""
    child = os.fork()
    if child == 0:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(said / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        sys.argv = ["spotloom", *words]
        try:
            cli.main()
        except SystemExit as end:
            sys.stdout.flush()
            os._exit(int(end.code or 0))
        os._exit(99)  # main always exits
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


with tempfile.TemporaryDirectory() as folder:
    for line in sys.stdin:
        code = types(json.loads(line), Path(folder))
        texts = {name: (Path(folder) / name).read_text() for name in ("out", "err")}
        sys.stdout.write(json.dumps({"code": code, **texts}) + "\n")
        sys.stdout.flush()

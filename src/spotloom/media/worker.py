"""The program of one worker process: looks at one video file per line of its input.

It ends with its input, so it never outlives the process that started it.
"""

import contextlib
import dataclasses
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from spotloom.media.stills import inspect

NICENESS = 10  # the pages and the database come first
CPU_S = 120  # a minute of 4K takes half of it; a crafted file would take for ever
MEMORY = 2 * 1024**3  # of address space, of which an ordinary file uses a tenth


def main() -> None:
    """Answer until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    os.nice(NICENESS)
    with contextlib.suppress(ValueError, OSError):  # macOS knows no such bound
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
    for line in sys.stdin.buffer:
        question = json.loads(line)
        _allow_cpu(CPU_S)
        answer = _answer(Path(question["path"]), Path(question["folder"]))
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


def _allow_cpu(seconds: int) -> None:
    """Let the system end this process when the next file takes longer."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    until = int(spent.ru_utime + spent.ru_stime) + 1 + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (until, hard))


def _answer(path: Path, folder: Path) -> dict[str, Any]:
    try:
        seen = inspect(path, folder)
    except Exception as error:  # noqa: BLE001 - the top of this process; the parent decides
        return {"error": type(error).__name__, "message": str(error), "folder": str(folder)}
    measured = dataclasses.asdict(seen.probe)
    return {
        "probe": measured | {"seconds": str(seen.probe.seconds)},
        "poster": str(seen.poster),
        "sprite": str(seen.sprite),
    }


if __name__ == "__main__":
    main()

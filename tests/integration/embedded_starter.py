"""Run as a program: uses a home's database in a process of its own, as any user, until told."""

import json
import os
import sys
from pathlib import Path

# Everything is imported before root is given up: the interpreter may lie where only root can read.
from spotloom import embedded
from spotloom.errors import SetupError


def say(**words: str) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def main(home: str, user: int, site: str) -> int:
    if site:
        sys.path.insert(0, site)  # where the wheel's programs are looked for
    if user != os.geteuid():
        os.setgroups([user])
        os.setgid(user)
        os.setuid(user)
    try:
        server = embedded.start(Path(home))
    except SetupError as error:
        say(error=str(error))
        return 1
    say(url=server.url)
    sys.stdin.read()  # until our standard input is closed
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))

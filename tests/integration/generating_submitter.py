"""Run as a program: submits one batch for each line it reads, each in a forked process.

Forked, because starting a fresh interpreter two hundred times says nothing about submitting.
"""

import asyncio
import os
import sys
from pathlib import Path

from tests.integration.generating import Stage, order
from tests.integration.generating_provider import Sandbox


class Elsewhere(Sandbox):
    """A provider's address alone: submitting never asks it."""

    def __init__(self, url: str) -> None:
        self.url = url


def main(url: str, provider: str, videos: str) -> None:
    stage = Stage(url=url, sandbox=Elsewhere(provider), folder=Path())
    planned = order(int(videos), idea="One idea, submitted again and again.")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            asyncio.run(stage.submit(planned, key=line.strip()))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        sys.stdin.readline()  # until then the child's id is its own, dead or alive
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


main(*sys.argv[1:])

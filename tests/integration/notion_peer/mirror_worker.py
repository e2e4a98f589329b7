"""Run as a program: for each line it reads, the Notion mirror alone, in a forked process.

Forked, because starting an interpreter takes longer than such a process may live.
"""

import asyncio
import json
import os
import sys

from sqlalchemy.orm import configure_mappers

from spotloom.campaigns import database
from spotloom.creative.dimensions import Vocabulary
from spotloom.forms import load_vocabulary
from spotloom.generation.mirrors.notion import Desk, Mirror, Timing
from spotloom.notion.api import Key, Notion


async def mirror(vocabulary: Vocabulary) -> None:
    said = os.environ
    engine, sessions = database.connect(said["DATABASE_URL"], pool=8, role=database.Role.WORKER)
    async with Notion(Key(token=said["PEER_TOKEN"], address=said["PEER_URL"])) as notion:
        desk = Desk(
            sessions=sessions,
            notion=notion,
            vocabulary=vocabulary,
            links=None,
            timing=Timing(**json.loads(said["PEER_TIMING"])),
        )
        await Mirror(desk).run()
    await engine.dispose()


def main() -> None:
    import httpx  # noqa: F401 - what the mirror would import later, the children have already
    import notion_client  # noqa: F401 - as above

    configure_mappers()
    vocabulary = load_vocabulary()
    told = os.dup(1)  # what is logged goes to the file: nobody reads the pipe but for these words
    os.dup2(2, 1)
    os.write(told, b"ready\n")
    child = 0
    for _ in sys.stdin:
        if child:  # until then the child's id is its own, dead or alive
            os.waitpid(child, 0)
        child = os.fork()
        if not child:
            asyncio.run(mirror(vocabulary))
            os._exit(0)
        os.write(told, b"%d\n" % child)


main()

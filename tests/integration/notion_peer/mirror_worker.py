"""Run as a program: the Notion mirror alone, as its environment says, until SIGTERM."""

import asyncio
import json
import os
import signal

from spotloom.campaigns import database
from spotloom.forms import load_vocabulary
from spotloom.generation.mirrors.notion import Desk, Mirror, Timing
from spotloom.notion.api import Key, Notion


async def main() -> None:
    told = os.dup(1)  # what is logged goes to the file: nobody reads the pipe after one word
    os.dup2(2, 1)
    said = os.environ
    timing = Timing(**json.loads(said["PEER_TIMING"]))
    key = Key(token=said["PEER_TOKEN"], address=said["PEER_URL"])
    engine, sessions = database.connect(said["DATABASE_URL"], pool=8, role=database.Role.WORKER)
    async with Notion(key) as notion:
        desk = Desk(
            sessions=sessions,
            notion=notion,
            vocabulary=load_vocabulary(),
            links=None,
            timing=timing,
        )
        mirror = asyncio.create_task(Mirror(desk).run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, mirror.cancel)
        os.write(told, b"working\n")
        await asyncio.wait([mirror])
    await engine.dispose()


asyncio.run(main())

"""Run as a program: one worker, as its environment says, until SIGTERM."""

import asyncio
import signal
import sys

from spotloom import settings as setting
from spotloom import wiring


async def main() -> None:
    settings = setting.load()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with (
        wiring.opened(settings) as base,
        wiring.providers(settings, base.home, names={settings.provider}) as using,
        wiring.worker_of(settings, base, using),
    ):
        sys.stdout.write("working\n")
        sys.stdout.flush()
        await stop.wait()


asyncio.run(main())

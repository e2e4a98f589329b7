"""Run as a program: one worker, as its environment says, until SIGTERM."""

import asyncio
import os
import signal

from spotloom import settings as setting
from spotloom import wiring


async def work(told: int) -> None:
    """Say `working` there when it does, and work until SIGTERM."""
    settings = setting.load()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with (
        wiring.opened(settings) as base,
        wiring.providers(settings, base.home, names={settings.provider}) as using,
        wiring.worker_of(settings, base, using),
    ):
        os.write(told, b"working\n")
        await stop.wait()


if __name__ == "__main__":
    # Nobody reads the pipe after the first word: what is logged goes to the file, or it would
    # fill the pipe and stop the worker.
    first_word = os.dup(1)
    os.dup2(2, 1)
    asyncio.run(work(first_word))

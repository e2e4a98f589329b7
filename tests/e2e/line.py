"""A line between a page and the server that a test can cut and mend."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

BLOCK = 65_536


class Line:
    """Passes bytes on to the server at `target` for whoever asks at `url`, unless it is cut."""

    def __init__(self, target: str) -> None:
        self._host, _, port = target.removeprefix("http://").partition(":")
        self._port = int(port)
        self._open = True
        self._ends: set[asyncio.StreamWriter] = set()
        self.url = ""
        self.refused = 0  # connections that were tried while it was cut

    def cut(self) -> None:
        """Break all that runs over the line, and let nothing new over it."""
        self._open = False
        for end in list(self._ends):
            end.transport.abort()

    def mend(self) -> None:
        """Let connections over it again."""
        self._open = True

    async def met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        if not self._open:
            self.refused += 1
            writer.transport.abort()
            return
        with contextlib.suppress(OSError):
            onward, back = await asyncio.open_connection(self._host, self._port)
            self._ends |= {writer, back}
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(_pass(reader, back))
                    both.create_task(_pass(onward, writer))
            finally:
                self._ends -= {writer, back}
                back.close()
        writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Every byte, and then the end."""
    with contextlib.suppress(OSError):
        while block := await reader.read(BLOCK):
            writer.write(block)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


@contextlib.asynccontextmanager
async def laid(target: str) -> AsyncIterator[Line]:
    """A line to the server, on a port of its own."""
    line = Line(target)
    server = await asyncio.start_server(line.met, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        server.close()
        line.cut()

"""A server of somebody else's that takes webhooks, remembers them, and answers as it is told."""

import asyncio
import contextlib
import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def id(self):
        return self.headers["webhook-id"]

    @property
    def event(self):
        return json.loads(self.body)


class Receiver:
    """`answers` are statuses in turn, the last one for ever; `hold` keeps every answer back."""

    def __init__(self, *answers):
        self.answers = list(answers or [204])
        self.received, self.port = [], 0
        self.hold = asyncio.Event()
        self.hold.set()
        self._tasks = set()

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"{self.origin}/hook?token=s3cret"

    def of(self, kind):
        return [one for one in self.received if one.event["type"] == kind]

    async def _met(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        try:
            await self._take(reader, writer)
            writer.close()
            await writer.wait_closed()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()

    async def _take(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
        headers = {name.lower(): value for name, _, value in lines}
        body = await reader.readexactly(int(headers["content-length"]))
        self.received.append(Received(headers, body))
        await self.hold.wait()
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        location = "Location: http://127.0.0.1:1/\r\n" if status == 302 else ""
        writer.write(f"HTTP/1.1 {status} X\r\n{location}Content-Length: 0\r\n\r\n".encode())
        await writer.drain()

    @contextlib.asynccontextmanager
    async def listening(self):
        server = await asyncio.start_server(self._met, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await server.wait_closed()

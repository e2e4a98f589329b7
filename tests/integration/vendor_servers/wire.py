"""A tiny HTTP/1.1 server that can also do what good servers never do: cut, stall, lie."""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    path: str  # still quoted
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def parts(self) -> list[str]:
        return [unquote(part) for part in self.path.split("/") if part]


@dataclass(kw_only=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0  # before the first byte
    cut_after: int | None = None  # bytes of the body that leave before the connection is reset


def say(status: int, document: object, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(
        status=status,
        body=json.dumps(document).encode(),
        headers={"content-type": "application/json"} | named,
    )


CUT = Answer(cut_after=-1)  # the connection is reset instead of any answer


class HTTPServer:
    """Serves `answer(request)` on a free loopback port; remembers every request."""

    def __init__(self) -> None:
        self.seen: list[Request] = []
        self.port = 0

    async def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    async def __aenter__(self):
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(
                asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError
            ):  # a cancelled connection would be reported as an error by the loop
                while await self._one(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        url = urlsplit(target)
        request = Request(
            method=method,
            path=url.path,
            query={name: values[-1] for name, values in parse_qs(url.query).items()},
            headers=headers,
            body=await reader.readexactly(int(headers.get("content-length", "0"))),
        )
        self.seen.append(request)
        return await _write(writer, await self.answer(request))


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> bool:
    if answer.delay_s:
        await asyncio.sleep(answer.delay_s)
    if answer.cut_after == -1:
        writer.transport.abort()
        return False
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    headers = {"content-length": str(len(answer.body))} | answer.headers
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
    writer.write(answer.body if answer.cut_after is None else answer.body[: answer.cut_after])
    await writer.drain()
    if answer.cut_after is not None:
        writer.close()  # a FIN in the middle of the body
        return False
    return True

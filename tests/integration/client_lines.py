"""A line between client and server that loses what it is told to, and a film to fetch over it."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
from tests.unit.cli import made

from spotloom.client import Client
from spotloom.contract.combinations import File

FILM = bytes(range(256)) * 5000


def film(**changes: Any) -> File:
    digest = hashlib.sha256(FILM).hexdigest()
    return made.file(url="/api/media/x", bytes=len(FILM), sha256=digest, **changes)


@dataclass
class Line:
    """Stands between client and server, and loses what it is told to."""

    answers: Callable[[httpx2.Request], httpx2.Response | Exception]
    seen: list[httpx2.Request] = field(default_factory=list)

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        answer = self.answers(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self) -> Client:
        transport = httpx2.MockTransport(self.handle)
        return Client("http://127.0.0.1", key="spk_x", transport=transport)


class Broken(httpx2.SyncByteStream):
    """What comes before the line is lost."""

    def __init__(self, *blocks: bytes) -> None:
        self._blocks = blocks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._blocks
        raise httpx2.ReadError("reset")

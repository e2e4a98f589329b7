"""Bounds what a request may send: how much, and how long it may take over it."""

import asyncio
import contextlib
import time
from typing import NoReturn

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spotloom.web.edge.problems import begin_refusal
from spotloom.web.errors import Refused

DRAINED_S = 5.0  # in which a slow sender still gets to read why


class Bodies:
    """Counts and times each body while it comes; 413 and 408 otherwise."""

    def __init__(self, app: ASGIApp, *, largest: int, within_s: float) -> None:
        self._app, self._largest, self._within_s = app, largest, within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, send, largest=self._largest, within_s=self._within_s)
        try:
            body.weigh(Headers(scope=scope).get("content-length", ""))
            await self._app(scope, body.receive, body.send)
        except Refused as refused:
            if refused is not body.refused:
                raise
        if body.refused is not None and not body.answered:
            await body.answer(body.refused)


class _Body:
    """One request's body on its way in."""

    def __init__(self, receive: Receive, send: Send, *, largest: int, within_s: float) -> None:
        self._receive, self._send = receive, send
        self._largest, self._within_s = largest, within_s
        self._seen, self._until, self._whole = 0, 0.0, False
        self.answered = False
        self.refused: Refused | None = None

    def weigh(self, told: str) -> None:
        """Refuse at once what says that it is too long."""
        if told.isdecimal() and int(told[:20]) > self._largest:
            self._too_long()

    async def receive(self) -> Message:
        """The next piece of the body, or word that the caller has left."""
        if self._whole:
            return await self._receive()
        self._until = self._until or time.monotonic() + self._within_s
        try:
            async with asyncio.timeout(max(0.0, self._until - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            self._refuse(408, "Too slow", f"The body did not come within {self._within_s:g} s.")
        self._seen += len(message.get("body", b""))
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        if self._seen > self._largest:
            self._too_long()
        return message

    async def send(self, message: Message) -> None:
        """Pass the application's answer on, unless the body was refused before it."""
        if self.refused is not None and not self.answered:
            return  # what the application makes of half a body
        self.answered = True
        await self._send(message)

    async def answer(self, refused: Refused) -> None:
        """Say why, and read on for a moment: who is still sending would not see the answer."""
        await begin_refusal(self._send, refused)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAINED_S if refused.status == 413 else 0):
                while not self._whole:
                    message = await self._receive()
                    self._whole = not message.get("more_body", False)
        await self._send({"type": "http.response.body", "body": b""})

    def _too_long(self) -> NoReturn:
        most = f"The body is over {self._largest:,} bytes, the most that is taken."
        self._refuse(413, "Too large", most)

    def _refuse(self, status: int, title: str, detail: str) -> NoReturn:
        self.refused = Refused(status, title, detail, connection="close")
        raise self.refused

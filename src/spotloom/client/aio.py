"""The client that lets others work while it waits."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

import httpx2

from spotloom.client import errors, wire
from spotloom.client.call import Call, SendsLater, T, Tries
from spotloom.client.calls.batches import zip_of
from spotloom.client.events import LARGEST_EVENT, PATIENCE_S, BatchEvent, Watch
from spotloom.client.files import Arriving, Whole
from spotloom.client.operations import Operations
from spotloom.contract.combinations import File


class AsyncClient(Operations, SendsLater):
    """A server's API, for a program with an event loop; closed by `async with`."""

    def __init__(
        self,
        server: str,
        *,
        key: str,
        timeout_s: float = wire.TIMEOUT_S,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx2.AsyncClient(
            base_url=wire.address(server),
            headers=wire.headers(key),
            cookies=wire.no_cookies(),
            timeout=timeout_s,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connections."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """What the server answers; asked again only where that can have no second effect."""
        tries, headers, content = Tries(once=call.once), call.headers(), call.content()
        while True:
            outcome: httpx2.Response | httpx2.TransportError
            try:
                outcome = await self._http.request(
                    call.method, call.path, params=call.query, headers=headers, content=content
                )
            except httpx2.TransportError as error:
                outcome = error
            pause_s = tries.pause_after(outcome)
            if pause_s is None:
                return call.read(outcome)
            await asyncio.sleep(pause_s)

    async def watch(
        self,
        batch: str | UUID,
        *,
        since: str | None = None,
        until_over: bool = True,
        patience_s: float = PATIENCE_S,
    ) -> AsyncIterator[BatchEvent]:
        """What changes, as it changes, with no gap where the line is lost; to the end, or on."""
        watch = Watch(batch, since=since, patience_s=patience_s)
        while True:
            broken: httpx2.Response | httpx2.TransportError | None = None
            try:
                async with self._http.stream(
                    "GET", watch.path, headers=watch.headers, timeout=wire.STREAM
                ) as response:
                    if response.is_success:
                        async for told in httpx2.EventSource(response, LARGEST_EVENT):
                            if event := watch.take(told):
                                yield event
                                if event.kind == "over" and until_over:
                                    return
                    else:
                        await response.aread()
                        broken = response
            except httpx2.TransportError as error:
                broken = error
            await asyncio.sleep(watch.pause_after(broken))

    async def download(self, file: File, to: Path) -> None:
        """Fetch a finished file there, whole and checked; what came before is not fetched again."""
        arriving = await asyncio.to_thread(Arriving, file, to)
        while not arriving.whole:
            try:
                async with self._http.stream(
                    "GET", arriving.path, headers=arriving.headers
                ) as response:
                    if not response.is_success:
                        await response.aread()
                    await asyncio.to_thread(arriving.begin, response)
                    async for block in response.aiter_bytes():
                        await asyncio.to_thread(arriving.take, block)
            except httpx2.TransportError as error:
                await asyncio.sleep(arriving.pause_after(error))
        await asyncio.to_thread(arriving.settle)

    async def download_zip(
        self,
        campaign: str | UUID,
        to: Path,
        *,
        combinations: Sequence[str] | None = None,
        positions: Sequence[int] | None = None,
    ) -> None:
        """Fetch the finished videos, or these by id or position, with their manifest as one ZIP."""
        path, query = zip_of(campaign, combinations, positions)
        whole = Whole(to)
        try:
            async with self._http.stream("GET", path, params=query) as response:
                if not response.is_success:
                    await response.aread()
                await asyncio.to_thread(whole.begin, response)
                async for block in response.aiter_bytes():
                    await asyncio.to_thread(whole.take, block)
        except httpx2.TransportError as error:
            await asyncio.to_thread(whole.drop)
            raise errors.of_silence(error, once=True) from error
        await asyncio.to_thread(whole.settle)

"""The client that waits for each answer."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

import httpx2

from spotloom.client import errors, wire
from spotloom.client.call import Call, Sends, T, Tries
from spotloom.client.calls.batches import zip_of
from spotloom.client.events import LARGEST_EVENT, PATIENCE_S, BatchEvent, Watch
from spotloom.client.files import Arriving, Whole
from spotloom.client.operations import Operations
from spotloom.contract.combinations import File


class Client(Operations, Sends):
    """A server's API, for a program that does one thing after another; closed by `with`."""

    def __init__(
        self,
        server: str,
        *,
        key: str,
        timeout_s: float = wire.TIMEOUT_S,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._http = httpx2.Client(
            base_url=wire.address(server),
            headers=wire.headers(key),
            cookies=wire.no_cookies(),
            timeout=timeout_s,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """What the server answers; asked again only where that can have no second effect."""
        tries, headers, content = Tries(once=call.once), call.headers(), call.content()
        while True:
            outcome: httpx2.Response | httpx2.TransportError
            try:
                outcome = self._http.request(
                    call.method, call.path, params=call.query, headers=headers, content=content
                )
            except httpx2.TransportError as error:
                outcome = error
            pause_s = tries.pause_after(outcome)
            if pause_s is None:
                return call.read(outcome)
            time.sleep(pause_s)

    def watch(
        self,
        batch: str | UUID,
        *,
        since: str | None = None,
        until_over: bool = True,
        patience_s: float = PATIENCE_S,
    ) -> Iterator[BatchEvent]:
        """What changes, as it changes, with no gap where the line is lost; to the end, or on."""
        watch = Watch(batch, since=since, patience_s=patience_s)
        while True:
            broken: httpx2.Response | httpx2.TransportError | None = None
            try:
                with self._http.stream(
                    "GET", watch.path, headers=watch.headers, timeout=wire.STREAM
                ) as response:
                    if response.is_success:
                        for told in httpx2.EventSource(response, LARGEST_EVENT):
                            if event := watch.take(told):
                                yield event
                                if event.kind == "over" and until_over:
                                    return
                    else:
                        response.read()
                        broken = response
            except httpx2.TransportError as error:
                broken = error
            time.sleep(watch.pause_after(broken))

    def download(self, file: File, to: Path) -> None:
        """Fetch a finished file there, whole and checked; what came before is not fetched again."""
        arriving = Arriving(file, to)
        while not arriving.whole:
            try:
                with self._http.stream("GET", arriving.path, headers=arriving.headers) as response:
                    if not response.is_success:
                        response.read()
                    arriving.begin(response)
                    for block in response.iter_bytes():
                        arriving.take(block)
            except httpx2.TransportError as error:
                time.sleep(arriving.pause_after(error))
        arriving.settle()

    def download_zip(
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
            with self._http.stream("GET", path, params=query) as response:
                if not response.is_success:
                    response.read()
                whole.begin(response)
                for block in response.iter_bytes():
                    whole.take(block)
        except httpx2.TransportError as error:
            whole.drop()
            raise errors.of_silence(error, once=True) from error
        whole.settle()

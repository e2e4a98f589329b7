"""Times every call to a provider, and counts how each ended."""

import datetime as dt
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from prometheus_client import CollectorRegistry, Histogram

from spotloom.creative.request import VideoRequest
from spotloom.errors import SpotloomError
from spotloom.providers.provider import (
    CancelOutcome,
    Candidate,
    Capability,
    Content,
    Limits,
    NotSupported,
    Poll,
    Provider,
    Sending,
    Submitted,
    Variant,
    at_once,
)

BOUNDS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


def new_calls() -> Histogram:
    """How long this process's calls to providers took, by provider, call and how they ended."""
    return Histogram(
        "spotloom_provider_call_seconds",
        "Time a call to a provider took in this process; outcome is ok or the error's kind.",
        ("provider", "call", "outcome"),
        buckets=BOUNDS_S,
        registry=CollectorRegistry(),
    )


class Measured:
    """A provider whose calls are timed; it does nothing else to them."""

    def __init__(self, provider: Provider, calls: Histogram) -> None:
        self.name, self.account = provider.name, provider.account
        self._provider, self._calls = provider, calls

    def models(self) -> Sequence[Capability]:
        return self._provider.models()

    def limits(self) -> Limits:
        return self._provider.limits()

    async def submit(self, request: VideoRequest, *, sending: Sending = at_once) -> Submitted:
        """Buy one video, as the provider does."""
        with self._timed("submit"):
            return await self._provider.submit(request, sending=sending)

    async def poll(self, job: str) -> Poll:
        """Ask how a job stands."""
        with self._timed("poll"):
            return await self._provider.poll(job)

    async def find(
        self, request: VideoRequest, *, since: dt.datetime
    ) -> Sequence[Candidate] | NotSupported:
        """Jobs that carry what this attempt sent."""
        with self._timed("find"):
            return await self._provider.find(request, since=since)

    async def carries(
        self, job: str, request: VideoRequest, *, since: dt.datetime
    ) -> bool | NotSupported:
        """Whether the job is what the attempt ordered."""
        with self._timed("carries"):
            return await self._provider.carries(job, request, since=since)

    @asynccontextmanager
    async def open_content(
        self, job: str, variant: Variant, *, offset: int = 0
    ) -> AsyncIterator[Content]:
        """A download of the job's file, timed until it is closed."""
        with self._timed("download"):
            async with self._provider.open_content(job, variant, offset=offset) as content:
                yield content

    async def cancel(self, job: str) -> CancelOutcome:
        """Ask the provider to stop."""
        with self._timed("cancel"):
            return await self._provider.cancel(job)

    async def close(self) -> None:
        await self._provider.close()

    @contextmanager
    def _timed(self, call: str) -> Iterator[None]:
        began, outcome = time.monotonic(), "fault"
        try:
            yield
            outcome = "ok"
        except SpotloomError as error:
            outcome = type(error).__name__
            raise
        finally:
            self._calls.labels(self.name, call, outcome).observe(time.monotonic() - began)

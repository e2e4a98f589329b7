"""What a batch tells while it is watched, and where to go on after the line was lost."""

import json
import random
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import httpx2

from spotloom.client import errors
from spotloom.client.calls.asks import path_of
from spotloom.contract.batches import BatchProgress, VideoNow
from spotloom.creative.status import Status
from spotloom.errors import NotFound, SpotloomError, Transient

LARGEST_EVENT = 256 * 1024 * 1024  # bytes; a snapshot has a line for each video of the batch
PATIENCE_S = 120.0  # without a word from the server
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0


@dataclass(frozen=True, slots=True)
class BatchEvent:
    """Something new about a batch.

    A `snapshot` has every video. A `delta` has those that changed, which replace those of the same
    id. `over` says that all have ended; somebody may yet try some again.
    """

    id: str  # where to go on: the `since` of another watch
    kind: Literal["snapshot", "delta", "over"]
    progress: BatchProgress | None  # None of `over`
    videos: list[VideoNow]
    counts: dict[Status, int]


class Watch:
    """One watched batch, over as many connections as it takes."""

    def __init__(self, batch: str | UUID, *, since: str | None, patience_s: float) -> None:
        self.path = path_of("/api/batch/{}/events", batch)
        self._batch, self._last, self._patience_s = batch, since or "", patience_s
        self._pause_s, self._silent_s = _FIRST_PAUSE_S, 0.0

    @property
    def headers(self) -> dict[str, str]:
        """What the next connection begins with."""
        return {"Accept": "text/event-stream"} | (
            {"Last-Event-ID": self._last} if self._last else {}
        )

    def take(self, told: httpx2.ServerSentEvent) -> BatchEvent | None:
        """The event; None when it is only a word between server and client."""
        self._pause_s, self._silent_s = _FIRST_PAUSE_S, 0.0
        match told.event:
            case "snapshot" | "delta":
                progress = _Changed.model_validate_json(told.data)
                event = BatchEvent(told.id, told.event, progress, progress.videos, progress.counts)
            case "over":
                counts = {Status(k): n for k, n in json.loads(told.data)["counts"].items()}
                event = BatchEvent(told.id, told.event, None, [], counts)
            case "gone":
                raise NotFound(f"There is no campaign '{self._batch}' any more.")
            case _:  # of a newer server, or its word on when to come again
                return None
        self._last = told.id
        return event

    def pause_after(self, broken: httpx2.Response | httpx2.TransportError | None) -> float:
        """The seconds until the next connection; raises when there is to be none.

        None stands for a stream that the server ended by itself, as it does now and then.
        """
        if broken is None:
            return _FIRST_PAUSE_S * random.uniform(0.5, 1)  # noqa: S311 - no secret
        error = _error(broken)
        if not isinstance(error, Transient) or self._silent_s > self._patience_s:
            raise error
        pause_s = max(error.retry_after_s or 0.0, self._pause_s * random.uniform(0.5, 1))  # noqa: S311 - no secret
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        self._silent_s += pause_s
        return pause_s


class _Changed(BatchProgress):
    videos: list[VideoNow]


def _error(broken: httpx2.Response | httpx2.TransportError) -> SpotloomError:
    if isinstance(broken, httpx2.TransportError):
        return errors.of_silence(broken, once=True)
    return errors.of_answer(broken)

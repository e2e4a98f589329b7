"""The port every video API stands behind: what it offers, and how each call can end.

Errors of the calls: `Transient` only where it is proven that nothing was accepted, its subclass
`LaneBlocked` where that will not change by itself, `Permanent` where the provider refused this
video, `OutcomeUnknown` where a paid call may have arrived.
"""

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from spotloom.creative.pricing import Rate
from spotloom.creative.request import Seconds, Size, VideoRequest
from spotloom.errors import OutcomeUnknown, Transient


class LaneBlocked(Transient):
    """Nothing was bought, and nothing will be at this account until a person mends it.

    `reason` is one of `key`, `credit`, `address`, `dialect`: pause the lane, fail no video.
    """

    def __init__(self, message: str, *, reason: str, retry_after_s: float | None = None) -> None:
        self.reason = reason
        super().__init__(message, retry_after_s=retry_after_s)


class NoFile(Transient):
    """The provider says that it has no file of this job: not yet, or never."""


class Faulty(Transient):
    """The provider answers a question, but not with what was asked: for now, or always."""


class Outage(OutcomeUnknown):
    """The provider says that it cannot work now; the order may have been accepted all the same."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class AspectRatio(StrEnum):
    """Width to height of the picture, as the marketer picks it."""

    LANDSCAPE = "16:9"
    PORTRAIT = "9:16"
    SQUARE = "1:1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What one model of one provider makes, and at what price."""

    provider: str
    model: str
    durations: tuple[Seconds, ...]
    sizes: Mapping[AspectRatio, Size]
    loop: bool  # whether a seamless loop can be asked for
    audio: bool
    rate: Rate  # what planning and reserving count with
    charges: bool  # false for the sandbox: it costs nothing, the rate only plans


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How the provider wants to be asked."""

    concurrent: int
    poll_s: float
    list_lag_s: float  # how late its list may show a job that it has accepted


@dataclass(frozen=True, slots=True)
class Submitted:
    """The provider accepted the job under this id."""

    job: str


@dataclass(frozen=True, slots=True)
class Pending:
    """Not over yet; progress in per cent where the provider says it."""

    progress: int | None


@dataclass(frozen=True, slots=True)
class Ready:
    """The file is there until `expires_at`; the cost where the provider tells it."""

    expires_at: dt.datetime | None
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The provider gave the job up; `moderation` failures are never retried by us."""

    code: str
    text: str
    moderation: bool
    billed: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """The provider does not know this job (any more)."""


@dataclass(frozen=True, slots=True)
class Expired:
    """The job was done, but its file is gone."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The provider stopped the job because it was asked to."""


Poll = Pending | Ready | Rejected | Lost | Expired | Cancelled


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job at the provider that carries what an attempt sent, or that may."""

    job: str
    created_at: dt.datetime | None
    certain: bool = True


class NotSupported:
    """The provider has no way to answer this question."""


class CancelOutcome(StrEnum):
    """What became of asking the provider to stop."""

    STOPPED = "stopped"
    TOO_LATE = "too late"  # it is made, and its file is there
    OVER = "over"  # it ended otherwise: ask how it stands
    UNSUPPORTED = "unsupported"


class Variant(StrEnum):
    """Which file of a job."""

    VIDEO = "video"
    THUMBNAIL = "thumbnail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """An open download: the bytes from `offset` on, and what the provider says of them."""

    offset: int  # bytes skipped: 0 when the provider ignored the range
    length: int | None  # bytes of the whole file, when told
    content_type: str
    chunks: AsyncIterator[bytes]


Sending = Callable[[], Awaitable[None]]


async def at_once() -> None:
    """Send without another look."""


class Provider(Protocol):
    """One video API at one account."""

    name: str
    account: str  # names the paying account without a secret: the lane's key beside the name

    def models(self) -> Sequence[Capability]: ...

    def limits(self) -> Limits: ...

    async def submit(self, request: VideoRequest, *, sending: Sending = at_once) -> Submitted:
        """Buy one video. Exactly one request leaves; nothing here repeats it.

        `sending` is awaited at the last moment, when nothing of the order has left yet.
        """
        ...

    async def poll(self, job: str) -> Poll:
        """Ask how a job stands; Transient when the answer could not be had."""
        ...

    async def find(
        self, request: VideoRequest, *, since: dt.datetime
    ) -> Sequence[Candidate] | NotSupported:
        """Jobs that carry what this attempt sent, or may, accepted since then, oldest first.

        An empty answer means that the provider's list was read to its end; a list may lag, so ask
        again before believing it. Transient when the provider could not be asked now, Faulty when
        its answer says nothing.
        """
        ...

    async def carries(
        self, job: str, request: VideoRequest, *, since: dt.datetime
    ) -> bool | NotSupported:
        """Whether the provider says that this job is what the attempt ordered since then.

        NotSupported when it says too little. Transient when it could not be asked now.
        """
        ...

    def open_content(
        self, job: str, variant: Variant, *, offset: int = 0
    ) -> AbstractAsyncContextManager[Content]:
        """A download of the job's file; Transient when it could not be had now,
        Permanent with code `expired` when it is gone."""
        ...

    async def cancel(self, job: str) -> CancelOutcome:
        """Ask the provider to stop; Transient when it must be asked again."""
        ...

    async def close(self) -> None: ...


async def answers(provider: Provider) -> None:
    """Return when the provider answers a question about a job that it cannot have.

    SpotloomError says why it does not. Nothing is ordered and nothing is paid.
    """
    await provider.poll("video_of_the_doctor")

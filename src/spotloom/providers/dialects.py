"""What one server of the `/v1/videos` protocol does differently from another, as data."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class Body(StrEnum):
    """How the order for a video is written."""

    JSON = "json"
    MULTIPART = "multipart"


class Cancelling(StrEnum):
    """What `DELETE /videos/{id}` does to a job that is still running."""

    STOPS = "stops"
    FORGETS = "forgets"  # the record goes, the work goes on, as far as is told: of no use to us
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One server's habits; `source` and `as_of` say where and when they were read."""

    name: str
    body: Body
    extension: bool  # takes our own JSON member `spotloom`
    variants: bool  # knows `variant=` on a download, and so the thumbnail
    lists: bool  # `GET /videos` tells enough of a job to recognise it
    list_lag_s: float  # how late that list may show a job that was accepted, as far as we know
    echoes_model: bool  # a listed job carries the model's name as it was sent
    cancelling: Cancelling
    failed_as_http_error: bool  # `GET` of a failed job is an HTTP error whose body is the job
    bills_failures: bool
    refusals: frozenset[int]  # further statuses that prove a create was not accepted
    source: str
    as_of: dt.date


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The words by which servers of this protocol name a cause; all in lower case."""

    moderation_codes: frozenset[str]
    moderation_phrases: tuple[str, ...]  # for servers that drop the code
    billing_codes: frozenset[str]
    expired_codes: frozenset[str]

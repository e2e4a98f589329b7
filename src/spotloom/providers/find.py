"""Recognises our own order among a server's jobs, or admits that it cannot."""

import datetime as dt
import itertools
from collections.abc import Sequence
from enum import Enum, auto

from spotloom.creative.request import Size, VideoRequest
from spotloom.providers.dialects import Dialect
from spotloom.providers.provider import Candidate, NotSupported
from spotloom.providers.replies import JobList, Listed

CLOCK_SKEW = dt.timedelta(seconds=120)
_CUT_MARKS = ("…", "...")


class Match(Enum):
    """Whether a listed job is the one an attempt ordered."""

    YES = auto()
    NO = auto()
    UNTOLD = auto()  # the list says too little: neither may be claimed


def match(job: Listed, request: VideoRequest, *, since: dt.datetime, dialect: Dialect) -> Match:
    """Whether the job carries exactly what the request sends and was accepted since then."""
    if job.created_at is not None and job.created_at < since - CLOCK_SKEW:
        return Match.NO
    told = [
        _prompt(job.prompt, request.prompt),
        _same(_whole(job.seconds), request.duration),
        _same(_size(job.size), request.size),
    ]
    if dialect.echoes_model:
        told.append(_same(job.model, request.model))
    # A list without prompts proves nothing, not even by its other fields: servers round those.
    if told[0] is Match.UNTOLD:
        return Match.UNTOLD
    if Match.NO in told:
        return Match.NO
    return Match.UNTOLD if Match.UNTOLD in told or job.created_at is None else Match.YES


class Search:
    """Reads a server's list page by page until it can say which jobs are ours, or cannot."""

    def __init__(self, request: VideoRequest, *, since: dt.datetime, dialect: Dialect) -> None:
        self.after: str | None = None  # where the next page begins
        self.over = False
        self._request, self._since, self._dialect = request, since, dialect
        self._seen: set[str] = set()
        self._ours: list[Listed] = []
        self._sure = True
        self._whole = False

    def read(self, page: JobList, *, asked: int) -> None:
        """Take in one page, of which `asked` jobs at most were wanted."""
        fresh = [job for job in page.data if job.id not in self._seen]
        self._seen.update(job.id for job in fresh)
        for job in fresh:
            found = match(job, self._request, since=self._since, dialect=self._dialect)
            self._sure &= found is not Match.UNTOLD
            if found is Match.YES:
                self._ours.append(job)
        self._whole = _is_last(page, fresh, since=self._since, asked=asked)
        self.over = self._whole or not self._sure or not fresh
        self.after = fresh[-1].id if fresh else None

    def result(self) -> Sequence[Candidate] | NotSupported:
        """Our jobs, oldest first. That there is none is only said of a list read to its end."""
        if not self._sure or not (self._whole or self._ours):
            return NotSupported()
        found = [Candidate(j.id, j.created_at) for j in self._ours if j.created_at is not None]
        return sorted(found, key=lambda c: (c.created_at, c.job))


def _is_last(page: JobList, fresh: Sequence[Listed], *, since: dt.datetime, asked: int) -> bool:
    """Whether no job accepted since then can lie beyond this page, of which `fresh` is new to us.

    A page that repeats the one before means a server that cannot page: it has told everything
    unless the page looks cut at the length that was asked for.
    """
    if page.has_more is False:
        return True
    if not fresh:
        return not page.data or (page.has_more is None and len(page.data) != asked)
    oldest = fresh[-1].created_at
    return oldest is not None and oldest < since - CLOCK_SKEW and _newest_first(fresh)


def _newest_first(jobs: Sequence[Listed]) -> bool:
    """Whether the page proves that what follows it is older; jobs of one moment prove nothing."""
    known = [job.created_at for job in jobs if job.created_at is not None]
    falling = all(a >= b for a, b in itertools.pairwise(known))
    return len(known) == len(jobs) and falling and known[0] > known[-1]


def _prompt(told: str | None, sent: str) -> Match:
    if told is None:
        return Match.UNTOLD
    if told == sent.strip():
        return Match.YES
    for mark in _CUT_MARKS:
        stem = told.removesuffix(mark).rstrip()
        if stem != told and sent.startswith(stem):
            return Match.UNTOLD
    return Match.NO


def _same(told: object | None, sent: object) -> Match:
    if told is None:
        return Match.UNTOLD
    return Match.YES if told == sent else Match.NO


def _whole(text: str | None) -> int | None:
    try:
        return round(float(text or ""))
    except (ValueError, OverflowError):
        return None


def _size(text: str | None) -> Size | None:
    try:
        return Size.parse(text or "")
    except ValueError:
        return None

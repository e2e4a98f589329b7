"""Recognises our own order among a server's jobs, or admits that it cannot."""

import datetime as dt
import itertools
import re
from collections.abc import Sequence
from enum import Enum, auto

from spotloom.creative.request import Size, VideoRequest
from spotloom.providers.dialects import Dialect
from spotloom.providers.provider import Candidate, NotSupported
from spotloom.providers.replies import JobList, Listed

CLOCK_SKEW = dt.timedelta(seconds=120)
_CUT_MARKS = ("…", "...")
# A server may name the snapshot under which it runs the model that was asked for.
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


class Match(Enum):
    """Whether a listed job is the one an attempt ordered."""

    YES = auto()
    NO = auto()
    UNTOLD = auto()  # the server says too little: neither may be claimed


def match(job: Listed, request: VideoRequest, *, since: dt.datetime, dialect: Dialect) -> Match:
    """Whether the job carries exactly what the request sends and was accepted since then."""
    if job.created_at is not None and job.created_at < since - CLOCK_SKEW:
        return Match.NO
    prompt = _prompt(job.prompt, request.prompt)
    if prompt is Match.NO:
        return Match.NO
    same = (
        prompt is Match.YES
        and _whole(job.seconds) == request.duration
        and _size(job.size) == request.size
        and (not dialect.echoes_model or _model(job.model, request.model))
        and job.created_at is not None
    )
    # What differs beside the prompt proves nothing: servers round, and name models their own way.
    return Match.YES if same else Match.UNTOLD


class Search:
    """Reads a server's list page by page: which jobs are ours, and which may be."""

    def __init__(self, request: VideoRequest, *, since: dt.datetime, dialect: Dialect) -> None:
        self.after: str | None = None  # where the next page begins
        self.over = False
        self._request, self._since, self._dialect = request, since, dialect
        self._seen: set[str] = set()
        self._found: list[Candidate] = []
        self._whole = False
        self._unreadable = 0

    def read(self, page: JobList, *, asked: int) -> None:
        """Take in one page, of which `asked` jobs at most were wanted."""
        fresh = [job for job in page.data if job.id not in self._seen]
        self._seen.update(job.id for job in fresh)
        for job in fresh:
            found = match(job, self._request, since=self._since, dialect=self._dialect)
            if found is not Match.NO:
                certain = found is Match.YES
                self._found.append(Candidate(job.id, job.created_at, certain=certain))
        self._unreadable += page.unreadable
        self._whole = _is_last(page, fresh, since=self._since, asked=asked)
        self.over = self._whole or not fresh
        self.after = fresh[-1].id if fresh else None

    def result(self) -> Sequence[Candidate] | NotSupported:
        """The candidates, oldest first. Of none we speak only when all of the list was read."""
        if not any(c.certain for c in self._found) and (self._unreadable or not self._whole):
            return NotSupported()
        return sorted(self._found, key=lambda c: (c.created_at or self._since, c.job))


def _is_last(page: JobList, fresh: Sequence[Listed], *, since: dt.datetime, asked: int) -> bool:
    """Whether no job accepted since then can lie beyond this page, of which `fresh` is new to us.

    A page that repeats the one before means a server that cannot page: it has told everything
    unless the page looks cut at the length that was asked for.
    """
    if page.has_more is False:
        return True
    if not fresh:
        told = len(page.data) + page.unreadable
        return not told or (page.has_more is None and told != asked)
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
    told, sent = _words(told), _words(sent)
    if told == sent:
        return Match.YES
    for mark in _CUT_MARKS:
        told = told.removesuffix(mark).rstrip()
    return Match.UNTOLD if sent.startswith(told) else Match.NO


def _words(text: str) -> str:
    """The text as a server may keep it: with its white space folded."""
    return " ".join(text.split())


def _model(told: str | None, sent: str) -> bool:
    return told is not None and _SNAPSHOT.sub("", told) == sent


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

"""What a process knows of a watched campaign, and how that is told to whoever stands where."""

import json
from dataclasses import dataclass
from typing import Any

from fastapi.sse import format_sse_event

from spotloom.campaigns.changes import Changes, Position, Video
from spotloom.creative.status import Status

OVER_TOLD = "!"  # at the end of an event's id: the listener has heard that all has ended
_NORMAL = 1  # the priority of most
FRAMES_KEPT = 50  # listeners that keep up share one; the ids of those that return are theirs to say


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a listener is: all up to a position, and whether it heard of the end."""

    at: Position | None = None
    over: bool = False

    @classmethod
    def parse(cls, event_id: str) -> "Standing":
        """Where the listener stopped that sends this as the id of its last event."""
        at = Position.parse(event_id.removesuffix(OVER_TOLD))
        return cls(at, over=at is not None and event_id.endswith(OVER_TOLD))

    def __str__(self) -> str:
        """The event's id; empty, so that nobody resumes from it, when it cannot be written."""
        written = str(self.at or "")
        return written + OVER_TOLD if written and self.over else written


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes to send, and where their listener then stands."""

    data: bytes
    to: Standing


@dataclass(frozen=True, slots=True)
class _Entry:
    written: str
    status: Status
    changed: frozenset[int]


class Picture:
    """A campaign at one position; listeners at any earlier one are told the difference."""

    def __init__(self, changes: Changes, header: dict[str, Any]) -> None:
        self.at = changes.at
        self._videos = {video.key: _entry(video) for video in changes.videos}
        self._header = header
        self._header_changed: frozenset[int] = frozenset({changes.campaign_changed})
        self._frames: dict[Standing, Frame | None] = {}

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to any video by itself."""
        return all(entry.status.over for entry in self._videos.values())

    def take(self, changes: Changes, header: dict[str, Any] | None) -> bool:
        """Move on to the changes' position; whether a listener has anything to hear."""
        before, self.at = self.at, changes.at
        if header is None:
            return False
        news = False
        for video in changes.videos:
            entry, known = _entry(video), self._videos.get(video.key)
            # Most writes change what nobody watches: such an entry keeps its older transactions.
            if known is None or known.written != entry.written:
                self._videos[video.key] = entry
                news = True
        if _lasting(header) != _lasting(self._header):
            read = {changes.campaign_changed}.union(*(v.changed for v in changes.videos))
            self._header_changed = frozenset(each for each in read if not before.sees(each))
            news = True
        self._header = header
        if news:
            self._frames.clear()
        return news

    def frame(self, standing: Standing) -> Frame | None:
        """What the listener has not heard; None when it has heard everything."""
        if standing.at is not None and not standing.at.within(self.at):
            standing = Standing()  # of another server, or invented: told everything
        if standing not in self._frames:
            if len(self._frames) >= FRAMES_KEPT:
                self._frames.clear()
            self._frames[standing] = self._frame(standing)
        return self._frames[standing]

    def _frame(self, standing: Standing) -> Frame | None:
        told = standing.over and self.over
        events = []
        last = standing.at
        if last is None:
            events.append(self._event("snapshot", self._videos.values(), Standing(self.at)))
        elif news := self._news(last):
            events.append(self._event("delta", news, Standing(self.at, over=told)))
        elif not _sees(last, self._header_changed):
            events.append(self._event("delta", (), Standing(self.at, over=told)))
        if self.over and not told:
            counts = {"counts": self._header["counts"]}
            events.append(_sse("over", json.dumps(counts), Standing(self.at, over=True)))
        to = Standing(self.at, over=self.over)
        return Frame(b"".join(events), to) if events else None

    def _news(self, last: Position) -> list[_Entry]:
        return [entry for entry in self._videos.values() if not _sees(last, entry.changed)]

    def _event(self, name: str, entries: Any, standing: Standing) -> bytes:
        header = json.dumps(self._header, separators=(",", ":"))
        videos = ",".join(entry.written for entry in entries)
        return _sse(name, f'{header[:-1]},"videos":[{videos}]}}', standing)


def _sees(position: Position, changed: frozenset[int]) -> bool:
    return all(map(position.sees, changed))


def _lasting(header: dict[str, Any]) -> dict[str, Any]:
    """The header without what moves with the clock alone."""
    moving = {"finishedAMinute", "expectedSeconds", "expectedFinish"}
    return {name: value for name, value in header.items() if name not in moving}


def _entry(video: Video) -> _Entry:
    told: dict[str, Any] = {
        "combinationId": video.key,
        "status": video.status,
        "attempt": video.attempt,
        "review": video.review,
        "version": video.version,
    }
    # What most videos have not is left out: 660 of them are one event.
    more = {
        "progress": video.progress,
        "error": video.error_code,
        "priority": None if video.priority == _NORMAL else video.priority,
        "actualCost": None if video.actual_cost is None else float(video.actual_cost),
        "winner": video.winner or None,
        "files": video.files or None,
    }
    told |= {name: value for name, value in more.items() if value is not None}
    written = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
    return _Entry(written, video.status, video.changed)


def _sse(name: str, data: str, standing: Standing) -> bytes:
    return format_sse_event(event=name, data_str=data, id=str(standing))

"""What the sandbox accepted and what became of it: jobs, the billing ledger, webhooks to send."""

import asyncio
import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from spotloom.creative.request import Seconds, Size
from spotloom.sandbox.wire import Ask, Extension

NORMAL: Mapping[str, Any] = {}  # no fault

_P = ParamSpec("_P")
_T = TypeVar("_T")

_TABLES = """
CREATE TABLE IF NOT EXISTS job (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    prompt TEXT NOT NULL, model TEXT NOT NULL, size TEXT NOT NULL, seconds INTEGER NOT NULL,
    extension TEXT NOT NULL, remixed_from TEXT, fate TEXT NOT NULL DEFAULT '{}',
    state TEXT NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'completed', 'failed')),
    deleted INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL, completed_at REAL, expires_at REAL,
    error_code TEXT, error_message TEXT, file TEXT,
    idempotency_key TEXT UNIQUE, fingerprint TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS job_live ON job (n) WHERE state = 'live' AND deleted = 0;
CREATE INDEX IF NOT EXISTS job_stale ON job (expires_at) WHERE file IS NOT NULL;
CREATE TABLE IF NOT EXISTS ledger (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL, seconds INTEGER NOT NULL, size TEXT NOT NULL, prompt TEXT NOT NULL,
    accepted_at REAL NOT NULL, running INTEGER NOT NULL
);
CREATE TRIGGER IF NOT EXISTS ledger_kept BEFORE DELETE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS ledger_fixed BEFORE UPDATE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TABLE IF NOT EXISTS event (
    id TEXT PRIMARY KEY, n INTEGER NOT NULL, created_at REAL NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One accepted video; `n` counts acceptances from 1, `fate` is what the faults decided."""

    n: int
    id: str
    ask: Ask
    fate: Mapping[str, Any]
    state: str  # live | completed | failed
    created_at: float
    completed_at: float | None
    expires_at: float | None
    error: tuple[str, str] | None  # code, message
    file: str | None  # below the home folder

    @property
    def doom(self) -> Mapping[str, Any]:
        """The fault that decides how the job ends; empty when none does."""
        return dict(self.fate.get("job", NORMAL))

    @property
    def announcement(self) -> Mapping[str, Any]:
        """The fault that its webhook is sent with; empty when none is."""
        return dict(self.fate.get("webhook", NORMAL))

    @property
    def expired(self) -> bool:
        """Whether the file is past its time."""
        return self.expires_at is not None and self.expires_at <= time.time()

    def to_json(self, *, progress: int) -> dict[str, Any]:
        """The job in the protocol's words; `progress` is asked of whoever makes it."""
        live = "in_progress" if progress else "queued"
        return {
            "id": self.id,
            "object": "video",
            "model": self.ask.model,
            "status": live if self.state == "live" else self.state,
            "progress": 100 if self.state == "completed" else progress,
            "created_at": int(self.created_at),
            "completed_at": None if self.completed_at is None else int(self.completed_at),
            "expires_at": None if self.expires_at is None else int(self.expires_at),
            "prompt": self.ask.prompt,
            "size": str(self.ask.size),
            "seconds": str(self.ask.seconds),
            "remixed_from_video_id": self.ask.remixed_from,
            "error": self.error and {"code": self.error[0], "message": self.error[1]},
        }


@dataclass(frozen=True, slots=True)
class Event:
    """One webhook to send: stored until it was delivered or given up."""

    id: str
    n: int  # of the job
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a job ended, and which event says so."""

    file: str | None = None
    error: tuple[str, str] | None = None
    expires_at: float | None = None
    announced: bool = False


def event_for(job_id: str, n: int, *, kind: str) -> Event:
    """A new event of the vendor's shape about one job."""
    event_id = f"evt_{secrets.token_hex(16)}"
    body = {
        "id": event_id,
        "object": "event",
        "created_at": int(time.time()),
        "type": kind,
        "data": {"id": job_id},
    }
    return Event(event_id, n, json.dumps(body).encode())


class Jobs:
    """The file behind the server. Every call is one transaction, durable when it returns.

    SQLite connections stay in one thread: the server makes and uses this on its disk thread only.
    """

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + _TABLES)

    def close(self) -> None:
        self._db.close()

    def accept(self, ask: Ask, *, limit: int, key: str | None = None) -> Job | None:
        """A new job and its line in the ledger; None when `limit` jobs are live already."""
        now, job_id = time.time(), f"video_{secrets.token_hex(16)}"
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            running = self.live_count() + 1
            if running > limit:
                return None
            paid = (now, key, ask.fingerprint)
            order = (ask.prompt, ask.model, str(ask.size), ask.seconds)
            n = self._db.execute(
                "INSERT INTO job (id, prompt, model, size, seconds, extension, remixed_from,"
                " created_at, idempotency_key, fingerprint) VALUES (?,?,?,?,?,?,?,?,?,?)",
                (job_id, *order, ask.extension.model_dump_json(), ask.remixed_from, *paid),
            ).lastrowid
            self._db.execute(
                "INSERT INTO ledger (n, id, prompt, model, size, seconds, accepted_at, running)"
                " VALUES (?,?,?,?,?,?,?,?)",
                (n, job_id, *order, now, running),
            )
        return self.get(job_id)

    def deal(self, job: Job) -> None:
        """Keep the fate that the job was dealt."""
        self._db.execute("UPDATE job SET fate = ? WHERE n = ?", (json.dumps(job.fate), job.n))

    def live_count(self) -> int:
        """How many jobs are queued or in progress."""
        sql = "SELECT count(*) FROM job WHERE state = 'live' AND deleted = 0"
        return int(self._db.execute(sql).fetchone()[0])

    def live(self) -> list[Job]:
        """The jobs that are queued or in progress, oldest first."""
        sql = "SELECT * FROM job WHERE state = 'live' AND deleted = 0 ORDER BY n"
        return [_job(row) for row in self._db.execute(sql)]

    def get(self, job_id: str) -> Job | None:
        """The job of that id, unless there is none or it was deleted."""
        sql = "SELECT * FROM job WHERE id = ? AND deleted = 0"
        row = self._db.execute(sql, (job_id,)).fetchone()
        return None if row is None else _job(row)

    def by_key(self, key: str) -> tuple[Job, str] | None:
        """The job that an idempotency key bought, with the fingerprint of its body."""
        sql = "SELECT * FROM job WHERE idempotency_key = ?"
        row = self._db.execute(sql, (key,)).fetchone()
        return None if row is None else (_job(row), str(row["fingerprint"]))

    def page(
        self, *, after: str | None, limit: int, newest_first: bool, lag_s: float
    ) -> list[Job] | None:
        """At most `limit` jobs behind the job `after`; None when `after` never was a job.

        Jobs younger than `lag_s` are not listed yet.
        """
        start = 0 if not newest_first else 1 << 62
        if after is not None:
            found = self._db.execute("SELECT n FROM job WHERE id = ?", (after,)).fetchone()
            if found is None:
                return None
            start = found["n"]
        compare, order = ("<", "DESC") if newest_first else (">", "ASC")
        rows = self._db.execute(
            f"SELECT * FROM job WHERE n {compare} ? AND created_at <= ? AND deleted = 0"  # noqa: S608 - both words are ours
            f" ORDER BY n {order} LIMIT ?",
            (start, time.time() - lag_s, limit),
        )
        return [_job(row) for row in rows]

    def end(self, job: Job, ending: Ending) -> Event | None:
        """The job is over; returns the event to send, if one is due and it was not over before."""
        state = "failed" if ending.error else "completed"
        error = ending.error or (None, None)
        event = event_for(job.id, job.n, kind=f"video.{state}")
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            changed = self._db.execute(
                "UPDATE job SET state = ?, completed_at = ?, expires_at = ?, file = ?,"
                " error_code = ?, error_message = ?"
                " WHERE id = ? AND state = 'live' AND deleted = 0",
                (state, time.time(), ending.expires_at, ending.file, *error, job.id),
            ).rowcount
            if not changed or not ending.announced:
                return None
            self._insert(event)
        return event

    def delete(self, job_id: str) -> None:
        """The job is gone from every answer; what it cost stays in the ledger."""
        self._db.execute("UPDATE job SET deleted = 1, file = NULL WHERE id = ?", (job_id,))

    def forget_stale(self, now: float) -> list[str]:
        """Files past their time; the jobs no longer name them."""
        sql = "UPDATE job SET file = NULL WHERE file IS NOT NULL AND expires_at < ? RETURNING file"
        return [row["file"] for row in self._db.execute(sql, (now,)).fetchall()]

    def announce(self, event: Event) -> None:
        """Keep an event until it was sent."""
        self._insert(event)

    def _insert(self, event: Event) -> None:
        row = (event.id, event.n, time.time(), event.body)
        self._db.execute("INSERT INTO event (id, n, created_at, body) VALUES (?,?,?,?)", row)

    def unsent(self) -> list[Event]:
        """Events that a former run did not get to send, oldest first."""
        rows = self._db.execute("SELECT * FROM event ORDER BY created_at")
        return [Event(row["id"], row["n"], row["body"]) for row in rows]

    def sent(self, event: Event) -> None:
        """The event needs no sending any more."""
        self._db.execute("DELETE FROM event WHERE id = ?", (event.id,))

    def ledger(self) -> dict[str, Any]:
        """Every job that was ever charged, in order, and the most that ran at once."""
        rows = self._db.execute(
            "SELECT l.*, CASE WHEN j.deleted THEN 'deleted' ELSE j.state END AS state"
            " FROM ledger l JOIN job j USING (n) ORDER BY n"
        ).fetchall()
        return {
            "accepted": len(rows),
            "peakConcurrent": max((row["running"] for row in rows), default=0),
            "jobs": [
                {
                    "id": row["id"],
                    "model": row["model"],
                    "seconds": str(row["seconds"]),
                    "size": row["size"],
                    "prompt": row["prompt"],
                    "acceptedAt": row["accepted_at"],
                    "status": "in_progress" if row["state"] == "live" else row["state"],
                }
                for row in rows
            ],
        }


class Disk:
    """The one thread that talks to the file, so that the event loop never waits for it."""

    def __init__(self, jobs: Jobs, thread: ThreadPoolExecutor) -> None:
        self._jobs, self._thread = jobs, thread

    @classmethod
    async def open(cls, file: Path) -> Self:
        """The jobs in that file, made when it is not there."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="disk")
        return cls(await asyncio.get_running_loop().run_in_executor(thread, Jobs, file), thread)

    async def __call__(
        self, call: Callable[Concatenate[Jobs, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        def work() -> _T:
            return call(self._jobs, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def close(self) -> None:
        await self(Jobs.close)
        self._thread.shutdown()


def _job(row: sqlite3.Row) -> Job:
    ask = Ask(
        prompt=row["prompt"],
        model=row["model"],
        size=Size.parse(row["size"]),
        seconds=Seconds(row["seconds"]),
        extension=Extension.model_validate_json(row["extension"]),
        remixed_from=row["remixed_from"],
    )
    code = row["error_code"]
    return Job(
        n=row["n"],
        id=row["id"],
        ask=ask,
        fate=json.loads(row["fate"]),
        state=row["state"],
        created_at=row["created_at"],
        completed_at=row["completed_at"],
        expires_at=row["expires_at"],
        error=None if code is None else (code, row["error_message"]),
        file=row["file"],
    )

"""Keeps what a worker left behind in the middle of its work, to go on with it in a later release.

Run as a program before a release, it records this code:
`python -m tests.integration.recording NAME` writes histories/NAME.json, and
`test_recorded_histories.py` plays every file that lies there.
"""

import asyncio
import datetime as dt
import json
import re
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from psycopg import sql
from tests.integration import generating
from tests.integration.conftest import data_home
from tests.integration.generating import Stage, Worker, until

from spotloom import embedded
from spotloom.campaigns import database
from spotloom.campaigns.database import plain_url

FOLDER = Path(__file__).with_name("histories")
JOBS = 8
POLL_S = 3.0
SOON_S = 60.0
# In the order in which one needs the other.
_OURS = (
    "workspace",
    "campaign",
    "combination",
    "lane",
    "generation",
    "ledger",
    "lane_slot",
    "asset",
)
_ENGINES = ("workflow_status", "workflow_input", "workflow_output", "operation_outputs")
_HOST = "recorded"  # stands for this machine's name
_MOMENTS_MS = 10**12  # no other number is as large
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")


@dataclass(frozen=True, slots=True)
class History:
    """The rows of the tables at one moment, and which revision of them they fit."""

    revision: str
    account: str  # of the lane
    tables: dict[str, list[dict[str, Any]]]

    @classmethod
    def read(cls, file: Path) -> "History":
        """The history in that file."""
        return cls(**json.loads(file.read_text(encoding="utf-8")))

    def write(self, file: Path) -> None:
        """A row on each line, so that a change can be read."""
        tables = [
            f"{json.dumps(name)}: [\n{', '.join(_lines(rows))}\n]"
            for name, rows in self.tables.items()
        ]
        told = f'"revision": {json.dumps(self.revision)}, "account": {json.dumps(self.account)}'
        file.write_text(f'{{{told}, "tables": {{\n{", ".join(tables)}\n}}}}\n', encoding="utf-8")

    @property
    def orders(self) -> dict[str, str]:
        """What was bought: the prompt of each job."""
        rows = self.tables["spotloom.generation"]
        return {
            row["provider_job_id"]: row["request"]["prompt"]
            for row in rows
            if row["provider_job_id"]
        }

    def at(self, stage: Stage) -> "History":
        """The same, bought at the stage's provider a moment ago: what is old, a worker forgets."""
        text = json.dumps({name: self._of_now(rows) for name, rows in self.tables.items()})
        for job, prompt in self.orders.items():
            text = text.replace(job, _buy(stage, prompt))
        account = stage.lane.account
        return History(self.revision, account, json.loads(text.replace(self.account, account)))

    def _of_now(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        ended_ms = max(row["updated_at"] for row in self.tables["dbos.workflow_status"])
        later = dt.datetime.now(dt.UTC) - dt.datetime.fromtimestamp(ended_ms / 1000, dt.UTC)
        return [{column: _moved(value, later) for column, value in row.items()} for row in rows]

    def store(self, url: str) -> None:
        """Write the rows into their empty tables."""
        with psycopg.connect(plain_url(url)) as connection:
            for name, rows in self.tables.items():
                table = sql.Identifier(*name.split("."))
                for row in rows:
                    columns = sql.SQL(", ").join(map(sql.Identifier, row))
                    store = sql.SQL(
                        "INSERT INTO {0} ({1}) SELECT {1} FROM jsonb_populate_record(NULL::{0}, %s)"
                    ).format(table, columns)
                    connection.execute(store, (json.dumps(row),))


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    return [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]


def _moved(value: object, later: dt.timedelta) -> object:
    """A moment, in Unix milliseconds or as text, so much later; whatever else as it is."""
    if isinstance(value, int) and value > _MOMENTS_MS:
        return value + round(later.total_seconds() * 1000)
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return (dt.datetime.fromisoformat(value) + later).isoformat()
    return value


def _buy(stage: Stage, prompt: str) -> str:
    order = {"prompt": prompt, "model": "sora-2", "seconds": "4", "size": "720x1280"}
    answer = httpx2.post(f"{stage.sandbox.url}/videos", json=order, trust_env=False)
    return str(answer.raise_for_status().json()["id"])


# Recording


class _Standing(Worker):
    """A worker as an operator starts it, that finishes one video after the other."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, "-m", "spotloom", "worker", "--slots", "1")


async def record(stage: Stage) -> History:
    """Stop a worker dead in the middle of everything, and keep what it left."""
    stage.limit, stage.poll_s = JOBS, POLL_S
    asked = {"where": "poll", "fault": "word", "word": "pondering"}
    rules: list[dict[str, Any]] = [
        {"where": "create", "fault": "drop", "accepted": True, "calls": {"only": [1]}},
        {"where": "list", "fault": "status", "status": 405},
        {"where": "poll", "fault": "lost", "jobs": {"only": [2]}},
        asked | {"jobs": {"only": [3]}},
        {"where": "content", "fault": "status", "status": 503, "retryAfter": 60}
        | {"jobs": {"only": [5]}},
        {"where": "content", "fault": "slow", "seconds": 600, "jobs": {"only": [6]}},
    ]
    one_by_one = {"where": "create", "fault": "slow", "seconds": 0.3}
    stage.sandbox.misbehave(*rules, asked | {"jobs": {"only": [4, 5, 6, 7]}}, one_by_one)
    await stage.submit(stage.order(JOBS))
    worker = _Standing(stage)
    # In doubt and lost, with their slots held; the eighth is completed.
    ends = {"unknown": 1, "lost": 1, "completed": 1, "generating": 5}
    await until(lambda: stage.statuses() == ends, SOON_S)
    await until(lambda: stage.count(_STEPS, "hold") == 2, SOON_S)
    # Of the files, one is asked for again later, one is on its way, one waits for its turn.
    stage.sandbox.misbehave(*rules, asked | {"jobs": {"only": [4, 7]}})
    await until(lambda: stage.count(_STEPS, "collect") == 2, SOON_S)
    await until(lambda: stage.sandbox.struck("content"), SOON_S)
    stage.sandbox.misbehave(*rules, asked | {"jobs": {"only": [4]}})
    await until(lambda: stage.count(_ENQUEUED), SOON_S)
    with psycopg.connect(plain_url(stage.url)) as connection:
        connection.execute("LOCK TABLE dbos.workflow_status IN SHARE MODE")
        stage.sandbox.misbehave(*rules)
        await until(lambda: stage.count(_STEPS, "provider") == JOBS - 1, SOON_S)
        worker.kill()
    return _kept(stage)


_STEPS = "SELECT count(*) FROM dbos.operation_outputs WHERE function_name = %s"
_ENQUEUED = "SELECT count(*) FROM dbos.workflow_status WHERE status = 'ENQUEUED'"


def _kept(stage: Stage) -> History:
    names = [f"spotloom.{table}" for table in _OURS] + [f"dbos.{table}" for table in _ENGINES]
    tables = {}
    for name in names:
        rows = stage.query(f"SELECT to_jsonb(t) AS row FROM {name} t")  # noqa: S608 - our own words
        text = json.dumps([row["row"] for row in rows])
        tables[name] = json.loads(text.replace(f'"{socket.gethostname()}:', f'"{_HOST}:'))
    return History(database.HEAD, stage.lane.account, tables)


@contextmanager
def _server(home: Path) -> Iterator[str]:
    server = embedded.start(home)
    try:
        yield server.url
    finally:
        server.stop()


def main(name: str) -> None:
    """Record this code under that name."""
    with (
        tempfile.TemporaryDirectory(prefix="spotloom-recording-") as folder,
        data_home() as home,
        _server(home) as url,
        generating.scenery(url, instant_s=0.3) as scenery,
        scenery.stage(Path(folder)) as stage,
    ):
        history = asyncio.run(record(stage))
    FOLDER.mkdir(exist_ok=True)
    history.write(FOLDER / f"{name}.json")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A stage for durable work: a provider, a database, and workers to be killed."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from tests.integration import databases
from tests.integration.generating_provider import Sandbox, environment
from tests.integration.nursery import Forked

from spotloom import wiring
from spotloom.campaigns.submit import Batch, LaneKey, submit
from spotloom.campaigns.tenancy import LOCAL
from spotloom.creative.plan import Plan, plan
from spotloom.creative.status import TERMINAL, Status
from spotloom.forms import brief_to_data, load_vocabulary, parse_brief
from spotloom.generation import engine
from spotloom.providers.catalog import catalog
from spotloom.settings import Settings

PROVIDER = "openai-videos"
POLL_S = 0.1
# Deadlines are this many times as long: for the long runs on a machine that others use as well.
PATIENCE = float(os.environ.get("SPOTLOOM_FAULTS_PATIENCE", "1"))
TIMEOUT_S = 8.0  # of a call; after a crash, an order is looked for at least as long

_DIMENSIONS = {
    "funnelLevel": ["unaware", "problem-aware", "solution-aware", "product-aware", "most-aware"],
    "aesthetic": ["animated-2d", "ugc", "professional", "cinema"],
    "type": ["broll-visual-narrative", "storytime", "listicle", "skit"],
    "intention": ["educate", "entertain", "challenge-belief", "provide-value", "inspire"],
    "mood": ["wholesome", "intense", "shocking"],
    "audioStyle": ["music-light-upbeat", "music-tension", "music-inspirational"],
}

# Every change of state and progress, seen by the database itself.
AUDIT = """
CREATE TABLE public.seen (
  n bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), generation_id uuid,
  was text, became text, progress_was integer, progress integer, job_was text, job text);
CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
  INSERT INTO public.seen (generation_id, was, became, progress_was, progress, job_was, job)
  VALUES (new.id, old.status, new.status, old.progress, new.progress, old.provider_job_id,
          new.provider_job_id);
  RETURN new; END $$;
CREATE TRIGGER see AFTER UPDATE ON spotloom.generation FOR EACH ROW EXECUTE FUNCTION public.see();
"""


class Worker:
    """A worker in a process of its own, to be stopped, killed and continued."""

    def __init__(self, stage: "Stage", *program: str, **settings: str) -> None:
        self.log = stage.folder / f"worker-{uuid.uuid4().hex[:6]}.log"
        told = environment(**(stage.environment | settings))
        self.process: subprocess.Popen[bytes] | Forked
        if program or "LD_PRELOAD" in settings:  # which takes a fresh program
            program = program or (str(Path(__file__).with_name("generating_worker.py")),)
            with self.log.open("wb") as log:
                self.process = subprocess.Popen(
                    [sys.executable, *program], env=told, stdout=subprocess.PIPE, stderr=log
                )
        else:
            self.process = Forked(told, self.log, self.log.with_suffix(".ready"))
        stage.workers.append(self)

    pid = property(lambda self: self.process.pid)

    @property
    def ready(self) -> bool:
        """Whether it works; a program of its own is asked with `wait_ready`."""
        return not isinstance(self.process, Forked) or self.process.ready

    def wait_ready(self) -> Self:
        """Return once it works; fails with its last words when it does not."""
        if isinstance(self.process, Forked):
            while not self.process.ready and self.process.poll() is None:
                time.sleep(0.01)
            ready = self.process.ready
        else:
            assert self.process.stdout is not None
            ready = self.process.stdout.readline() == b"working\n"
        assert ready, self.log.read_text(errors="replace")[-3000:]
        return self

    def send(self, number: int) -> None:
        """Signal the process, if it is still ours to signal."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End it without a word, and bury it."""
        self.send(signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        self.kill()
        if not isinstance(self.process, Forked) and self.process.stdout is not None:
            self.process.stdout.close()

    async def ended(self, deadline_s: float) -> int:
        """Its exit status."""
        await until(lambda: self.process.poll() is not None, deadline_s)
        return self.process.wait()


async def until(condition: Any, deadline_s: float, *, every_s: float = 0.02) -> Any:
    """The condition's first true value; AssertionError after the deadline."""
    end = time.monotonic() + deadline_s * PATIENCE
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {deadline_s:g} s: {condition}"
        await asyncio.sleep(every_s)
    return value


@dataclass(kw_only=True)
class Stage:
    """One database, one provider and one data folder, for as many workers as a test wants."""

    url: str
    sandbox: Sandbox
    folder: Path
    limit: int = 4
    poll_s: float = POLL_S
    list_lag_s: float = 10.0
    dialect: str = "generic"
    workers: list[Worker] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {  # what a worker process is told
            "DATABASE_URL": self.url,
            "SORA_BASE_URL": self.sandbox.url,
            "SPOTLOOM_PROVIDER": PROVIDER,
            "SPOTLOOM_HOME": str(self.folder / "home"),
            "SPOTLOOM_POLL_SECONDS": str(self.poll_s),
            "SPOTLOOM_LIST_LAG_SECONDS": str(self.list_lag_s),
            "SPOTLOOM_MAX_CONCURRENT": str(self.limit),
            "SPOTLOOM_DIALECT": self.dialect,
            "SPOTLOOM_REQUEST_TIMEOUT_SECONDS": str(TIMEOUT_S),
        }

    @property
    def settings(self) -> Settings:
        return Settings(
            _env_file=None,
            DATABASE_URL=self.url,
            SORA_BASE_URL=self.sandbox.url,
            provider=PROVIDER,
            home=self.folder / "home",
            poll_seconds=self.poll_s,
            list_lag_seconds=self.list_lag_s,
            max_concurrent=self.limit,
            dialect=self.dialect,
            request_timeout_seconds=TIMEOUT_S,
        )

    @property
    def lane(self) -> LaneKey:
        """Where batches of this stage queue."""
        settings = self.settings
        account = str(settings.sora_base_url).partition("://")[2].rstrip("/")
        return LaneKey(provider=PROVIDER, account=account, slot_limit=self.limit)

    def order(self, videos: int, *, idea: str | None = None, **more: Any) -> "Planned":
        """A plan of that many videos, whose prompts no other plan has."""
        return order(videos, idea=idea, **more)

    def workspace(self) -> UUID:
        """Another workspace, which orders at the same account."""
        new = "INSERT INTO spotloom.workspace (id, name) VALUES (%s, 'x') RETURNING id"
        return UUID(str(self.query(new, uuid.uuid4())[0]["id"]))

    async def submit(
        self, planned: "Planned", *, key: str | None = None, workspace_id: UUID = LOCAL
    ) -> Batch:
        """Store the batch, as `make` does."""
        engine, sessions = wiring.database.connect(
            self.url, pool=1, role=wiring.database.Role.WORKER
        )
        try:
            async with sessions.begin() as session:
                return await submit(
                    session,
                    planned.plan,
                    batch_key=key or f"b-{uuid.uuid4().hex[:8]}",
                    brief=planned.written,
                    lane=self.lane,
                    workspace_id=workspace_id,
                )
        finally:
            await engine.dispose()

    @contextlib.asynccontextmanager
    async def working(self, *, finishes: int | None = None) -> AsyncIterator[None]:
        """A worker in this process, made as the product makes it."""
        settings = self.settings
        async with (
            wiring.opened(settings) as base,
            wiring.providers(settings, base.home, names={PROVIDER}) as using,
            wiring.worker_of(settings, base, using, finishes=finishes),
        ):
            yield

    def spawn(self, **settings: str) -> Worker:
        """A worker in a process of its own, not waited for."""
        return Worker(self, **settings)

    def query(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        """Rows of our tables, read by a stranger to our code."""
        with psycopg.connect(self.url, autocommit=True, row_factory=dict_row) as connection:
            return connection.execute(statement, arguments or None).fetchall()

    def count(self, statement: str, *arguments: Any) -> int:
        return int(next(iter(self.query(statement, *arguments)[0].values())))

    def statuses(self, batch: Batch | None = None) -> Counter[str]:
        """How many generations are in each state."""
        rows = self.query(
            "SELECT status, count(*) AS n FROM spotloom.generation"
            " WHERE %s::uuid IS NULL OR campaign_id = %s GROUP BY status",
            *(2 * [batch and batch.campaign_id]),
        )
        return Counter({row["status"]: row["n"] for row in rows})

    def videos(self) -> list[dict[str, Any]]:
        """Every generation with its prompt, in the order of the queue."""
        prompts = "SELECT *, request->>'prompt' AS prompt FROM spotloom.generation"
        return self.query(prompts + " ORDER BY position")

    def over(self, *, besides: Sequence[str] = ()) -> bool:
        """Whether every generation has ended, and no slot or workflow is left."""
        ended = {*TERMINAL, *besides, Status.UNKNOWN}
        return (
            set(self.statuses()) <= ended
            and not self.count("SELECT count(*) FROM spotloom.lane_slot")
            and not self.count(ALIVE)
        )

    async def finished(self, deadline_s: float) -> None:
        """Wait until everything has ended; tells where it stands when it does not."""
        end = time.monotonic() + deadline_s * PATIENCE
        while not self.over():
            if time.monotonic() > end:
                raise AssertionError(f"not over within {deadline_s:g} s: {self.told()}")
            await asyncio.sleep(0.1)

    def told(self) -> str:
        """Where everything stands, for whoever reads a failure."""
        open_ones = self.query(
            "SELECT id::text, status, admissions, admitted_at, sent_at, provider_job_id, error_text"
            " FROM spotloom.generation WHERE status NOT IN ('queued', 'completed') LIMIT 8"
        )
        workflows = self.query(
            "SELECT workflow_uuid, status, executor_id, queue_name FROM dbos.workflow_status"
            " WHERE status NOT IN ('SUCCESS', 'ERROR') LIMIT 8"
        )
        lanes = self.query("SELECT * FROM spotloom.lane")
        held = self.query("SELECT number, generation_id::text FROM spotloom.lane_slot")
        logs = [w.log.read_text(errors="replace")[-1500:] for w in self.workers]
        busy = self.query(
            "SELECT pid, application_name, state, wait_event_type, wait_event, xact_start,"
            " left(query, 120) AS query FROM pg_stat_activity WHERE datname = current_database()"
            " AND (state <> 'idle' OR wait_event_type = 'Lock')"
        )
        parts = [dict(self.statuses()), open_ones, workflows, lanes, held, busy, *logs]
        return "\n".join(str(part) for part in parts)

    def close(self) -> None:
        for worker in self.workers:
            worker.end()


ALIVE = "SELECT count(*) FROM dbos.workflow_status WHERE status IN ('PENDING','ENQUEUED','DELAYED')"


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and the brief as it was written."""

    plan: Plan
    written: dict[str, Any]

    @property
    def prompts(self) -> list[str]:
        return [request.prompt for request in self.plan.requests]


def order(videos: int, *, idea: str | None = None, **more: Any) -> Planned:
    """A plan of exactly that many videos of 4 seconds."""
    written = {
        "brand": "Tarn Audio",
        "bigIdea": idea or f"The headphones you mend with a coin, {uuid.uuid4().hex}.",
        "dimensions": _DIMENSIONS,
        "model": "sora-2",
        "duration": 4,
        "aspectRatio": "9:16",
        **more,
    }
    vocabulary, offers = load_vocabulary(None), catalog().capabilities(PROVIDER)
    brief = parse_brief(written, vocabulary=vocabulary, offers=offers)
    rate = next(o.rate for o in offers if o.model == brief.model)
    whole = plan(brief, vocabulary, rate=rate, cap=10_000)
    assert len(whole.requests) >= videos
    cut = replace(whole, combinations=whole.combinations[:videos], requests=whole.requests[:videos])
    assert len({request.prompt for request in cut.requests}) == videos
    return Planned(cut, brief_to_data(brief))


# Stages, made quickly


def furnish(url: str) -> None:
    """Give that empty database our tables, the engine's and the audit."""
    settings = Settings(_env_file=None, DATABASE_URL=url, SORA_BASE_URL="http://127.0.0.1:9/v1")
    # In a thread of its own, because a test may be running an event loop in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _furnish(settings)).result()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(AUDIT)


async def _furnish(settings: Settings) -> None:
    async with wiring.opened(settings) as base:
        engine.launch(base.url, executor="furnisher")
        await engine.stop()


@contextlib.contextmanager
def furnished(server_url: str) -> Iterator[str]:
    """The URL of a new database with all that a worker needs, dropped afterwards."""
    with databases.database(server_url, like=databases.template(server_url, furnish)) as url:
        yield url


@dataclass(frozen=True, slots=True)
class Scenery:
    """What the tests of a module share: a provider, and a server for their databases."""

    server_url: str
    sandbox: Sandbox

    @contextlib.contextmanager
    def stage(self, folder: Path, **more: Any) -> Iterator[Stage]:
        """A stage of its own: a database without rows, and a provider without a past."""
        self.sandbox.mark()
        with furnished(self.server_url) as url:
            stage = Stage(**{"url": url, "sandbox": self.sandbox, "folder": folder} | more)
            try:
                yield stage
            except BaseException:
                print(stage.told())  # noqa: T201 - pytest shows it beside the failure
                raise
            finally:
                stage.close()


@contextlib.contextmanager
def scenery(server_url: str, *, instant_s: float = 0.4) -> Iterator[Scenery]:
    """A provider beside that server, for as long as the context is open."""
    with (
        tempfile.TemporaryDirectory(prefix="spotloom-stage-") as folder,
        contextlib.closing(Sandbox(Path(folder) / "sandbox", instant_s=instant_s)) as sandbox,
    ):
        yield Scenery(server_url, sandbox)

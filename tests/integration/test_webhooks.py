"""A webhook is believed only as a nudge: signed, in time, once, and about a job of ours."""

import asyncio
import base64
import contextlib
import hmac
import json
import secrets
import signal
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import openai
import psycopg
import pytest
from pydantic import SecretStr
from tests.integration import generating
from tests.integration.command_line import Place
from tests.integration.generating import Stage, until
from tests.integration.generating_checks import assert_sound
from tests.integration.generating_provider import Sandbox

from spotloom import wiring
from spotloom.campaigns.database import Role, connect
from spotloom.errors import SetupError
from spotloom.wiring import serving

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
ROUTE = "/api/sora/webhook"


@pytest.fixture(scope="module")
def port() -> int:
    """Where webhooks are served: the provider must know it before the server is there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def scenery(
    database_url: str, port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[generating.Scenery]:
    """A provider that announces every end."""
    post = ["--webhook-url", f"http://127.0.0.1:{port}{ROUTE}", "--webhook-secret", SECRET]
    home = tmp_path_factory.mktemp("announcing") / "sandbox"
    with contextlib.closing(Sandbox(home, instant_s=0.6, more=post)) as sandbox:
        yield generating.Scenery(database_url, sandbox)


@pytest.fixture
def stage(scenery: generating.Scenery, tmp_path: Path) -> Iterator[Stage]:
    with scenery.stage(tmp_path) as one:
        yield one


@dataclass(kw_only=True)
class Event:
    """A webhook as a provider sends it, and every way to send it wrongly."""

    job: str = "video_of_a_stranger"
    id: str = field(default_factory=lambda: f"evt_{secrets.token_hex(8)}")
    body: bytes | None = None
    at: float = field(default_factory=time.time)
    key: bytes = KEY
    more: dict[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        told = {"id": self.id, "object": "event", "type": "video.completed"}
        return self.body or json.dumps(told | {"data": {"id": self.job}}).encode()

    @property
    def headers(self) -> dict[str, str]:
        signed = f"{self.id}.{int(self.at)}.".encode() + self.raw
        digest = base64.b64encode(hmac.digest(self.key, signed, sha256)).decode()
        return {
            "content-type": "application/json",
            "webhook-id": self.id,
            "webhook-timestamp": str(int(self.at)),
            "webhook-signature": f"v1,{digest}",
        } | self.more


class Door:
    """The served application, and what it tells our workers."""

    def __init__(self, url: str, client: httpx2.AsyncClient, told: list[str]) -> None:
        self.url, self.client, self.told = url, client, told

    async def send(self, event: Event) -> int:
        answer = await self.client.post(self.url + ROUTE, content=event.raw, headers=event.headers)
        return answer.status_code


@contextlib.asynccontextmanager
async def served(
    stage: Stage, *, port: int = 0, secret: str | None = SECRET, url: str | None = None
) -> AsyncIterator[Door]:
    """The product's own server over the stage's database, or over another."""
    settings = stage.settings.model_copy(
        update={"webhook_secret": None if secret is None else SecretStr(secret)}
    )
    told: list[str] = []
    engine, elsewhere = connect(url or stage.url, pool=5, role=Role.WORKER)
    async with wiring.opened(settings) as opened:
        base = replace(opened, sessions=elsewhere)
        async with (
            wiring.providers(settings, base.home, names={settings.provider}) as using,
            serving.served(settings, base, using, host="127.0.0.1", port=port) as serves,
            httpx2.AsyncClient(trust_env=False, timeout=20) as client,
            asyncio.TaskGroup() as group,
        ):
            listening = asyncio.Event()
            listener = group.create_task(_hear(stage.url, told, listening))
            await listening.wait()
            try:
                yield Door(serves.address, client, told)
            finally:
                listener.cancel()
    await engine.dispose()


async def _hear(url: str, told: list[str], listening: asyncio.Event) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("LISTEN spotloom_wake")
        listening.set()
        async for note in connection.notifies():
            told.append(note.payload)  # noqa: PERF401 - each is to be seen at once


async def ours(stage: Stage, job: str = "video_1") -> str:
    """A generation that the provider has as this job; nobody works on it."""
    await stage.submit(stage.order(1))
    rows = stage.query(
        "UPDATE spotloom.generation SET status = 'generating', provider_job_id = %s"
        " WHERE provider_job_id IS NULL RETURNING id::text",
        job,
    )
    return str(rows[0]["id"])


def everything(stage: Stage) -> list[Any]:
    tables = ("generation", "ledger", "lane", "lane_slot", "campaign", "webhook_event")
    return [stage.query(f"SELECT * FROM spotloom.{table} t ORDER BY t::text") for table in tables]  # noqa: S608 - our own words


async def quiet(stage: Stage, door: Door) -> None:
    """Return when everything that was told before has been heard."""
    mark = f"mark {secrets.token_hex(4)}"
    stage.query("SELECT pg_notify('spotloom_wake', %s)", mark)
    await until(lambda: mark in door.told, 10)
    door.told.remove(mark)


# One by one


async def test_a_webhook_in_order_wakes_the_poll_of_its_video_alone(stage: Stage) -> None:
    video, _ = await ours(stage, "video_1"), await ours(stage, "video_2")
    async with served(stage) as door:
        assert await door.send(Event(job="video_1")) == 204
        await quiet(stage, door)
        assert door.told == [video]


@pytest.mark.parametrize("secret", [SECRET, "plain words of ours"])
async def test_what_the_vendors_own_library_verifies_is_taken(stage: Stage, secret: str) -> None:
    await ours(stage)
    key = KEY if secret == SECRET else secret.encode()
    event = Event(job="video_1", key=key)
    with openai.OpenAI(api_key="unused", webhook_secret=secret) as vendor:
        vendor.webhooks.verify_signature(event.raw.decode(), event.headers)
    async with served(stage, secret=secret) as door:
        assert await door.send(event) == 204


async def test_twenty_copies_at_once_are_one_wake(stage: Stage) -> None:
    await ours(stage)
    event = Event(job="video_1")
    async with served(stage) as door:
        answers = await asyncio.gather(*(door.send(event) for _ in range(20)))
        assert set(answers) == {204}
        assert await door.send(Event(job="video_1")) == 204  # another event about the same job
        await quiet(stage, door)
        assert len(door.told) == 2
    assert stage.count("SELECT count(*) FROM spotloom.webhook_event") == 2


async def test_an_early_one_changes_nothing_and_may_come_again(stage: Stage) -> None:
    event = Event(job="video_1")
    async with served(stage) as door:
        assert await door.send(event) == 204
        video = await ours(stage)
        assert await door.send(event) == 204
        await quiet(stage, door)
        assert door.told == [video]


def strange() -> dict[str, tuple[Event, int]]:
    """Everything that is to change nothing, and how it is answered; each is signed now."""
    return {
        "a stranger's job": (Event(), 204),
        "another provider's words": (Event(body=b'{"type": "x.y", "data": {"id": "z"}}'), 204),
        "a wrong key": (Event(job="video_1", key=b"guessed"), 401),
        "too old": (Event(job="video_1", at=time.time() - 400), 401),
        "too new": (Event(job="video_1", at=time.time() + 400), 401),
        "no signature": (Event(job="video_1", more={"webhook-signature": ""}), 401),
        "another's body": (Event(job="video_1", more={"webhook-id": "evt_other"}), 401),
        "digits without end": (Event(job="video_1", more={"webhook-timestamp": "9" * 5000}), 401),
        "no JSON": (Event(body=b"\xff\xfe not json"), 422),
        "an empty object": (Event(body=b"{}"), 422),
        "a list": (Event(body=b"[1, 2]"), 422),
        "a number as id": (Event(body=b'{"type": "a", "data": {"id": 7}}'), 422),
        "an empty id": (Event(body=b'{"type": "a", "data": {"id": ""}}'), 422),
        "a NUL as id": (Event(body=b'{"type": "a", "data": {"id": "a\\u0000b"}}'), 422),
        "half a surrogate": (Event(body=b'{"type": "a", "data": {"id": "\\ud800"}}'), 422),
        "an id without end": (Event(job="v" * 60_000), 422),
        "nested without end": (Event(body=b"[" * 60_000), 422),
        "too large": (Event(body=b" " * 70_000), 413),
    }


async def test_what_is_wrong_is_refused_and_what_is_strange_changes_nothing(stage: Stage) -> None:
    await ours(stage)
    before, sent = everything(stage), strange()
    async with served(stage) as door:
        answers = {name: await door.send(event) for name, (event, _) in sent.items()}
        assert answers == {name: status for name, (_, status) in sent.items()}
        await quiet(stage, door)
        assert door.told == []
    assert everything(stage) == before


async def test_the_signature_decides_not_the_manner_of_sending(stage: Stage) -> None:
    await ours(stage)
    async with served(stage) as door:

        async def pieces(raw: bytes) -> AsyncIterator[bytes]:
            for n in range(0, len(raw), 10):
                yield raw[n : n + 10]

        for kind in ("text/plain", "multipart/form-data; boundary=x", "application/x-nonsense"):
            assert await door.send(Event(job="video_1", more={"content-type": kind})) == 204
        event = Event(job="video_1")
        answer = await door.client.post(
            door.url + ROUTE, content=pieces(event.raw), headers=event.headers
        )
        assert answer.status_code == 204
        for method, status in (("GET", 405), ("PUT", 405), ("DELETE", 405)):
            assert (await door.client.request(method, door.url + ROUTE)).status_code == status
        alike = door.url + "/api/webhooks/openai-videos"
        event = Event(job="video_1")
        assert (
            await door.client.post(alike, content=event.raw, headers=event.headers)
        ).status_code == 204
        unsigned = await door.client.post(door.url + ROUTE, content=b"{}")
        assert unsigned.status_code == 401
        assert unsigned.headers["content-type"] == "application/problem+json"
        assert unsigned.json()["type"] == "urn:spotloom:problem:sign-in"


async def test_a_sender_who_leaves_in_the_middle_does_no_harm(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(stage) as door:
        host, _, number = door.url.removeprefix("http://").partition(":")
        for _ in range(3):
            _, writer = await asyncio.open_connection(host, int(number))
            writer.write(
                f"POST {ROUTE} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{".encode()
            )
            await writer.drain()
            writer.transport.abort()
        assert await door.send(Event()) == 204
    assert [r for r in caplog.records if r.levelname in {"ERROR", "CRITICAL"}] == []


async def test_while_the_database_is_away_it_asks_to_send_again(stage: Stage) -> None:
    async with served(stage, url="postgresql://nobody@127.0.0.1:9/nothing") as door:
        assert await door.send(Event()) == 503
        assert (await door.client.get(door.url + "/healthz")).status_code == 200
        assert (await door.client.get(door.url + "/readyz")).status_code == 503


async def test_without_a_secret_none_is_taken_and_a_wrong_one_is_told_at_the_start(
    stage: Stage,
) -> None:
    async with served(stage, secret=None) as door:
        refused = await door.client.post(door.url + ROUTE, content=b"{}")
        assert refused.status_code == 503
        assert "SPOTLOOM_WEBHOOK_SECRET" in refused.json()["detail"]
    with pytest.raises(SetupError, match="SPOTLOOM_WEBHOOK_SECRET"):
        async with served(stage, secret="whsec_%%%"):
            pass


# With a provider that announces


@pytest.mark.faults
async def test_announcements_gone_wrong_harm_no_video(stage: Stage, port: int) -> None:
    stage.poll_s = 0.5
    where = {"where": "webhook"}
    stage.sandbox.misbehave(
        where | {"fault": "duplicate", "times": 20, "jobs": {"only": [1]}},
        where | {"fault": "early", "jobs": {"only": [2]}},
        where | {"fault": "reorder", "jobs": {"only": [3]}},
        where | {"fault": "drop", "jobs": {"only": [4]}},
        where | {"fault": "stale", "jobs": {"only": [5]}},
        where | {"fault": "bad-signature", "jobs": {"only": [6]}},
    )
    stage.limit = 8
    await stage.submit(stage.order(8))
    async with served(stage, port=port), stage.working():
        await stage.finished(25)
    await assert_sound(stage)
    assert stage.statuses() == {"completed": 8}


async def test_up_ends_a_video_at_its_webhook_and_stops_at_a_word(stage: Stage, port: int) -> None:
    stage.poll_s = 30
    settings = stage.environment | {"SPOTLOOM_WEBHOOK_SECRET": SECRET}
    place = Place(home=stage.folder / "home", cwd=stage.folder)
    process = place.start("up", "--port", str(port), **settings)
    try:
        assert process.stderr is not None
        said = await asyncio.to_thread(process.stderr.readline)
        assert f"Serving http://127.0.0.1:{port}" in said
        await stage.submit(stage.order(4))
        await stage.finished(20)  # less than one poll
        await assert_sound(stage)
        assert max(lateness(stage)) < 8  # a poll comes after 30
        with socket.create_connection(("127.0.0.1", port)) as slow:  # a body that never comes
            slow.sendall(f"POST {ROUTE} HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n".encode())
            process.send_signal(signal.SIGTERM)
            await until(lambda: process.poll() is not None, 8)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def lateness(stage: Stage) -> list[float]:
    """Seconds from each job's end at the provider until our tables knew."""
    ready = {
        row["provider_job_id"]: row["ready_at"].timestamp()
        for row in stage.query("SELECT provider_job_id, ready_at FROM spotloom.generation")
    }
    jobs = sqlite3.connect(f"file:{stage.sandbox.home / 'sandbox.sqlite'}?mode=ro", uri=True)
    with contextlib.closing(jobs):
        ends = dict(jobs.execute("SELECT id, completed_at FROM job"))
    return [at - ends[job] for job, at in ready.items()]


@pytest.mark.faults
async def test_an_order_in_doubt_is_recognised_when_its_job_announces_itself(
    stage: Stage, port: int
) -> None:
    stage.poll_s = 1
    stage.sandbox.misbehave(
        {"where": "create", "fault": "drop", "accepted": True, "calls": {"only": [1, 3]}},
        {"where": "list", "fault": "status", "status": 405},  # nobody can look them up
    )
    await stage.submit(stage.order(4))
    async with served(stage, port=port), stage.working():
        await until(lambda: stage.statuses() == {"completed": 4}, 20)
        await stage.finished(25)
    await assert_sound(stage)
    assert "unknown" in {row["became"] for row in stage.query("SELECT became FROM seen")}
    assert len(stage.sandbox.sold()) == 4

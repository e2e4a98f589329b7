"""Health, readiness and figures: who may ask, and whether the figures are the truth."""

import asyncio
import re

import httpx2
import psycopg
import pytest
from fastapi import FastAPI
from tests.integration import live_stage
from tests.integration.generating import order

from spotloom.auth import keys
from spotloom.auth.gate import Gate
from spotloom.auth.roles import Role
from spotloom.auth.sign_in import SignIn
from spotloom.campaigns import database, ids, submit
from spotloom.campaigns.tables import Workspace
from spotloom.errors import Permanent, Transient
from spotloom.media.store import Store
from spotloom.providers.measured import Measured, new_calls
from spotloom.providers.provider import Pending
from spotloom.web import edge, errors, operations

LANE = submit.LaneKey(provider="openai-videos", account="here", slot_limit=4)


class House:
    """An application with the routes of operations alone, over two workspaces."""

    def __init__(self, url, folder):
        self.url = url
        self.engines, roles = [], {}
        for role in database.Role:
            engine, roles[role] = database.connect(url, pool=4, role=role)
            self.engines.append(engine)
        self.worker, self.gates = roles[database.Role.WORKER], roles[database.Role.GATE]
        sign_in = SignIn(local=True, password_set=False, public_url="http://127.0.0.1")
        self.durations, self.calls = edge.new_durations(), new_calls()
        self.store = Store.open(str(folder))
        self.app = FastAPI()
        self.app.include_router(
            operations.router(
                worker=self.worker,
                web=roles[database.Role.WEB],
                gate=Gate(self.gates, sign_in),
                store=self.store,
                measured=[self.durations, self.calls],
            )
        )
        errors.install(self.app, page=lambda _request, _problem: None)
        edge.protect(self.app, hosts={"127.0.0.1"}, public_url=None, durations=self.durations)

    def client(self, address="127.0.0.1"):
        transport = httpx2.ASGITransport(app=self.app, client=(address, 5000))
        return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    async def workspace(self, name, videos):
        """A workspace with that many queued videos, and a key that may read its figures."""
        workspace_id, planned = ids.new(), order(videos)
        async with self.worker.begin() as session:
            session.add(Workspace(id=workspace_id, name=name))
            await session.flush()
            await submit.submit(
                session,
                planned.plan,
                batch_key=name,
                brief=planned.written,
                lane=LANE,
                workspace_id=workspace_id,
            )
        return workspace_id

    async def key(self, workspace_id, *scopes):
        wanted = keys.Wanted(name="k", role=Role.ADMIN, scopes=frozenset(["campaigns:read"]))
        async with self.gates.begin() as session:
            row, key = await keys.create(session, workspace_id, wanted, by="local")
            row.scopes = list(scopes)
        return key

    def run(self, statement, *arguments):
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement, arguments or None)


@pytest.fixture
async def house(database_url, tmp_path):
    with live_stage.ground(database_url) as ground:
        house = House(ground.url, tmp_path / "store")
        try:
            yield house
        finally:
            for engine in house.engines:
                await engine.dispose()


def figures(text):
    """Every sample by name and labels."""
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


async def test_a_house_in_order_is_alive_and_ready(house):
    async with house.client() as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        reply = await client.get("/readyz")
    assert reply.status_code == 200
    assert reply.json() == {
        "status": "ready",
        "checks": {"database": "ok", "store": "ok", "lanes": "ok"},
    }


async def test_what_is_wrong_is_named(house, tmp_path, fresh_database):
    await house.workspace("one", 1)
    async with house.client() as client:
        house.run("UPDATE spotloom.lane SET blocked = true")
        reply = await client.get("/readyz")
        assert reply.status_code == 200  # the pages on which a person mends it stay in reach
        assert reply.json()["checks"]["lanes"] == "ok, but 1 of 1 wait for a person"

        house.run("UPDATE spotloom.alembic_version SET version_num = '0000'")
        reply = await client.get("/readyz")
        assert reply.status_code == 503
        assert reply.json()["checks"]["database"] == "tables are of version 0000"

        (tmp_path / "store").rename(tmp_path / "elsewhere")
        reply = await client.get("/readyz")
        assert reply.json()["checks"]["store"] == "cannot be written"

        house.run("ALTER SCHEMA spotloom RENAME TO gone")
        reply = await client.get("/readyz")
        assert reply.status_code == 503
        assert set(reply.json()["checks"]) == {"database", "store", "lanes"}
        assert reply.json()["checks"]["lanes"].startswith("away (")
        assert "SELECT" not in reply.text  # strangers may ask
        assert (await client.get("/healthz")).status_code == 200


async def test_a_database_that_does_not_answer_is_told_in_time(house):
    await house.workspace("one", 1)
    with psycopg.connect(house.url) as blocker:
        blocker.execute("LOCK TABLE spotloom.lane IN ACCESS EXCLUSIVE MODE")
        async with house.client() as client, asyncio.timeout(24):
            reply = await client.get("/readyz")
    assert reply.status_code == 503
    assert reply.json()["checks"] == {
        "database": "ok",
        "store": "ok",
        "lanes": "no answer within 3 s",
    }


async def test_figures_are_for_this_machine_and_for_keys_made_for_them(house):
    one = await house.workspace("one", 1)
    good, bad = await house.key(one, "metrics"), await house.key(one, "campaigns:read")
    for headers in ({"X-Forwarded-For": "8.8.8.8"}, {"Forwarded": "for=8.8.8.8"}, {"Via": "1.1 p"}):
        async with house.client() as proxied:
            assert (await proxied.get("/metrics", headers=headers)).status_code == 401
    async with house.client("192.0.2.7") as away:
        assert (await away.get("/metrics")).status_code == 401
        for key, status in ((good, 200), (bad, 403), ("spk_" + "x" * 43, 401), ("", 401)):
            reply = await away.get("/metrics", headers={"Authorization": f"Bearer {key}"})
            assert reply.status_code == status
        assert (await away.get("/healthz")).status_code == 200
        assert (await away.get("/readyz")).status_code == 200


async def test_a_key_sees_the_figures_of_its_workspace_alone(house):
    one, _ = await house.workspace("one", 3), await house.workspace("two", 5)
    key = await house.key(one, "metrics")
    async with house.client("192.0.2.7") as away:
        told = figures(
            (await away.get("/metrics", headers={"Authorization": f"Bearer {key}"})).text
        )
    assert told['spotloom_generations{status="queued"}'] == 3
    assert told['spotloom_lane_waiting{account="here",provider="openai-videos"}'] == 3
    assert not [name for name in told if "http_request" in name]  # those are everybody's


async def test_the_figures_are_those_of_the_tables(house):
    await house.workspace("one", 3)
    await house.workspace("two", 5)
    house.run(
        "INSERT INTO spotloom.lane_slot (lane_id, number, generation_id)"
        " SELECT lane_id, 1, id FROM spotloom.generation ORDER BY id LIMIT 1"
    )
    house.run(
        "UPDATE spotloom.generation SET created_at = now() - interval '90 s',"
        " status = 'generating', admitted_at = now(),"
        " sent_at = now() - interval '3 s', accepted_at = now()"
        " WHERE id IN (SELECT generation_id FROM spotloom.lane_slot)"
    )
    house.run(
        "UPDATE spotloom.generation SET created_at = now() - interval '60 s'"
        " WHERE status = 'queued'"
    )
    house.run(
        "INSERT INTO spotloom.ledger (id, workspace_id, campaign_id, generation_id, kind, amount)"
        " SELECT gen_random_uuid(), workspace_id, campaign_id, id, 'settle', 1.5"
        " FROM spotloom.generation WHERE status = 'generating'"
    )
    async with house.client() as client:
        await client.get("/healthz")
        reply = await client.get("/metrics")
        told = figures(reply.text)
    assert reply.headers["content-type"].startswith("text/plain; version=")
    lane = 'account="here",provider="openai-videos"'
    assert told[f"spotloom_lane_limit{{{lane}}}"] == 8
    assert told[f"spotloom_lane_held{{{lane}}}"] == 1
    assert told[f"spotloom_lane_waiting{{{lane}}}"] == 7
    assert told[f"spotloom_lane_blocked{{{lane}}}"] == 0
    assert told['spotloom_generations{status="generating"}'] == 1
    assert told['spotloom_spend_usd{kind="actual"}'] == 1.5
    each = told['spotloom_spend_usd{kind="reserved"}'] / 7
    assert each > 0
    assert 59 < told['spotloom_queue_oldest_seconds{provider="openai-videos"}'] < 80
    phase = 'phase="accept",provider="openai-videos",quantile="0.5"'
    assert 2.9 < told[f"spotloom_generation_phase_seconds{{{phase}}}"] < 3.1
    assert told["spotloom_outbox_pending"] == 0
    assert told["spotloom_outbox_oldest_seconds"] == 0
    route = 'method="GET",route="/healthz",status="200"'
    assert told[f"spotloom_http_request_seconds_count{{{route}}}"] == 1
    assert re.search(r"^# TYPE spotloom_spend_usd gauge$", reply.text, re.MULTILINE)


class Moody:
    """A provider that does as it is told."""

    name, account = "openai-videos", "here"

    def __init__(self, *answers):
        self.answers = list(answers)

    async def poll(self, _job):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_calls_to_a_provider_are_timed_by_how_they_ended(house):
    moody = Moody(Pending(1), Pending(2), Transient("slow"), Permanent("no", code="x"), KeyError())
    measured = Measured(moody, house.calls)
    for _ in range(2):
        assert isinstance(await measured.poll("job"), Pending)
    for kind in (Transient, Permanent, KeyError):
        with pytest.raises(kind):
            await measured.poll("job")
    async with house.client() as client:
        told = figures((await client.get("/metrics")).text)
    counts = {
        outcome: told[
            f'spotloom_provider_call_seconds_count{{call="poll",outcome="{outcome}",provider="openai-videos"}}'
        ]
        for outcome in ("ok", "Transient", "Permanent", "fault")
    }
    assert counts == {"ok": 2, "Transient": 1, "Permanent": 1, "fault": 1}

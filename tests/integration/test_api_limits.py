"""Who asks too fast is told to wait, and everybody how much is left."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from tests.integration import api_stage, live_stage
from tests.integration.api_stage import UNHURRIED, Studio, brief
from tests.integration.live_stage import Ground

from spotloom.auth.roles import Role
from spotloom.web.limits import Buckets, Rate, Rates

SLOW = Rate(burst=3, a_second=0.001)


@pytest.fixture(scope="module")
def ground(database_url: str) -> Iterator[Ground]:
    with live_stage.ground(database_url) as one:
        yield one


@pytest.fixture
async def studio(ground: Ground, tmp_path: Path) -> AsyncIterator[Studio]:
    rates = Rates(address=UNHURRIED, actor=SLOW, spending=SLOW, media=SLOW)
    async with api_stage.studio(ground, tmp_path, rates=rates) as one:
        yield one


async def test_each_actor_has_a_limit_of_its_own(studio):
    client, other = await studio.client(), await studio.client()
    answers = [await client.get("/api/budget") for _ in range(5)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
    assert [a.headers["ratelimit"] for a in answers[:3]] == [
        f'"actor";r={left};t={until}' for left, until in ((2, 1000), (1, 2000), (0, 3000))
    ]
    refused = answers[-1]
    assert refused.headers["ratelimit-policy"] == '"actor";q=3;w=3000'
    assert int(refused.headers["retry-after"]) in range(990, 1003)
    assert refused.json()["type"] == "urn:spotloom:problem:too-fast"
    assert (await other.get("/api/budget")).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/members", 200),
        ("/api/invitations", 200),
        ("/api/keys", 200),
        ("/api/session", 200),
        ("/api/media/01900000-0000-7000-8000-000000000009", 404),
    ],
)
async def test_no_route_of_an_actor_is_without_a_limit(studio, path, status):
    client = await studio.client()
    answers = [await client.get(path) for _ in range(4)]
    assert [a.status_code for a in answers] == [status] * 3 + [429]


async def test_no_page_of_an_actor_is_without_a_limit(studio):
    editor = await studio.client(Role.EDITOR)
    made = await editor.post("/api/generate-batch", json={"formData": brief(1)})
    page = f"/campaigns/{made.json()['batchId']}"
    for path in ("/", "/new", "/queue", "/settings/budgets", page, f"{page}/review"):
        client = await studio.client()
        answers = [await client.get(path, headers={"accept": "text/html"}) for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429], path
        refused = answers[-1]
        assert refused.headers["content-type"].startswith("text/html")
        assert "Too many requests" in refused.text
        assert int(refused.headers["retry-after"]) > 900
        assert refused.headers["ratelimit"].startswith('"actor";r=0;')


async def test_what_people_do_with_their_sessions_has_a_limit(studio):
    person = await studio.client(None)
    person.headers["origin"] = api_stage.ADDRESS
    _, _, secret = (await studio.parts.gate.login_link()).partition("#")
    assert (await person.post("/auth/link", json={"secret": secret})).status_code == 200
    answers = [await person.get(f"/api/{what}") for what in ("sessions", "workspaces") * 2]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]


async def test_spending_has_a_limit_beside_looking(studio):
    client = await studio.client(Role.EDITOR)
    answers = [
        await client.post("/api/generate-batch", json={"formData": brief(1)}) for _ in range(5)
    ]
    assert Counter(a.status_code for a in answers) == {200: 3, 429: 2}
    assert (await client.get("/api/budget")).status_code == 200


async def test_an_address_has_a_limit_before_anybody_is_looked_up(ground, tmp_path):
    rates = Rates(address=SLOW, actor=UNHURRIED, spending=UNHURRIED)
    async with api_stage.studio(ground, tmp_path, rates=rates) as studio:
        nobody = await studio.client(None)
        answers = [await nobody.get("/api/budget") for _ in range(4)]
        assert [a.status_code for a in answers] == [401, 401, 401, 429]
        assert answers[0].headers["ratelimit"].startswith('"address";r=2;')
        assert answers[3].headers["content-type"] == "application/problem+json"
        for host, status in (("127.0.0.2", 401), ("2001:db8::1", 401)):
            assert [await _asked(studio, host)] == [status]
        # One customer has a whole /64 of addresses.
        network = [await _asked(studio, f"2001:db8::{n}") for n in range(2, 6)]
        assert network == [401, 401, 429, 429]


async def _asked(studio, host):
    transport = httpx2.ASGITransport(app=studio.app, client=(host, 1))
    async with httpx2.AsyncClient(transport=transport, base_url=api_stage.ADDRESS) as client:
        return (await client.get("/api/budget")).status_code


def test_the_longest_unused_bucket_is_forgotten_first():
    buckets = Buckets(policy="actor", rate=Rate(burst=1, a_second=0.001), most=2)
    for name in ("a", "b", "a", "c"):
        buckets.take(name)
    assert buckets.take("a").wait_s > 0
    assert buckets.take("b").wait_s == 0

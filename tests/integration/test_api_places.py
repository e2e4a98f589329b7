"""What the studio's home and settings ask: campaigns at a glance, providers, this installation."""

import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx2
import pytest
import pytest_asyncio
from tests.integration import api_stage, live_stage, sandbox_process
from tests.integration.api_stage import ADDRESS, Studio, brief

from spotloom.auth.roles import Role
from spotloom.campaigns import ids
from spotloom.campaigns.tenancy import LOCAL
from spotloom.providers.catalog import catalog
from spotloom.web.app import app
from spotloom.web.installation.providers import asked_of
from spotloom.web.parts import KnownProvider, ProviderSetting

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    with live_stage.ground(database_url) as ground:
        async with api_stage.studio(ground, tmp_path_factory.mktemp("store")) as one:
            yield one


@pytest.fixture
def studio(house: Studio) -> Studio:
    return house.elsewhere()


@pytest.fixture
def sandbox(tmp_path) -> Iterator[sandbox_process.Server]:
    server = sandbox_process.Server(tmp_path / "sandbox", *sandbox_process.INSTANT)
    yield server
    server.stop()


async def submitted(client, *counts):
    answer = await client.post("/api/generate-batch", json={"formData": brief(*counts)})
    assert answer.status_code == 200, answer.text
    return answer.json()["batchId"]


async def batches(client, **query):
    page = await client.get("/api/campaigns", params=query)
    assert page.status_code == 200, page.text
    return [item["batchId"] for item in page.json()["items"]]


def poster(studio, batch, key):
    """The video of that key is finished, with a poster."""
    studio.end(batch, "completed", key=key)
    asset = ids.new()
    studio.ground.run(
        "INSERT INTO spotloom.asset (id, workspace_id, generation_id, kind, uri, sha256, bytes,"
        " content_type, width, height)"
        " SELECT %s, g.workspace_id, g.id, 'poster', 'x', 'x', 1, 'image/webp', 72, 128"
        " FROM spotloom.generation g JOIN spotloom.combination k ON k.id = g.combination_id"
        " JOIN spotloom.campaign c ON c.id = g.campaign_id"
        " WHERE c.batch_key = %s AND k.key = %s AND g.workspace_id = %s",
        *(asset, batch, key, studio.workspace_id),
    )
    return f"/api/media/{asset}"


async def test_a_campaign_shows_its_first_posters_and_when_something_last_happened(studio):
    client = await studio.client(Role.EDITOR)
    batch = await submitted(client, 4, 2)
    listed = await client.get(f"/api/campaigns/{batch}/combinations")
    keys = [item["combinationId"] for item in listed.json()["items"]]
    fresh = (await client.get(f"/api/campaigns/{batch}")).json()
    assert fresh["posters"] == []
    # The order in which they were ready, not that of the matrix; six at most.
    ready = [keys[i] for i in (5, 0, 3, 1, 7, 2, 4)]
    urls = [poster(studio, batch, key) for key in ready]
    told = (await client.get("/api/campaigns")).json()["items"][0]
    assert [p["url"] for p in told["posters"]] == urls[:6]
    assert [p["combinationId"] for p in told["posters"]] == ready[:6]
    assert (told["posters"][0]["width"], told["posters"][0]["height"]) == (72, 128)
    assert told["lastActivity"] > fresh["lastActivity"] >= fresh["createdAt"]


async def test_campaigns_are_found_by_whether_they_move(studio):
    client = await studio.client(Role.EDITOR)
    over, moving = await submitted(client, 2), await submitted(client, 2)
    studio.end(over, "completed")
    assert await batches(client, running=True) == [moving]
    assert await batches(client, running=False) == [over]
    assert await batches(client) == [moving, over]


async def test_a_deleted_campaign_comes_back_whole(studio):
    client, admin = await studio.client(Role.EDITOR), await studio.client(Role.ADMIN)
    batch = await submitted(client, 2)
    await client.post(f"/api/batch/{batch}/cancel")
    before = (await client.get(f"/api/campaigns/{batch}")).json()
    address = f"/api/campaigns/{before['id']}/restore"
    assert (await admin.post(address)).status_code == 404
    assert (await admin.delete(f"/api/campaigns/{batch}")).status_code == 204
    assert await batches(client) == []
    assert (await client.post(address)).status_code == 403
    stranger = await studio.elsewhere().client(Role.ADMIN)
    assert (await stranger.post(address)).status_code == 404
    answer = await admin.post(address)
    assert answer.status_code == 200, answer.text
    assert answer.json() | {"version": 0} == before | {"version": 0}
    assert await batches(client) == [batch]
    log = (await admin.get("/api/audit")).json()["items"]
    assert [entry["action"] for entry in log[:2]] == ["campaign.restored", "campaign.deleted"]
    assert {entry["targetName"] for entry in log[:2]} == {batch}


async def test_the_log_says_who(studio):
    admin = await studio.client(Role.ADMIN)
    made = (await admin.post("/api/keys", json={"name": "nightly", "role": "viewer"})).json()
    entry = (await admin.get("/api/audit")).json()["items"][0]
    assert (entry["action"], entry["actorName"]) == ("key.made", "admin")
    assert (entry["target"], entry["targetName"]) == (f"key:{made['id']}", "nightly")


async def test_brands_are_told_with_what_they_had_and_cost(studio):
    client = await studio.client(Role.EDITOR)
    for brand, count in (("Zorn", 1), ("Äther", 2), ("Zorn", 2), ("Tarn Audio", 1)):
        asked = {"formData": brief(count) | {"brand": brand}}
        made = await client.post("/api/generate-batch", json=asked)
        assert made.status_code == 200, made.text
    batch = (await client.get("/api/campaigns", params={"text": "Tarn"})).json()["items"][0]
    studio.end(batch["batchId"], "completed")
    page = (await client.get("/api/brands", params={"limit": 2})).json()
    rest = (await client.get("/api/brands", params={"cursor": page["nextCursor"]})).json()
    told = {item["name"]: item for item in page["items"] + rest["items"]}
    assert list(told) == ["Tarn Audio", "Zorn", "Äther"]
    assert rest["nextCursor"] is None
    assert [told["Zorn"][key] for key in ("campaigns", "videos", "completed")] == [2, 3, 0]
    assert told["Tarn Audio"]["completed"] == 1
    stranger = await studio.elsewhere().client(Role.VIEWER)
    assert (await stranger.get("/api/brands")).json() == {"items": [], "nextCursor": None}
    wrong = await client.get("/api/brands", params={"cursor": "x"})
    assert wrong.status_code == 422


def known(address, *, adapter=True):
    """The two providers, the second at that address."""
    own = catalog().openai_videos("sandbox", base_url=address, api_key=None)
    settings = (
        ProviderSetting(name="SORA_BASE_URL", about="The address.", is_set=adapter, needed=True),
        ProviderSetting(name="SORA_API_KEY", about="Its key.", is_set=False),
    )
    other = catalog().openai_videos("openai-videos", base_url=address, api_key=None)
    return (
        KnownProvider(name="openai-videos", adapter=other if adapter else None, settings=settings),
        KnownProvider(name="sandbox", adapter=own),
    )


async def asking(studio, role, **more):
    """Somebody with a key, at an application with these parts."""
    transport = httpx2.ASGITransport(app=app(replace(studio.parts, **more)))
    key = await studio.key(role)
    return httpx2.AsyncClient(
        transport=transport, base_url=ADDRESS, headers={"Authorization": f"Bearer {key}"}
    )


async def test_providers_say_what_is_set_up_and_what_they_charge(studio):
    async with await asking(studio, Role.VIEWER, known=known(ADDRESS, adapter=False)) as viewer:
        told = (await viewer.get("/api/providers")).json()
        assert (await viewer.post("/api/providers/sandbox/test")).status_code == 403
    own, other = told["providers"]
    assert (own["name"], own["configured"], own["default"], own["charges"]) == (
        *("sandbox", True, True),
        False,
    )
    assert (other["configured"], other["default"], other["account"]) == (False, False, None)
    assert [s["isSet"] for s in other["settings"]] == [False, False]
    sora = next(model for model in other["models"] if model["model"] == "sora-2")
    assert (sora["perSecond"], sora["charges"], sora["priceAsOf"]) == (0.5, True, "2026-11-24")
    assert {"seller", "model", "resolution", "perSecond", "asOf", "source"} == set(
        told["prices"][0]
    )


async def test_a_provider_is_really_asked(studio, sandbox):
    async with await asking(studio, Role.ADMIN, known=known(f"{sandbox.url}/v1")) as admin:
        told = (await admin.post("/api/providers/sandbox/test")).json()
        assert told["well"], told
        assert told["says"].endswith(" answers.")
        assert (await admin.post("/api/providers/nobody/test")).status_code == 404
        sandbox.stop()
        gone = (await admin.post("/api/providers/openai-videos/test")).json()
        assert (gone["well"], gone["provider"]) == (False, "openai-videos")
        log = (await admin.get("/api/audit")).json()["items"]
    assert [(e["action"], e["detail"]) for e in log] == [
        ("provider.tested", {"well": False}),
        ("provider.tested", {"well": True}),
    ]
    assert sandbox.process.returncode is not None


async def test_a_provider_that_never_answers_is_given_up():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        _, own = known(f"http://127.0.0.1:{silent.getsockname()[1]}/v1")
        assert await asked_of(own, within_s=0.2) == (False, "No answer within 0.2 s.")


async def test_a_provider_that_is_not_set_up_says_what_to_set(studio):
    async with await asking(studio, Role.ADMIN, known=known(ADDRESS, adapter=False)) as admin:
        told = (await admin.post("/api/providers/openai-videos/test")).json()
    assert (told["well"], "SORA_BASE_URL" in told["says"]) == (False, True)


async def test_where_things_are_kept_is_for_those_who_run_it(studio):
    places = {"Data folder": "/srv/spotloom"}
    async with await asking(studio, Role.ADMIN, places=places) as admin:
        told = (await admin.get("/api/about")).json()
    assert (told["places"], told["signIn"]["password"]) == ([], True)
    studio.ground.workspace(LOCAL)
    home = replace(studio, workspace_id=LOCAL)
    async with await asking(home, Role.VIEWER, places=places) as viewer:
        assert (await viewer.get("/api/about")).json()["places"] == []
    async with await asking(home, Role.ADMIN, places=places) as admin:
        told = (await admin.get("/api/about")).json()
    assert told["places"] == [{"name": "Data folder", "where": "/srv/spotloom"}]
    assert told["version"] == app(studio.parts).version

"""Lists: pages without gap or double while rows change, filters, orders, and long ones streamed."""

import asyncio
import base64
import csv
import io
import json
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio
from tests.integration import api_stage, live_stage
from tests.integration.api_stage import Studio, brief

from spotloom.auth.roles import Role

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


async def submitted(studio, *counts, **more):
    client = await studio.client(Role.EDITOR)
    answer = await client.post("/api/generate-batch", json={"formData": brief(*counts, **more)})
    assert answer.status_code == 200, answer.text
    return client, answer.json()["batchId"]


async def everything(client, path, **query):
    """Every item of the list, page by page."""
    items, cursor = [], None
    while True:
        query |= {} if cursor is None else {"cursor": cursor}
        page = await client.get(path, params=query)
        assert page.status_code == 200, page.text
        items += page.json()["items"]
        cursor = page.json()["nextCursor"]
        if cursor is None:
            return items


async def test_pages_have_no_gap_and_no_double_while_rows_change(studio):
    client, batch = await submitted(studio, 5, 4, 3)
    path = f"/api/campaigns/{batch}/combinations"
    whole = [item["combinationId"] for item in await everything(client, path, limit=200)]
    assert len(set(whole)) == 60
    stop = asyncio.Event()
    changed = 0

    async def disturb():
        nonlocal changed
        for key in whole * 3:
            if stop.is_set():
                return
            await client.post(f"{path}/{key}/approve")
            studio.end(batch, "failed", key=key)
            changed += 1

    disturbing = asyncio.create_task(disturb())
    for order in ("asc", "desc"):
        seen = [i["combinationId"] for i in await everything(client, path, limit=7, order=order)]
        assert seen == (whole if order == "asc" else whole[::-1])
    stop.set()
    await disturbing
    assert changed > 5


async def test_a_campaign_that_arrives_shifts_no_page(studio):
    client = await studio.client(Role.EDITOR)
    for _ in range(5):
        await submitted(studio, 1)
    first = (await client.get("/api/campaigns", params={"limit": 2})).json()
    await submitted(studio, 1)
    rest = await everything(client, "/api/campaigns", limit=2, cursor=first["nextCursor"])
    ids = [c["id"] for c in first["items"] + rest]
    assert len(ids) == len(set(ids)) == 5


async def test_campaigns_are_found_by_state_and_by_words(studio):
    client, batch = await submitted(studio, 2, brand="Osprey Bikes")
    await submitted(studio, 2, brand="Tarn Audio")
    await client.post(f"/api/batch/{batch}/pause")
    for query in ({"state": "paused"}, {"text": "osprey"}):
        found = (await client.get("/api/campaigns", params=query)).json()["items"]
        assert [c["batchId"] for c in found] == [batch]
    assert found[0]["state"] == "paused"
    assert found[0]["counts"]["queued"] == found[0]["totalVideos"] == 2


async def test_combinations_are_filtered_and_sorted(studio):
    client, batch = await submitted(studio, 2, 3)
    path = f"/api/campaigns/{batch}/combinations"
    items = await everything(client, path)
    studio.end(batch, "failed", key=items[4]["combinationId"])
    await client.post(f"{path}/{items[1]['combinationId']}/reject", json={"reason": "too loud"})
    tag = {"If-Match": "*"}
    await client.patch(f"{path}/{items[2]['combinationId']}", json={"winner": True}, headers=tag)

    async def positions(**query):
        return [item["position"] for item in await everything(client, path, **query)]

    assert await positions(status="failed") == [4]
    assert await positions(status=["failed", "queued"], limit=4) == list(range(6))
    assert await positions(review="rejected") == [1]
    assert await positions(winner="true") == [2]
    assert await positions(option="aesthetic:ugc") == [1, 4]
    assert await positions(option=["aesthetic:ugc", "aesthetic:animated-2d"]) == [0, 1, 3, 4]
    assert await positions(option=["aesthetic:ugc", "funnelLevel:unaware"]) == [1]
    assert await positions(text=items[3]["combinationId"]) == [3]
    assert await positions(sort="status", limit=2) == [0, 1, 2, 3, 5, 4]
    assert (await positions(sort="updated", order="desc"))[:3] == [2, 1, 4]
    other = await client.get(path, params={"sort": "status", "limit": 2})
    wrong = await client.get(path, params={"sort": "cost", "cursor": other.json()["nextCursor"]})
    assert wrong.status_code == 422
    for query in ({"status": "gone"}, {"option": "ugc"}, {"sort": "size"}, {"winner": "perhaps"}):
        assert (await client.get(path, params=query)).status_code == 422


async def test_a_long_list_streams_as_lines_and_as_a_table(studio):
    client, batch = await submitted(studio, 5, 4, 3, 4, brand='=1+1, "quoted"')
    path = f"/api/campaigns/{batch}/combinations"
    whole = await everything(client, path, limit=200)
    lines = await client.get(path, headers={"accept": "application/x-ndjson"})
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in lines.text.splitlines()] == whole
    assert len(whole) == 240
    table = await client.get(path, headers={"accept": "text/csv, application/json;q=0.5"})
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    assert [row["combinationId"] for row in rows] == [c["combinationId"] for c in whole]
    assert [row["prompt"].removeprefix("'") for row in rows] == [c["prompt"] for c in whole]
    assert rows[0]["aesthetic"] == "animated-2d"
    few = await client.get(f"{path}?option=aesthetic:ugc", headers={"accept": "text/csv"})
    assert len(few.text.splitlines()) < len(table.text.splitlines())


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/*;q=0.9, application/json;q=0.1", "text/csv; charset=utf-8"),
        ("application/x-ndjson, */*;q=0.1", "application/x-ndjson"),
        ("application/json;q=0, application/x-ndjson", "application/x-ndjson"),
        ("image/png", None),
        ("*/*;q=0", None),
        (";;;,q", None),
    ],
)
async def test_the_client_gets_what_it_likes_best(studio, accept, kind):
    client, batch = await submitted(studio, 1)
    path = f"/api/campaigns/{batch}/combinations"
    answer = await client.get(path, headers={"accept": accept})
    assert answer.status_code == (406 if kind is None else 200)
    assert answer.headers["content-type"] == (kind or "application/problem+json")


async def test_the_audit_is_for_admins_page_by_page(studio):
    client, batch = await submitted(studio, 1)
    for _ in range(3):
        await client.post(f"/api/batch/{batch}/pause")
        await client.post(f"/api/batch/{batch}/resume")
    assert (await client.get("/api/audit")).status_code == 403
    entries = await everything(await studio.client(), "/api/audit", limit=2)
    assert [e["action"] for e in entries] == [
        *(["batch.resumed", "batch.paused"] * 3),
        "batch.submitted",
    ]
    assert entries[-1]["detail"]["videos"] == 1
    assert all(e["actor"].startswith("key:") for e in entries)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/api/brands", ["brands", "\0"]),
        ("/api/brands", ["brands", "\ud800"]),
        ("combinations?sort=cost", ["combinations", "cost", "ASC", "1e-20000", "0"]),
        ("combinations?sort=cost", ["combinations", "cost", "ASC", "\u0661", "0"]),
    ],
)
async def test_a_forged_cursor_is_the_askers_mistake(studio, path, words):
    client, batch = await submitted(studio, 2)
    cursor = base64.urlsafe_b64encode(json.dumps(words).encode()).decode().rstrip("=")
    place = path if path.startswith("/") else f"/api/campaigns/{batch}/{path}"
    answer = await client.get(httpx2.URL(place).copy_merge_params({"cursor": cursor}))
    assert answer.status_code == 422, answer.text
    assert [problem["field"] for problem in answer.json()["errors"]] == ["cursor"]


async def test_a_long_brand_of_any_script_is_no_end_of_the_list(studio):
    await submitted(studio, 1, brand="漢" * 80)
    client, _ = await submitted(studio, 1, brand="🎧" * 80)
    brands = await everything(client, "/api/brands", limit=1)
    assert [len(each["name"]) for each in brands] == [80, 80]

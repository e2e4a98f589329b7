"""The campaign's page: what the server puts into it is the moment from which its events go on."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.integration import api_stage, live_stage
from tests.integration.api_stage import Studio
from tests.integration.live_server import Cut, parts, served, watching
from tests.integration.live_stage import Ground

from spotloom.auth.roles import Role

BROWSER = {"accept": "text/html,*/*;q=0.8"}
COLUMNS = (
    *("status", "attempt", "progress", "error", "review", "winner", "version", "priority"),
    *("actual", "video", "poster", "sprite"),
)

NOBODYS = "01900000-0000-7000-8000-000000000009"  # one name in every test process


@pytest.fixture(scope="module")
def ground(database_url: str) -> Iterator[Ground]:
    with live_stage.ground(database_url) as one:
        yield one


@pytest.fixture
async def studio(ground: Ground, tmp_path: Path) -> AsyncIterator[Studio]:
    async with api_stage.studio(ground, tmp_path) as one:
        yield one


async def page_of(client, name):
    answer = await client.get(f"/campaigns/{name}", headers=BROWSER)
    assert answer.status_code == 200, answer.text
    return answer.text


def data(text):
    """What the page hands to its elements."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(found[1])


def live(row):
    return dict(zip(COLUMNS, row[3:], strict=True))


async def test_the_page_holds_every_video_as_the_api_tells_it(studio):
    client = await studio.client(Role.EDITOR)
    brief = api_stage.brief(3, 2)
    answer = await client.post("/api/generate-batch", json={"formData": brief})
    batch = answer.json()["batchId"]
    items = (await client.get(f"/api/campaigns/{batch}/combinations")).json()["items"]
    failed, finished = items[1]["combinationId"], items[2]["combinationId"]
    studio.end(batch, "failed", key=failed)
    studio.end(batch, "completed", key=finished)
    studio.ground.run(
        "UPDATE spotloom.generation g SET actual_cost = 4.25 FROM spotloom.combination k"
        " WHERE k.id = g.combination_id AND k.key = %s AND k.workspace_id = %s",
        *(finished, studio.workspace_id),
    )
    await client.post(f"/api/campaigns/{batch}/combinations/{finished}/approve")
    await client.post(
        f"/api/batch/{batch}/priority",
        json={"priority": "high", "combinations": [items[0]["combinationId"]]},
    )

    told = data(await page_of(client, batch))
    rows = told["videos"]
    labels = [each["label"] for each in told["dimensions"]]
    assert [row[0] for row in rows] == [item["combinationId"] for item in items]
    assert labels[:2] == ["Funnel Level", "Aesthetic"]
    for row, item in zip(rows, items, strict=True):
        chosen = [
            d["options"][place][0] for d, place in zip(told["dimensions"], row[1], strict=True)
        ]
        assert chosen == list(item["values"].values())
        assert row[2] == item["estimatedCost"]
    assert live(rows[0])["priority"] == 0
    assert live(rows[1])["status"] == "failed"
    assert live(rows[2]) | {"version": 0} == {
        **dict.fromkeys(COLUMNS),
        "status": "completed",
        "attempt": 1,
        "review": "approved",
        "winner": 0,
        "version": 0,
        "priority": 1,
        "actual": 4.25,
    }
    now = (await client.get(f"/api/batch/{batch}")).json()
    assert told["status"]["counts"] == now["counts"]
    assert told["status"]["spend"] == now["spend"]
    assert [lane["provider"] for lane in told["status"]["lanes"]] == [told["provider"]]


async def test_the_events_go_on_where_the_page_stopped(ground, tmp_path, wait_until_async):
    campaign = ground.campaign(4)
    async with parts(ground, tmp_path) as made, served(made, ground) as door:
        async with door.client() as client:
            told = data(await page_of(client, campaign.batch_id))
        moved = campaign.keys[2]
        ground.run(
            "UPDATE spotloom.generation SET status = 'generating', progress = 35 WHERE id = %s",
            campaign.generations[moved],
        )
        ground.tell(campaign)
        page = Cut(told["since"], {}, over=False)
        async with watching(door, campaign.batch_id, after=page) as watcher:
            await wait_until_async(lambda: watcher.names)
            assert watcher.names == ["delta"]
            assert list(watcher.videos) == [moved]
            assert watcher.videos[moved]["progress"] == 35


async def test_the_events_tell_the_cost_and_an_unusual_priority(ground, tmp_path, wait_until_async):
    campaign = ground.campaign(2)
    dear, plain = campaign.keys
    ground.run(
        "UPDATE spotloom.generation SET status = 'completed', actual_cost = 4.25, priority = 2"
        " WHERE id = %s",
        campaign.generations[dear],
    )
    async with (
        parts(ground, tmp_path) as made,
        served(made, ground) as door,
        watching(door, campaign.batch_id) as watcher,
    ):
        await wait_until_async(lambda: watcher.names)
        assert watcher.videos[dear]["actualCost"] == 4.25
        assert watcher.videos[dear]["priority"] == 2
        assert {"actualCost", "priority"}.isdisjoint(watcher.videos[plain])


async def test_the_page_names_an_option_that_the_vocabulary_has_no_more(studio):
    campaign = studio.ground.campaign(1, workspace_id=studio.workspace_id)
    studio.ground.run(
        "UPDATE spotloom.combination SET values = %s::jsonb WHERE campaign_id = %s",
        *('[["mood", "long-gone"], ["gone", "away"]]', campaign.id),
    )
    told = data(await page_of(await studio.client(Role.VIEWER), campaign.id))
    assert [(d["label"], d["options"]) for d in told["dimensions"]] == [
        ("Mood", [["long-gone", "long-gone"]]),
        ("gone", [["away", "away"]]),
    ]


async def test_a_brand_is_shown_as_it_is_written(studio):
    client = await studio.client(Role.EDITOR)
    brief = api_stage.brief(1, brand="<b>R&D</b> </script><script>alert(1)</script>")
    answer = await client.post("/api/generate-batch", json={"formData": brief})
    text = await page_of(client, answer.json()["batchId"])
    assert data(text)["brand"] == brief["brand"]
    assert "<script>alert" not in text
    assert "&lt;b&gt;R&amp;D&lt;/b&gt;" in text


@pytest.mark.parametrize("name", ["nothing-here", NOBODYS, "%00", "a" * 300])
async def test_what_is_not_there_is_a_page_that_says_so(studio, name):
    viewer = await studio.client(Role.VIEWER)
    answer = await viewer.get(f"/campaigns/{name}", headers=BROWSER)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


async def test_another_workspace_and_a_deleted_campaign_have_no_page(studio):
    other = studio.ground.campaign(1, workspace_id=studio.stranger())
    mine = studio.ground.campaign(1, workspace_id=studio.workspace_id)
    client = await studio.client(Role.ADMIN)
    assert (await client.get(f"/campaigns/{mine.id}", headers=BROWSER)).status_code == 200
    studio.ground.run("UPDATE spotloom.campaign SET deleted_at = now() WHERE id = %s", mine.id)
    for name in (other.id, other.batch_id, mine.id):
        answer = await client.get(f"/campaigns/{name}", headers=BROWSER)
        assert answer.status_code == 404


async def test_a_page_of_660_videos_is_small(studio):
    campaign = studio.ground.campaign(660, workspace_id=studio.workspace_id)
    client = await studio.client(Role.VIEWER)
    async with client.stream(
        "GET", f"/campaigns/{campaign.id}", headers=BROWSER | {"accept-encoding": "gzip"}
    ) as answer:
        sent = sum([len(block) async for block in answer.aiter_raw()])
    assert sent < 30_000  # of a first load of 250 kB


async def test_a_campaign_that_is_taken_off_the_list_ends_the_stream(
    ground, tmp_path, wait_until_async
):
    campaign = ground.campaign(2)
    async with (
        parts(ground, tmp_path) as made,
        served(made, ground) as door,
        watching(door, campaign.batch_id) as watcher,
    ):
        await wait_until_async(lambda: watcher.names == ["snapshot"])
        ground.run("UPDATE spotloom.campaign SET deleted_at = now() WHERE id = %s", campaign.id)
        ground.tell(campaign)
        await wait_until_async(lambda: watcher.ended)
        assert watcher.names == ["snapshot", "gone"]

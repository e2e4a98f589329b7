"""The review page as the server writes it: whose it is, what stands in it, and how much of it."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.integration import api_stage, live_stage
from tests.integration.api_stage import Studio, brief
from tests.integration.live_stage import Ground

from spotloom.auth.roles import Role
from spotloom.campaigns import ids

BROWSER = {"accept": "text/html"}


@pytest.fixture(scope="module")
def ground(database_url: str) -> Iterator[Ground]:
    with live_stage.ground(database_url) as one:
        yield one


@pytest.fixture
async def studio(ground: Ground, tmp_path: Path) -> AsyncIterator[Studio]:
    async with api_stage.studio(ground, tmp_path) as one:
        yield one


async def submitted(studio, *counts):
    client = await studio.client(Role.EDITOR)
    answer = await client.post("/api/generate-batch", json={"formData": brief(*counts)})
    assert answer.status_code == 200, answer.text
    return client, answer.json()["batchId"]


def finish(studio, batch, *, kinds=("video", "poster", "sprite")):
    """End the batch's videos with files, as a worker would."""
    studio.end(batch, "completed")
    rows = studio.ground.run(
        "SELECT g.id FROM spotloom.generation g JOIN spotloom.campaign c ON c.id = g.campaign_id"
        " WHERE c.batch_key = %s",
        batch,
    )
    for row in rows:
        for kind in kinds:
            studio.ground.run(
                "INSERT INTO spotloom.asset (id, workspace_id, generation_id, kind, uri, sha256,"
                " bytes, content_type, width, height, seconds)"
                " VALUES (%s, %s, %s, %s, %s, 'x', 1, 'video/mp4', 720, 1280, 10)",
                *(ids.new(), studio.workspace_id, row["id"], kind, f"{row['id']}/{kind}"),
            )


def data_of(answer):
    return json.loads(re.search(r'id="data">(.*?)</script>', answer.text, re.DOTALL)[1])


async def test_only_finished_videos_are_for_review(studio):
    client, batch = await submitted(studio, 2, 2)
    page = await client.get(f"/campaigns/{batch}/review", headers=BROWSER)
    assert page.status_code == 200
    assert "<title>0 of 0 reviewed · Tarn Audio · Spotloom</title>" in page.text
    assert (data_of(page)["videos"], data_of(page)["total"]) == ([], 4)
    finish(studio, batch, kinds=("poster",))  # a film that was lost is none to look at
    page = await client.get(f"/campaigns/{batch}/review", headers=BROWSER)
    assert data_of(page)["videos"] == []


async def test_what_was_said_stands_in_the_page_and_what_is_long_does_not(studio):
    client, batch = await submitted(studio, 2, 2)
    finish(studio, batch)
    listed = (await client.get(f"/api/campaigns/{batch}/combinations")).json()["items"]
    path = f"/api/campaigns/{batch}/combinations/{listed[1]['combinationId']}"
    await client.post(f"{path}/reject", json={"reason": "Off-brand"})
    page = await client.get(f"/campaigns/{batch}/review", headers=BROWSER)
    assert "<title>1 of 4 reviewed" in page.text
    told = data_of(page)
    now = (await client.get(path)).json()
    assert told["videos"][1] == {name: now[name] for name in told["videos"][1]} | {
        "files": {
            kind: {name: file[name] for name in ("url", "width", "height", "seconds")}
            for kind, file in now["files"].items()
        }
    }
    assert told["videos"][1]["rejectReason"] == "Off-brand"
    assert [each["combinationId"] for each in told["videos"]] == [
        each["combinationId"] for each in listed
    ]
    assert "prompt" not in told["videos"][0]
    assert told["labels"][0]["key"] == "funnelLevel"


async def test_the_largest_campaign_is_a_small_page(studio):
    client, batch = await submitted(studio, 5, 4, 3, 4, 2)  # 480, of which no page has all
    finish(studio, batch)
    page = await client.get(f"/campaigns/{batch}/review", headers=BROWSER)
    assert len(data_of(page)["videos"]) == 480
    packed = await client.get(
        f"/campaigns/{batch}/review", headers=BROWSER | {"accept-encoding": "gzip"}
    )
    assert int(packed.headers["content-length"]) < 60_000


async def test_a_stranger_finds_nothing_there(studio):
    _, batch = await submitted(studio, 1)
    stranger = await studio.elsewhere().client(Role.ADMIN)
    answer = await stranger.get(f"/campaigns/{batch}/review", headers=BROWSER)
    assert answer.status_code == 404
    assert "Tarn Audio" not in answer.text
    nobody = await studio.client(None)
    answer = await nobody.get(f"/campaigns/{batch}/review?show=winners", headers=BROWSER)
    assert answer.status_code == 303
    assert answer.headers["location"].endswith(f"%2Fcampaigns%2F{batch}%2Freview%3Fshow%3Dwinners")

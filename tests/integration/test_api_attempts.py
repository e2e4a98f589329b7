"""The attempts at a combination: every purchase of it, with its times and its money."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.integration import api_stage, live_stage
from tests.integration.api_stage import Studio
from tests.integration.live_stage import Ground

from spotloom.auth.roles import Role
from spotloom.campaigns import ids

LEDGER = (
    "INSERT INTO spotloom.ledger (id, workspace_id, campaign_id, generation_id, kind, amount)"
    " SELECT %s, workspace_id, campaign_id, id, %s, %s FROM spotloom.generation WHERE id = %s"
)


@pytest.fixture(scope="module")
def ground(database_url: str) -> Iterator[Ground]:
    with live_stage.ground(database_url) as one:
        yield one


@pytest.fixture
async def studio(ground: Ground, tmp_path: Path) -> AsyncIterator[Studio]:
    async with api_stage.studio(ground, tmp_path) as one:
        yield one


async def told(client, campaign, key):
    answer = await client.get(f"/api/campaigns/{campaign.batch_id}/combinations/{key}/attempts")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_a_video_that_waits_has_one_attempt_with_its_money_reserved(studio):
    campaign = studio.ground.campaign(2, workspace_id=studio.workspace_id)
    (only,) = await told(await studio.client(Role.VIEWER), campaign, campaign.keys[0])
    assert (only["attempt"], only["status"], only["charge"]) == (1, "queued", "reserved")
    assert only["estimatedCost"] > 0
    assert only["createdAt"]
    empty = ("admittedAt", "sentAt", "acceptedAt", "readyAt", "overAt", "error", "providerJobId")
    assert [only[name] for name in empty] == [None] * len(empty)
    assert only["files"] == {}


async def test_every_attempt_is_told_latest_first_with_what_became_of_it(studio):
    ground = studio.ground
    campaign = ground.campaign(1, workspace_id=studio.workspace_id)
    (key,) = campaign.keys
    first = campaign.generations[key]
    ground.run(
        "UPDATE spotloom.generation SET status = 'failed', provider_job_id = 'video_1',"
        " admitted_at = now(), sent_at = now(), accepted_at = now(), over_at = now(),"
        " error_code = 'server_overloaded', error_text = 'No room.' WHERE id = %s",
        first,
    )
    ground.run(LEDGER, ids.new(), "release", 0, first)
    second = ground.again(campaign, key)
    ground.run(LEDGER, ids.new(), "reserve", 5, second)
    ground.run(
        "UPDATE spotloom.generation SET status = 'completed', actual_cost = 4.25,"
        " provider_job_id = 'video_2', admitted_at = to_timestamp(0) WHERE id = %s",
        second,
    )
    ground.run(LEDGER, ids.new(), "settle", "4.25", second)
    asset = ids.new()
    ground.run(
        "INSERT INTO spotloom.asset (id, workspace_id, generation_id, kind, uri, sha256, bytes,"
        " content_type, width, height) VALUES (%s, %s, %s, 'poster', 'p', %s, 9, 'image/webp',"
        " 9, 16)",
        *(asset, studio.workspace_id, second, "0" * 64),
    )

    latest, earlier = await told(await studio.client(Role.VIEWER), campaign, key)
    assert (latest["attempt"], latest["charge"], latest["actualCost"]) == (2, "charged", 4.25)
    assert latest["files"]["poster"]["url"] == f"/api/media/{asset}"
    assert latest["admittedAt"] is None  # a person's decision put it to the front: no time of day
    assert (earlier["attempt"], earlier["charge"]) == (1, "none")
    assert earlier["error"] == {"code": "server_overloaded", "message": "No room."}
    assert earlier["providerJobId"] == "video_1"
    assert earlier["sentAt"] <= earlier["overAt"]


async def test_a_video_in_doubt_is_possibly_charged(studio):
    campaign = studio.ground.campaign(1, workspace_id=studio.workspace_id)
    (key,) = campaign.keys
    generation = campaign.generations[key]
    studio.ground.run("UPDATE spotloom.generation SET status = 'unknown' WHERE id = %s", generation)
    studio.ground.run(LEDGER, ids.new(), "unknown", 5, generation)
    (only,) = await told(await studio.client(Role.VIEWER), campaign, key)
    assert (only["status"], only["charge"]) == ("unknown", "unknown")


async def test_attempts_are_its_own_workspaces_alone(studio):
    campaign = studio.ground.campaign(1, workspace_id=studio.stranger())
    path = f"/api/campaigns/{campaign.batch_id}/combinations/{campaign.keys[0]}/attempts"
    assert (await (await studio.client(Role.ADMIN)).get(path)).status_code == 404
    assert (await (await studio.client(None)).get(path)).status_code == 401
    mine = studio.ground.campaign(1, workspace_id=studio.workspace_id)
    path = f"/api/campaigns/{mine.batch_id}/combinations/knosuchthing/attempts"
    assert (await (await studio.client(Role.VIEWER)).get(path)).status_code == 404

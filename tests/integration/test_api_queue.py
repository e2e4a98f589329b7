"""The queue as people see it: what holds the slots, and what starts next, in the true order."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from tests.integration import api_stage, live_stage
from tests.integration.api_stage import Studio, brief

from spotloom.auth.roles import Role
from spotloom.campaigns.tenancy import LOCAL
from spotloom.generation import lanes

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
    return answer.json()["batchId"]


async def lane_of(client, **query):
    (lane,) = (await client.get("/api/queue/status", params=query)).json()["lanes"]
    return lane


async def admit(studio, lane):
    # An account of its own: what other tests left there holds none of its slots.
    studio.ground.run(
        "UPDATE spotloom.lane SET account = id::text WHERE workspace_id = %s", studio.workspace_id
    )
    async with studio.parts.worker.begin() as session:
        return [str(each.generation_id) for each in await lanes.admit(session, lane["id"])]


def generations(studio):
    """Ids of generations by batch and combination."""
    rows = studio.ground.run(
        "SELECT c.batch_key, k.key, g.id FROM spotloom.generation g"
        " JOIN spotloom.combination k ON k.id = g.combination_id"
        " JOIN spotloom.campaign c ON c.id = g.campaign_id WHERE g.workspace_id = %s",
        studio.workspace_id,
    )
    return {(row["batch_key"], row["key"]): str(row["id"]) for row in rows}


async def test_what_is_said_to_start_next_is_what_the_lane_admits(studio):
    first = await submitted(studio, 3, 2)
    second = await submitted(studio, 2, 2)
    hurried = await submitted(studio, 2, priority="high")
    viewer = await studio.client(Role.VIEWER)
    before = await lane_of(viewer, ahead=100)
    assert (before["slots"], before["heldBack"], len(before["next"])) == ([], 0, 12)
    told = [video["batchId"] for video in before["next"]]
    # Priority first; then the campaigns in turns, whoever came first beginning.
    assert told == [hurried] * 2 + [first, second] * 4 + [first] * 2
    assert [video["place"] for video in before["next"]] == list(range(1, 13))
    assert {video["priority"] for video in before["next"][:2]} == {"high"}
    ids = generations(studio)
    expected = [ids[video["batchId"], video["combinationId"]] for video in before["next"]]
    assert set(await admit(studio, before)) == set(expected[:4])
    # Of equal priority, the campaign with fewest slots comes first, also after some are taken.
    lane = await lane_of(viewer, ahead=100)
    assert [slot["number"] for slot in lane["slots"]] == [1, 2, 3, 4]
    assert {slot["status"] for slot in lane["slots"]} == {"submitting"}
    held = {ids[slot["batchId"], slot["combinationId"]] for slot in lane["slots"]}
    assert held == set(expected[:4])
    assert [v["campaignHolds"] for v in lane["next"][:2]] == [1, 1]
    admin = await studio.client(Role.ADMIN)
    for limit in range(5, 13):
        lane = await lane_of(viewer, ahead=1)
        (announced,) = lane["next"]
        await admin.patch(f"/api/queue/lanes/{lane['id']}", json={"limit": limit})
        assert await admit(studio, lane) == [ids[announced["batchId"], announced["combinationId"]]]
    assert (await lane_of(viewer))["next"] == []


async def test_paused_campaigns_are_held_back_and_said_to_be(studio):
    batch = await submitted(studio, 3)
    editor = await studio.client(Role.EDITOR)
    await editor.post(f"/api/batch/{batch}/pause")
    lane = await lane_of(editor)
    assert (lane["next"], lane["waiting"], lane["heldBack"]) == ([], 3, 3)


async def test_a_slot_says_whose_it_is_and_a_stranger_sees_none_of_it(studio):
    batch = await submitted(studio, 2)
    viewer = await studio.client(Role.VIEWER)
    lane = await lane_of(viewer, ahead=0)
    assert lane["next"] == []
    await admit(studio, lane)
    slot, _ = (await lane_of(viewer))["slots"]
    assert (slot["batchId"], slot["brand"], slot["attempt"]) == (batch, "Tarn Audio", 1)
    assert slot["values"]["funnelLevel"] == "unaware"
    assert slot["since"]
    assert slot["progress"] is None
    stranger = await studio.elsewhere().client(Role.ADMIN)
    assert (await stranger.get("/api/queue/status")).json()["lanes"] == []


def share(*studios):
    """Give the lanes of these workspaces one account, which is nobody else's."""
    account = uuid.uuid4().hex
    for studio in studios:
        studio.ground.run(
            "UPDATE spotloom.lane SET account = %s WHERE workspace_id = %s",
            *(account, studio.workspace_id),
        )


async def test_no_workspace_raises_the_limit_of_the_others(studio):
    other = studio.elsewhere()
    for each in (studio, other):
        await submitted(each, 2)
    share(studio, other)
    admin = await studio.client(Role.ADMIN)
    path = f"/api/queue/lanes/{(await lane_of(admin))['id']}"
    for limit in (5, 50):
        refused = await admin.patch(path, json={"limit": limit})
        assert refused.status_code == 422
        (problem,) = refused.json()["errors"]
        assert (problem["field"], "from 0 to 4" in problem["message"]) == ("limit", True)
    assert (await lane_of(admin))["limit"] == 4
    for limit in (0, 3, 4):
        assert (await admin.patch(path, json={"limit": limit})).json()["limit"] == limit
    assert (await admin.patch(path, json={"startsAMinute": 9})).status_code == 200


async def test_who_runs_the_installation_raises_it_and_who_is_alone(studio):
    home = replace(studio, workspace_id=LOCAL)
    studio.ground.workspace(LOCAL)
    for each in (studio, home):
        await submitted(each, 2)
    share(studio, home)
    for each, status in ((home, 200), (studio, 422)):
        admin = await each.client(Role.ADMIN)
        lane = await lane_of(admin)
        answer = await admin.patch(f"/api/queue/lanes/{lane['id']}", json={"limit": 8})
        assert answer.status_code == status
    share(home)
    assert (await admin.patch(f"/api/queue/lanes/{lane['id']}", json={"limit": 8})).is_success


async def test_the_queue_says_how_many_slots_other_workspaces_hold(studio):
    other = studio.elsewhere()
    for each in (studio, other):
        await submitted(each, 3, 2)
    share(studio, other)
    viewer, theirs = await studio.client(Role.VIEWER), await other.client(Role.VIEWER)
    lane = await lane_of(viewer)
    assert (lane["accountLimit"], lane["othersHold"], lane["held"]) == (4, 0, 0)
    # Alone in wanting slots, they take all.
    studio.ground.run(
        "UPDATE spotloom.lane SET blocked = true WHERE workspace_id = %s", studio.workspace_id
    )
    async with studio.parts.worker.begin() as session:
        assert len(await lanes.admit(session, (await lane_of(theirs))["id"])) == 4
    lane = await lane_of(viewer)
    assert (lane["accountLimit"], lane["othersHold"], lane["held"]) == (4, 4, 0)
    assert (lane["slots"], lane["waiting"]) == ([], 6)
    lane = await lane_of(theirs)
    assert (lane["accountLimit"], lane["othersHold"], lane["held"]) == (4, 0, 4)

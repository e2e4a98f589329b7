"""Steering what runs: cancel, pause, retry, resolve, hurry, lanes, budgets, hooks; and by whom."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

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
    batch = answer.json()["batchId"]
    listed = await client.get(f"/api/campaigns/{batch}/combinations", params={"limit": 200})
    return client, batch, [item["combinationId"] for item in listed.json()["items"]]


async def counts(client, batch):
    told = (await client.get(f"/api/batch/{batch}")).json()
    return {status: n for status, n in told["counts"].items() if n}


async def test_a_batch_tells_how_far_it_is(studio):
    client, batch, keys = await submitted(studio, 2, 2, budget=100)
    studio.end(batch, "completed", key=keys[0])
    told = (await client.get(f"/api/batch/{batch}")).json()
    assert told["counts"] | {"completed": 1, "queued": 3} == told["counts"]
    assert (told["totalVideos"], told["over"], told["percent"]) == (4, 1, 25.0)
    assert told["spend"]["budget"] == 100.0
    assert told["spend"]["reserved"] == told["spend"]["committed"] == 20.0
    assert [lane["waiting"] for lane in told["lanes"]] == [3]
    by_id = await client.get(f"/api/batch/{told['campaignId']}")
    assert by_id.json()["batchId"] == batch


async def test_cancel_some_and_then_all(studio):
    client, batch, keys = await submitted(studio, 2, 2)
    answer = await client.post(f"/api/batch/{batch}/cancel", json={"combinations": keys[:1]})
    assert answer.json() == {"cancelled": 1, "askedToStop": 0}
    one = await client.post(f"/api/campaigns/{batch}/combinations/{keys[1]}/cancel")
    assert one.json() == {"cancelled": 1, "askedToStop": 0}
    unknown = await client.post(f"/api/batch/{batch}/cancel", json={"combinations": ["k"]})
    assert unknown.status_code == 404
    assert (await client.post(f"/api/batch/{batch}/cancel")).json()["cancelled"] == 2
    assert await counts(client, batch) == {"cancelled": 4}
    told = (await client.get(f"/api/batch/{batch}")).json()
    assert (told["state"], told["spend"]["committed"]) == ("cancelled", 0.0)
    paused = await client.post(f"/api/batch/{batch}/pause")
    assert paused.status_code == 409


async def test_pause_and_resume(studio):
    client, batch, _ = await submitted(studio, 2)
    for verb, state in (("pause", "paused"), ("pause", "paused"), ("resume", "active")):
        answer = await client.post(f"/api/batch/{batch}/{verb}")
        assert answer.json() == {"batchId": batch, "state": state}
        assert (await client.get(f"/api/batch/{batch}")).json()["state"] == state


async def test_a_retry_buys_again_within_the_budget_and_once(studio):
    client, batch, keys = await submitted(studio, 2, 2, budget=30)
    path = f"/api/campaigns/{batch}/combinations"
    early = await client.post(f"{path}/{keys[0]}/retry")
    assert (early.status_code, "queued" in early.json()["detail"]) == (409, True)
    studio.end(batch, "failed")
    answers = await asyncio.gather(*(client.post(f"{path}/{keys[0]}/retry") for _ in range(10)))
    assert Counter(a.status_code for a in answers) == {200: 1, 409: 9}
    assert await counts(client, batch) == {"failed": 3, "queued": 1}
    # 4 attempts and 1 more are reserved: 25 of 30 dollars.
    refused = await client.post(f"/api/batch/{batch}/retry-failed")
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:spotloom:problem:budget"
    some = {"combinations": keys[1:2]}
    key = {"Idempotency-Key": "once"}
    address = f"/api/batch/{batch}/retry-failed"
    first = await client.post(address, json=some, headers=key)
    again = await client.post(address, json=some, headers=key)
    assert first.json() == again.json() == {"queued": 1}
    assert again.headers["idempotency-replayed"] == "true"
    assert await counts(client, batch) == {"failed": 2, "queued": 2}


async def test_a_possibly_charged_video_waits_for_a_decision(studio):
    client, batch, keys = await submitted(studio, 2, 2)
    path = f"/api/batch/{batch}/combinations"
    none = await client.post(f"{path}/{keys[0]}/resolve", json={"decision": "give-up"})
    assert none.status_code == 409
    studio.end(batch, "unknown")
    nameless = await client.post(f"{path}/{keys[0]}/resolve", json={"decision": "paid"})
    assert nameless.status_code == 409
    for key, decision in zip(
        keys,
        (
            {"decision": "paid", "job": "video_1"},
            {"decision": "retry"},
            {"decision": "give-up"},
        ),
        strict=False,
    ):
        answer = await client.post(f"{path}/{key}/resolve", json=decision)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"combinationId": key, "decision": decision["decision"]}
    taken = await client.post(
        f"{path}/{keys[3]}/resolve", json={"decision": "paid", "job": "video_1"}
    )
    assert taken.status_code == 409
    assert await counts(client, batch) == {"generating": 1, "queued": 1, "lost": 1, "unknown": 1}


async def test_priority_moves_what_waits(studio):
    client, batch, keys = await submitted(studio, 2, 2)
    studio.end(batch, "failed", key=keys[0])
    answer = await client.post(f"/api/batch/{batch}/priority", json={"priority": "high"})
    assert answer.json() == {"moved": 3, "priority": "high"}
    wrong = await client.post(f"/api/batch/{batch}/priority", json={"priority": "urgent"})
    assert wrong.json()["errors"][0]["field"] == "priority"


async def test_lanes_are_for_admins_to_change(studio):
    client, _, _ = await submitted(studio, 2)
    queue = (await client.get("/api/queue/status")).json()
    assert (queue["held"], queue["waiting"], len(queue["lanes"])) == (0, 2, 1)
    lane = f"/api/queue/lanes/{queue['lanes'][0]['id']}"
    assert (await client.patch(lane, json={"limit": 8})).status_code == 403
    admin = await studio.client()
    edit = {"limit": 3, "startsAMinute": 30, "state": "paused"}
    told = (await admin.patch(lane, json=edit)).json()
    assert (told["limit"], told["startsAMinute"], told["blocked"]) == (3, 30, True)
    assert told["reason"] == "paused by admin"
    told = (await admin.patch(lane, json={"state": "open", "startsAMinute": 0})).json()
    assert (told["limit"], told["startsAMinute"], told["blocked"]) == (3, None, False)
    for wrong in ({"limit": -1}, {"limit": 1001}, {"limit": 1.5}, {"state": "shut"}):
        assert (await admin.patch(lane, json=wrong)).status_code == 422
    foreign = await studio.elsewhere().client()
    assert (await foreign.patch(lane, json={"limit": 1})).status_code == 404


async def test_budgets_are_for_admins_to_change(studio):
    editor, admin = await studio.client(Role.EDITOR), await studio.client()
    assert (await editor.patch("/api/budget", json={"budget": 1})).status_code == 403
    told = (await admin.patch("/api/budget", json={"budget": 99.5, "dailyBudget": 10})).json()
    assert (told["budget"], told["dailyBudget"]) == (99.5, 10.0)
    told = (await admin.patch("/api/budget", json={"budget": None})).json()
    assert (told["budget"], told["dailyBudget"]) == (None, 10.0)
    for wrong in (-1, -0.01, 10_000_001, 1.005, "5", True, [5]):
        answer = await admin.patch("/api/budget", json={"budget": wrong})
        assert answer.status_code == 422, wrong
        assert answer.json()["errors"][0]["field"] == "budget"
    assert (await editor.get("/api/budget")).json() == told


async def test_a_campaign_is_deleted_by_an_admin_when_nothing_runs(studio):
    client, batch, _ = await submitted(studio, 2)
    admin, address = await studio.client(), f"/api/campaigns/{batch}"
    assert (await client.delete(address)).status_code == 403
    assert (await admin.delete(address)).status_code == 409
    studio.end(batch, "completed")
    gone = await admin.delete(address)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await admin.get(address)).status_code == 404
    assert (await admin.delete(address)).status_code == 404
    assert (await admin.get("/api/campaigns")).json()["items"] == []
    assert (await admin.get("/api/budget")).json()["committed"] == 10.0


async def test_hooks_are_for_admins_and_tell_their_secret_once(studio):
    admin = await studio.client()
    ask = {"url": "https://studio.example/hooks", "events": ["batch.completed", "budget.reached"]}
    made = await admin.post("/api/hooks", json=ask)
    assert made.status_code == 201
    hook = made.json()
    assert hook["secret"].startswith("whsec_")
    listed = (await admin.get("/api/hooks")).json()["items"]
    assert [h["id"] for h in listed] == [hook["id"]]
    assert "secret" not in listed[0]
    address = f"/api/hooks/{hook['id']}"
    assert (await admin.patch(address, json={"enabled": False})).json()["enabled"] is False
    assert (await admin.patch(address, json={"enabled": True})).json()["events"] == ask["events"]
    client, batch, _ = await submitted(studio, 1)
    await client.post(f"/api/batch/{batch}/cancel")
    await client.post("/api/generate-batch", json={"formData": brief(2, budget=1)})
    told = (await admin.get(f"{address}/deliveries")).json()["items"]
    assert [d["kind"] for d in told] == ["budget.reached", "batch.completed"]
    again = await admin.post(f"/api/hooks/deliveries/{told[0]['id']}/redeliver")
    assert again.json() == {"id": told[0]["id"], "state": "pending"}
    foreign = await studio.elsewhere().client()
    assert (await foreign.get(f"{address}/deliveries")).status_code == 404
    assert (await foreign.delete(address)).status_code == 404
    redelivering = f"/api/hooks/deliveries/{told[0]['id']}/redeliver"
    assert (await foreign.post(redelivering)).status_code == 404
    for wrong in ({"url": "ftp://x.example"}, {"url": "https://a b/"}, {"events": []}):
        assert (await admin.post("/api/hooks", json=ask | wrong)).status_code == 422
    assert (await client.get("/api/hooks")).status_code == 403
    assert (await admin.delete(address)).status_code == 204
    assert (await admin.get("/api/hooks")).json() == {"items": []}


async def test_another_workspaces_campaign_is_not_there(studio):
    _, batch, keys = await submitted(studio, 2)
    (row,) = studio.ground.run(
        "SELECT id FROM spotloom.campaign WHERE workspace_id = %s", studio.workspace_id
    )
    stranger = await studio.elsewhere().client()
    for name in (batch, str(row["id"])):
        one = f"/api/campaigns/{name}/combinations/{keys[0]}"
        for method, path, body in (
            ("GET", f"/api/campaigns/{name}", None),
            ("DELETE", f"/api/campaigns/{name}", None),
            ("GET", f"/api/batch/{name}", None),
            ("GET", f"/api/campaigns/{name}/combinations", None),
            ("GET", one, None),
            ("PATCH", one, {"winner": True}),
            *[("POST", f"{one}/{verb}", None) for verb in ("approve", "reject", "retry", "cancel")],
            *[
                ("POST", f"/api/batch/{name}/{verb}", None)
                for verb in ("cancel", "pause", "resume", "retry-failed")
            ],
            ("POST", f"/api/batch/{name}/priority", {"priority": "high"}),
            (
                "POST",
                f"/api/batch/{name}/combinations/{keys[0]}/resolve",
                {"decision": "give-up"},
            ),
        ):
            headers = {"If-Match": "*"}
            answer = await stranger.request(method, path, json=body, headers=headers)
            assert answer.status_code == 404, (method, path, answer.text)
    assert (await stranger.get("/api/campaigns")).json()["items"] == []
    assert (await stranger.get("/api/queue/status")).json()["lanes"] == []
    assert (await stranger.get("/api/audit")).json()["items"] == []
    same = await stranger.post("/api/generate-batch", json={"formData": brief(1), "batchId": batch})
    assert same.status_code == 200  # batch ids are each workspace's own

"""The settings page's questions, and Notion's webhooks, over the whole web application."""

import asyncio
import json
import uuid
from dataclasses import replace

import pytest
from tests.integration import api_stage, live_stage, notion_stage
from tests.integration.notion_peer import running

from spotloom.auth.roles import Role
from spotloom.campaigns.tenancy import LOCAL
from spotloom.notion.webhooks import SIGNATURE, signed
from spotloom.web.app import app

WEBHOOK = "/api/webhooks/notion"


@pytest.fixture(scope="module")
def ground(database_url):
    with live_stage.ground(database_url) as one:
        yield one


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    with running.running(tmp_path_factory.mktemp("notion")) as one:
        yield one


@pytest.fixture
async def both(ground, peer, tmp_path):
    """The studio and the mirror, of the installation's own workspace."""
    async with (
        api_stage.studio(ground, tmp_path) as studio,
        notion_stage.stage(ground, peer) as one,
    ):
        ground.workspace(LOCAL)
        stage = replace(one, workspace_id=LOCAL)
        parts = replace(studio.parts, notion=stage.desk)
        yield replace(studio, parts=parts, app=app(parts), workspace_id=LOCAL), stage


async def test_setting_up_and_watching(both, peer, wait_until_async):
    studio, stage = both
    admin = await studio.client()
    before = (await admin.get("/api/notion")).json()
    assert (before["keySet"], before["connection"], before["pages"]) == (True, None, None)
    assert "1,000 blocks" in before["limits"]
    assert before["webhookUrl"].endswith(WEBHOOK)
    done = await admin.post("/api/notion/setup", json={"page": f"{peer.url}/Videos-{peer.home}"})
    assert done.status_code == 200, done.text
    assert done.json()["done"][0].startswith("Made the database")
    batch = (
        await admin.post(
            "/api/generate-batch", json={"formData": api_stage.brief(2), "batchId": "spring"}
        )
    ).json()
    assert batch["status"] == "queued"
    waiting = (await admin.get("/api/notion")).json()["pages"]
    assert (waiting["pending"], waiting["upToDate"]) == (2, 0)
    async with stage.mirroring():
        await wait_until_async(lambda: not stage.untold(), 120)
    told = (await admin.get("/api/notion/batches/spring")).json()
    assert (told["upToDate"], told["pending"], told["blockedPages"]) == (2, 0, [])
    rows = (await admin.get("/api/campaigns/spring/combinations")).json()["items"]
    assert {row["notionPageId"] for row in rows} == {p["id"] for (p,) in stage.pages().values()}
    best, anyhow = {"notes": "The best one."}, {"If-Match": "*"}
    note = f"/api/campaigns/spring/combinations/{rows[0]['combinationId']}"
    assert (await admin.patch(note, json=best, headers=anyhow)).status_code == 200
    for where in ("/api/notion/batches/spring", "/api/notion"):
        told = (await admin.get(where)).json()
        told = told.get("pages", told)
        assert (told["upToDate"], told["pending"]) == (1, 1)
    again = await admin.post("/api/notion/resync", json={"batchId": "spring"})
    assert again.json() == {"videos": 2}
    assert (await admin.delete("/api/notion")).status_code == 204
    assert (await admin.get("/api/notion")).json()["connection"] is None
    assert (await admin.get("/api/notion/batches/spring")).json()["upToDate"] == 0
    assert (await admin.post("/api/notion/resync")).status_code == 409
    # The same database again, whose pages are there already.
    again = await admin.post("/api/notion/setup", json={"database": done.json()["databaseId"]})
    assert again.status_code == 200, again.text
    async with stage.mirroring():
        await wait_until_async(lambda: not stage.untold(), 120)
    assert (await admin.get("/api/notion/batches/spring")).json()["upToDate"] == 2
    assert len(stage.pages()) == 2


async def test_who_may_set_up(both, peer):
    studio, _ = both
    for role, status in ((Role.VIEWER, 403), (Role.EDITOR, 403), (None, 401)):
        client = await studio.client(role)
        assert (await client.post("/api/notion/setup", json={})).status_code == status
        assert (await client.post("/api/notion/pairing")).status_code == status
        assert (await client.post("/api/notion/pairing/token")).status_code == status
        assert (await client.delete("/api/notion")).status_code == status
    viewer = await studio.client(Role.VIEWER)
    assert (await viewer.get("/api/notion")).status_code == 200
    assert (await viewer.post("/api/notion/resync")).status_code == 403


def made(peer):
    """How many databases Notion was asked to make."""
    return peer.ledger()["byKind"].get("createDatabase", 0)


async def test_another_workspace_does_not_take_the_connection(both, peer):
    studio, stage = both
    other = studio.elsewhere()
    stranger = await other.client(Role.ADMIN)
    asked = peer.count()
    for body in ({}, {"page": peer.home}, {"database": uuid.uuid4().hex}):
        refused = await stranger.post("/api/notion/setup", json=body)
        assert refused.status_code == 403
        assert "spotloom notion setup --workspace" in refused.json()["detail"]
    assert peer.count() == asked
    # What its operator has connected it to, it may have checked again, and nothing else.
    await replace(stage, workspace_id=other.workspace_id).connect()
    assert (await stranger.post("/api/notion/setup", json={})).status_code == 200
    refused = await stranger.post("/api/notion/setup", json={"page": peer.home})
    assert refused.status_code == 403


async def test_a_setup_sent_again_makes_one_database(both, peer):
    studio, _ = both
    admin = await studio.client()
    before, body = made(peer), {"page": f"{peer.url}/Videos-{peer.home}"}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = await admin.post("/api/notion/setup", json=body, headers=key)
    again = await admin.post("/api/notion/setup", json=body, headers=key)
    assert (first.status_code, again.text) == (200, first.text)
    assert again.headers["idempotency-replayed"] == "true"
    # Its answer was lost, and a person presses again.
    pressed = await admin.post("/api/notion/setup", json=body)
    assert pressed.json()["databaseId"] == first.json()["databaseId"]
    assert made(peer) == before + 1
    log = (await admin.get("/api/audit")).json()["items"]
    assert [entry["action"] for entry in log[:2]] == ["notion.connected"] * 2


async def test_two_setups_at_once_make_one_database(both, peer):
    studio, _ = both
    admin = await studio.client()
    before, body = made(peer), {"page": peer.home}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    answers = await asyncio.gather(
        *(admin.post("/api/notion/setup", json=body, headers=more) for more in ({}, key, key))
    )
    assert 200 in {answer.status_code for answer in answers} <= {200, 409}
    assert made(peer) == before + 1
    assert (await admin.post("/api/notion/setup", json={})).status_code == 200


async def test_what_is_wrong_is_said_beside_its_field(both):
    studio, _ = both
    admin = await studio.client()
    for body, field in (
        ({}, "page"),
        ({"page": "https://www.notion.so/there-is-no-id-in-this-link"}, "page"),
        ({"database": "x" * 40}, "database"),
        ({"page": "a" * 32, "database": "b" * 32}, "body"),
    ):
        answer = await admin.post("/api/notion/setup", json=body)
        assert answer.status_code == 422, answer.text
        assert [each["field"] for each in answer.json()["errors"]] == [field]
    gone = await admin.post("/api/notion/setup", json={"database": uuid.uuid4().hex})
    assert gone.status_code == 409
    assert "Could not find" in gone.json()["detail"]


async def test_without_a_key_it_says_so(both):
    studio, _ = both
    keyless = replace(studio, app=app(replace(studio.parts, notion=None)))
    admin = await keyless.client()
    assert (await admin.get("/api/notion")).json()["keySet"] is False
    refused = await admin.post("/api/notion/setup", json={})
    assert (refused.status_code, "NOTION_API_KEY" in refused.json()["detail"]) == (409, True)


async def test_a_token_is_taken_while_an_admin_waits_for_it_and_never_else(both):
    studio, stage = both
    await stage.connect()
    nobody, admin = await studio.client(None), await studio.client()
    pairing = {"verification_token": "secret_1"}
    assert (await nobody.post(WEBHOOK, json=pairing)).status_code == 403
    opened = await admin.post("/api/notion/pairing")
    assert opened.json()["webhookUrl"].endswith(WEBHOOK)
    assert (await nobody.post(WEBHOOK, json=pairing)).status_code == 204
    late = {"verification_token": "secret_2"}
    assert (await nobody.post(WEBHOOK, json=late)).status_code == 403
    assert (await admin.get("/api/notion")).json()["connection"]["paired"] is True
    (row,) = stage.run("SELECT webhook_token FROM spotloom.mirror")
    assert row["webhook_token"] == "secret_1"
    assert "secret" not in (await admin.get("/api/notion")).text


async def test_the_token_is_shown_once_to_the_admin_who_opened_the_pairing(both):
    """Notion sends nothing before a person has given it the token back."""
    studio, stage = both
    await stage.connect()
    nobody, admin, another = [await studio.client(role) for role in (None, Role.ADMIN, Role.ADMIN)]
    token = "/api/notion/pairing/token"
    assert (await admin.post(token)).status_code == 409
    await admin.post("/api/notion/pairing")
    assert (await admin.post(token)).status_code == 409
    await nobody.post(WEBHOOK, json={"verification_token": "secret_1"})
    assert (await admin.get("/api/notion")).json()["connection"]["tokenCame"] is True
    editor = await studio.client(Role.EDITOR)
    assert [(await who.post(token)).status_code for who in (editor, another)] == [403, 409]
    assert (await admin.post(token)).json() == {"verificationToken": "secret_1"}
    assert (await admin.post(token)).status_code == 409
    assert (await admin.get("/api/notion")).json()["connection"]["tokenCame"] is False
    (row,) = stage.run(
        "SELECT count(*) AS n FROM spotloom.audit WHERE detail::text LIKE '%%secret_1%%'"
    )
    assert row["n"] == 0


async def test_a_signed_webhook_has_its_page_read_and_others_change_nothing(both, wait_until_async):
    studio, stage = both
    await stage.connect()
    batch = await stage.batch(1)
    async with stage.mirroring(poll_s=600, trash_s=600):
        await wait_until_async(lambda: not stage.untold(), 120)
    (row,) = stage.outbox()
    stage.run("UPDATE spotloom.mirror SET webhook_token = 'secret_1'")
    nobody = await studio.client(None)

    async def send(*, key="secret_1", name="e1", kind="page.properties_updated", by="someone"):
        event = {"id": name, "type": kind, "entity": {"id": row["page_id"], "type": "page"}}
        body = json.dumps(event | {"authors": [{"id": by, "type": "person"}]}).encode()
        answer = await nobody.post(WEBHOOK, content=body, headers={SIGNATURE: signed(body, key)})
        return answer.status_code, stage.untold()

    (bot,) = stage.run("SELECT bot_id FROM spotloom.mirror")
    assert await send(key="secret_2") == (403, 0)
    assert await send(by=bot["bot_id"]) == (204, 0)
    assert await send(kind="comment.created") == (204, 0)
    assert await send() == (204, 1)
    assert await send() == (204, 1)  # doubled
    assert (await nobody.post(WEBHOOK, content=b"{}")).status_code == 403
    stage.peer.edit(row["page_id"], {"Winner": {"checkbox": True}})
    async with stage.mirroring(poll_s=600, trash_s=600):
        await wait_until_async(lambda: not stage.untold(), 120)
    assert (await stage.video(batch, row["key"])).winner is True


async def test_another_workspace_sees_nothing_of_it_and_cannot_take_it(both, peer):
    studio, stage = both
    await stage.connect()
    await stage.batch(1, key="ours")
    stranger = await studio.client(workspace_id=studio.stranger())
    told = (await stranger.get("/api/notion")).json()
    assert (told["connection"], told["pages"]) == (None, None)
    assert (await stranger.delete("/api/notion")).status_code == 404
    assert (await stranger.post("/api/notion/pairing")).status_code == 404
    assert (await stranger.get("/api/notion/batches/ours")).status_code == 404
    taken = await stranger.post("/api/notion/setup", json={"page": peer.home})
    assert taken.status_code == 403
    assert stage.run("SELECT workspace_id FROM spotloom.mirror") == [
        {"workspace_id": stage.workspace_id}
    ]

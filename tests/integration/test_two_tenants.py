"""Every route, with every id of another workspace: none of it is there, and nothing of it moves."""

import datetime as dt
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import httpx2
import pytest
from tests.integration import live_stage, signing_in
from tests.integration.generating_provider import ROOT
from tests.integration.live_stage import Campaign, Ground
from tests.integration.signing_in import House

from spotloom.auth import tables as _auth_tables  # noqa: F401 - its tables join the metadata
from spotloom.campaigns import ids
from spotloom.campaigns.submit import LOCAL
from spotloom.campaigns.tables import Table
from spotloom.web import pages as studio
from spotloom.web.pages.settings import SECTIONS

B = UUID("0190ffff-0000-7000-8000-00000000000b")
MARK = "the-other-workspace"  # stands in everything of B's that has words

# No one's: they let people in, say that we live, or take what is signed.
PUBLIC = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/auth/clerk",
    "/auth/invitations",
    "/auth/link",
    "/auth/oidc",
    "/auth/oidc/callback",
    "/auth/password",
    "/api/sora/webhook",
    "/api/webhooks/openai-videos",
    "/api/webhooks/clerk",
    "/api/webhooks/notion",
}
# They change what is the asker's own, and end the session that the walk needs.
OWN = {
    ("delete", "/api/session"),
    ("delete", "/api/sessions"),
    ("put", "/api/session/password"),
    ("post", "/api/generate-batch"),
    ("post", "/api/plan"),
    ("post", "/api/brief/read"),
    ("post", "/api/brief/write"),
    ("post", "/api/templates"),
    ("post", "/api/hooks"),
    ("post", "/api/keys"),
    ("post", "/api/invitations"),
    ("patch", "/api/budget"),
    ("delete", "/api/notion"),
    ("post", "/api/notion/setup"),
    ("post", "/api/notion/pairing"),
    ("post", "/api/notion/pairing/token"),
}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "/api/batch/{batch_id}/priority"): {"priority": "high"},
    ("post", "/api/batch/{batch_id}/combinations/{combination_id}/resolve"): {
        "decision": "give-up"
    },
    ("patch", "/api/campaigns/{campaign_id}/combinations/{combination_id}"): {"winner": True},
    ("patch", "/api/hooks/{hook_id}"): {"enabled": False},
    ("patch", "/api/members/{person_id}"): {"role": "viewer"},
    ("patch", "/api/templates/{template_id}"): {"name": "mine"},
    ("patch", "/api/queue/lanes/{lane_id}"): {"limit": 0},
    ("post", "/api/session/workspace"): {"workspaceId": str(B)},
    ("post", "/api/notion/resync"): {"batchId": MARK},
}
DOCUMENT = json.loads((ROOT / "docs/openapi.json").read_text())
ROUTES = [
    (method, path)
    for path, methods in DOCUMENT["paths"].items()
    for method in methods
    if path not in PUBLIC
]


@pytest.fixture(scope="module")
def ground(database_url: str) -> Iterator[Ground]:
    with live_stage.ground(database_url) as one:
        yield one


@pytest.fixture
async def house(ground: Ground) -> AsyncIterator[House]:
    async with signing_in.house(ground) as one:
        yield one


@pytest.fixture(scope="module")
def of_b(ground: Ground) -> dict[str, str]:
    """Something of every kind in workspace B; their ids by the name of the path's parameter."""
    ground.run("INSERT INTO spotloom.workspace (id, name) VALUES (%s, %s)", B, MARK)
    campaign = ground.campaign(2, workspace_id=B)
    made = {
        f"{name}_id": ids.new()
        for name in (
            *("asset", "hook", "delivery", "person", "invitation", "key", "session"),
            "template",
        )
    }
    ground.run("UPDATE spotloom.campaign SET batch_key = %s WHERE id = %s", MARK, campaign.id)
    ground.run(
        "UPDATE spotloom.combination SET notes = %s WHERE campaign_id = %s", MARK, campaign.id
    )
    (lane, *_) = ground.run(
        "SELECT lane_id FROM spotloom.generation WHERE campaign_id = %s", campaign.id
    )
    _furnish(ground, campaign, made)
    _invite(ground, made)
    return {
        "campaign_id": str(campaign.id),
        "batch_id": MARK,
        "id": MARK,
        "provider": MARK,
        "combination_id": campaign.keys[0],
        "lane_id": str(lane["lane_id"]),
        **{name: str(value) for name, value in made.items()},
    }


def _furnish(ground: Ground, campaign: Campaign, made: dict[str, UUID]) -> None:
    """A file, a hook with a delivery, and what the log says of them."""
    file = {"uri": MARK, "sha256": "0" * 64, "bytes": 9, "content_type": "video/mp4"}
    rows: list[tuple[str, dict[str, Any]]] = [
        (
            "asset",
            file
            | {"id": made["asset_id"], "generation_id": campaign.generations[campaign.keys[0]]}
            | {"kind": "video", "width": 9, "height": 9},
        ),
        (
            "hook",
            {"id": made["hook_id"], "url": f"https://{MARK}.example/", "secret": MARK}
            | {"events": '["batch.completed"]', "enabled": True},
        ),
        (
            "delivery",
            {"id": made["delivery_id"], "hook_id": made["hook_id"], "kind": "batch.completed"}
            | {"body": json.dumps({"type": MARK}), "state": "failed"},
        ),
        (
            "brief_template",
            {"id": made["template_id"], "name": MARK, "brief": json.dumps({"brand": MARK})},
        ),
        (
            "audit",
            {"id": ids.new(), "actor": "local", "action": MARK, "target": MARK, "detail": "{}"},
        ),
    ]
    for table, columns in rows:
        _insert(ground, table, columns | {"workspace_id": B})


def _invite(ground: Ground, made: dict[str, UUID]) -> None:
    """An admin with a session, a key, and somebody who is invited."""
    key = {"id": made["key_id"], "name": MARK, "role": "admin", "scopes": '["*"]', "prefix": "spk"}
    _insert(ground, "api_key", key | {"workspace_id": B, "token_hash": MARK, "created_by": "local"})
    person = {"id": made["person_id"], "name": MARK, "issuer": "x", "subject": MARK}
    _insert(ground, "person", person)
    member = {"workspace_id": B, "person_id": made["person_id"], "role": "admin"}
    _insert(ground, "member", member)
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    _insert(
        ground,
        "invitation",
        {"id": made["invitation_id"], "workspace_id": B, "email": f"x@{MARK}.example"}
        | {"role": "viewer", "token_hash": MARK, "expires_at": soon, "invited_by": "local"},
    )
    _insert(
        ground,
        "session",
        {"id": made["session_id"], "workspace_id": B, "person_id": made["person_id"]}
        | {"token_hash": MARK, "expires_at": soon},
    )


def _insert(ground: Ground, table: str, columns: dict[str, Any]) -> None:
    names, places = ", ".join(columns), ", ".join(["%s"] * len(columns))
    ground.run(f"INSERT INTO spotloom.{table} ({names}) VALUES ({places})", *columns.values())  # noqa: S608 - ours


def everything(ground: Ground) -> dict[str, list[Any]]:
    """All rows of B's, of every table that has a workspace."""
    return {
        name: ground.run(
            f"SELECT to_jsonb(t) AS row FROM spotloom.{name} t WHERE workspace_id = %s"  # noqa: S608 - ours
            " ORDER BY to_jsonb(t)::text",
            B,
        )
        for name, table in ((t.name, t) for t in Table.metadata.sorted_tables)
        if "workspace_id" in table.columns
    }


async def asked(
    client: httpx2.AsyncClient, method: str, path: str, given: dict[str, str]
) -> httpx2.Response:
    body = BODIES.get((method, path))
    takes = "requestBody" in DOCUMENT["paths"][path][method]
    json_body = {"json": body or {}} if takes else {}
    return await client.request(method.upper(), path.format(**given), **json_body)


async def test_nothing_of_another_workspace_is_there_or_moves(
    ground: Ground, house: House, of_b: dict[str, str]
) -> None:
    mirror = {"target": "notion", "workspace_id": LOCAL, "properties": "{}"}
    named = dict.fromkeys(("database_id", "data_source_id", "title", "url", "bot_id"), "x")
    ground.workspace(LOCAL)
    _insert(ground, "mirror", mirror | named | {"polled_to": dt.datetime.now(dt.UTC)})
    before = everything(ground)
    assert all(before[name] for name in ("campaign", "generation", "asset", "hook", "api_key"))
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(house.owner())
        for method, path in ROUTES:
            if (method, path) in OWN:
                continue
            answer = await asked(owner, method, path, of_b)
            told = f"{method} {path}: {answer.status_code} {answer.text[:300]}"
            assert answer.status_code == (
                404 if "{" in path or (method, path) in BODIES else 200
            ), told
            # A refusal may repeat the name that it was asked for, and nothing more.
            named = path.count("{") + str(BODIES.get((method, path))).count(MARK)
            assert answer.text.count(MARK) <= named, told
    assert everything(ground) == before


# The pages, which the document does not name.

NOBODYS = {"/static/{version}/{name:path}", "/sign-in", "/sign-in/done"}
QUERIES = {
    "/": ("", "?text={batch_id}"),
    "/new": ("", "?from={batch_id}", "?from={campaign_id}&only=failed", "?template={template_id}"),
}


def pages() -> list[str]:
    paths = [getattr(each, "path", "") for part in studio.routes for each in part.routes]
    assert set(paths) >= NOBODYS | set(QUERIES)
    named = [path + query for path in paths for query in QUERIES.get(path, [""])]
    sections = [f"/settings/{section.key}" for section in SECTIONS]
    return [path for path in named if path not in NOBODYS | {"/settings/{section}"}] + sections


async def test_no_page_shows_anything_of_another_workspace(
    ground: Ground, house: House, of_b: dict[str, str]
) -> None:
    before = everything(ground)
    async with house.owner() as owner, house.browser(headers={"accept": "text/html"}) as nobody:
        for path in pages():
            address, sought = path.format(**of_b), "text=" in path
            answer = await owner.get(address, headers={"accept": "text/html"})
            expected = 303 if path == "/settings" else 404 if "{" in path and not sought else 200
            assert answer.status_code == expected, path
            # A page may repeat what it was asked for, and nothing more.
            assert answer.text.count(MARK) <= path.count("{"), path
            shown = {name for name, value in of_b.items() if value in answer.text}
            assert all(name in path or of_b[name] == MARK for name in shown), path
            answer = await nobody.get(address)
            assert answer.headers["location"].startswith("/sign-in?after="), path
    assert everything(ground) == before


# Beside the walk: what the gate or a worker answers, to whom the database shows every workspace.


async def test_sessions_and_workspaces_are_the_askers_own(
    ground: Ground, house: House, of_b: dict[str, str]
) -> None:
    before = everything(ground)
    async with house.owner() as owner:
        me = (await owner.get("/api/session")).json()
        assert me["workspaceId"] == str(LOCAL)
        listed = (await owner.get("/api/sessions")).json()["items"]
        assert of_b["session_id"] not in {one["id"] for one in listed}
        assert {one["workspaceId"] for one in listed} == {str(LOCAL)}
        (mine,) = (await owner.get("/api/workspaces")).json()["items"]
        assert mine["id"] == str(LOCAL)
        moved = await owner.post("/api/session/workspace", json={"workspaceId": str(B)})
        assert moved.status_code == 404
        assert (await owner.delete(f"/api/sessions/{of_b['session_id']}")).status_code == 404
        assert (await owner.get("/api/session")).json()["workspaceId"] == str(LOCAL)
        assert everything(ground) == before
        password = {"password": "blue kettle on a hill"}
        assert (await owner.put("/api/session/password", json=password)).status_code == 204
        assert (await owner.delete("/api/sessions")).status_code == 204
    async with house.owner() as owner:
        assert (await owner.delete("/api/session")).status_code == 204
    assert everything(ground) == before
    named = "SELECT id FROM spotloom.person WHERE password_hash IS NOT NULL AND subject <> 'owner'"
    assert ground.run(named) == []


async def test_a_signed_link_is_for_its_file_alone(
    ground: Ground, house: House, of_b: dict[str, str]
) -> None:
    campaign = ground.campaign(1, workspace_id=LOCAL)
    mine = {"id": ids.new(), "generation_id": campaign.generations[campaign.keys[0]]}
    file = {"uri": "nowhere", "sha256": "1" * 64, "bytes": 9, "content_type": "video/mp4"}
    sizes = {"kind": "video", "width": 9, "height": 9, "workspace_id": LOCAL}
    _insert(ground, "asset", mine | file | sizes)
    async with house.owner() as owner:
        refused = await owner.post(f"/api/media/{of_b['asset_id']}/link", json={})
        assert refused.status_code == 404
        link = await owner.post(f"/api/media/{mine['id']}/link", json={})
        assert link.status_code == 200, link.text
        query = link.json()["url"].partition("?")[2]
        for given in (query, "sig=x", "exp=9999999999&sig="):
            answer = await owner.get(f"/api/media/{of_b['asset_id']}?{given}")
            assert answer.status_code == 403, given
            assert MARK not in answer.text
    ground.run("DELETE FROM spotloom.asset WHERE id = %s", mine["id"])


async def test_webhooks_that_nobody_signed_move_nothing(
    ground: Ground, house: House, of_b: dict[str, str]
) -> None:
    ground.run(
        "UPDATE spotloom.generation SET provider_job_id = %s WHERE workspace_id = %s"
        " AND id = (SELECT min(id::text)::uuid FROM spotloom.generation WHERE workspace_id = %s)",
        *(MARK, B, B),
    )
    before = everything(ground)
    event = {"type": "video.completed", "data": {"id": MARK}, "timestamp": 1}
    async with house.owner() as owner:
        for path in sorted(path for path in PUBLIC if "webhook" in path):
            answer = await owner.post(path, json=event)
            assert answer.status_code in {401, 403, 404, 503}, f"{path}: {answer.text}"
            assert MARK not in answer.text
    assert everything(ground) == before


async def test_figures_elsewhere_are_those_of_the_keys_workspace(
    house: House, of_b: dict[str, str]
) -> None:
    async with house.owner() as owner, house.browser() as program:
        asked = {"name": "grafana", "role": "viewer", "scopes": ["metrics"]}
        key = (await owner.post("/api/keys", json=asked)).json()["key"]
        passed_on = {"x-forwarded-for": "192.0.2.1", "authorization": f"Bearer {key}"}
        theirs = await program.get("/metrics", headers=passed_on)
        assert theirs.status_code == 200
        # On this machine it tells of every workspace, in sums: no id, no name, no brief.
        here = await program.get("/metrics")
        assert here.status_code == 200
        assert theirs.text != here.text
        for told in (theirs.text, here.text):
            assert MARK not in told
            assert str(B) not in told
            assert of_b["campaign_id"] not in told


async def test_nobody_gets_in_anywhere(house: House, of_b: dict[str, str]) -> None:
    async with house.browser() as nobody:
        for method, path in ROUTES:
            answer = await asked(nobody, method, path, of_b)
            assert answer.status_code == 401, f"{method} {path}: {answer.text[:200]}"


async def test_a_viewer_changes_nothing(house: House, of_b: dict[str, str]) -> None:
    own = {
        "/api/session",
        "/api/sessions",
        "/api/sessions/{session_id}",
        "/api/session/password",
        "/api/session/workspace",
        "/api/plan",
        "/api/brief/read",
        "/api/brief/write",
    }
    async with house.invited("viewer", f"v{ids.new().hex}@studio.example") as viewer:
        for method, path in ROUTES:
            if method == "get" or path in own:
                continue
            answer = await asked(viewer, method, path, of_b)
            assert answer.status_code == 403, f"{method} {path}: {answer.text[:200]}"


def test_every_public_route_is_one() -> None:
    assert set(DOCUMENT["paths"]) >= PUBLIC
    assert {path for _, path in OWN} <= set(DOCUMENT["paths"])

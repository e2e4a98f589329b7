"""Home, queue, settings and sign-in as the server writes them: what is in them, and for whom."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.integration import api_stage, live_stage, signing_in
from tests.integration.api_stage import Studio, brief
from tests.integration.live_stage import Ground

from spotloom.auth.roles import KeyScope, Role
from spotloom.web.pages.settings import SECTIONS

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


@pytest.fixture(scope="module")
def ground(database_url: str) -> Iterator[Ground]:
    with live_stage.ground(database_url) as one:
        yield one


@pytest.fixture
async def studio(ground: Ground, tmp_path: Path) -> AsyncIterator[Studio]:
    async with api_stage.studio(ground, tmp_path) as one:
        yield one.elsewhere()


async def shown(client, path):
    """The page, and what stands in it for its elements."""
    answer = await client.get(path, headers=BROWSER)
    assert answer.status_code == 200, answer.text
    return answer.text, json.loads(DATA.search(answer.text)[1])


async def test_the_home_is_what_the_api_tells(studio):
    client = await studio.client(Role.EDITOR)
    text, data = await shown(client, "/")
    assert (data["items"], "<h1>Campaigns</h1>" in text) == ([], False)
    for wanted in (brief(2), brief(2, brand="Fernhill </script><b>")):
        answer = await client.post("/api/generate-batch", json={"formData": wanted})
        assert answer.status_code == 200, answer.text
    paused = answer.json()["batchId"]
    await client.post(f"/api/batch/{paused}/pause")
    text, data = await shown(client, "/")
    assert data["items"] == (await client.get("/api/campaigns")).json()["items"]
    assert data["budget"] == (await client.get("/api/budget")).json()
    assert "</script><b>" not in text
    _, data = await shown(client, "/?show=paused&text=fernhill")
    assert [item["batchId"] for item in data["items"]] == [paused]
    text, data = await shown(client, "/?show=cancelled")
    assert (data["items"], "<h1>Campaigns</h1>" in text) == ([], True)
    assert (await client.get("/?show=nonsense", headers=BROWSER)).status_code == 200


async def test_the_queue_is_what_the_api_tells_in_the_order_of_the_dimensions(studio):
    client = await studio.client(Role.VIEWER)
    editor = await studio.client(Role.EDITOR)
    await editor.post("/api/generate-batch", json={"formData": brief(2, 2)})
    _, data = await shown(client, "/queue")
    told = (await client.get("/api/queue/status", params={"ahead": data["ahead"]})).json()
    assert data["lanes"] == told["lanes"]
    (video, *_) = data["lanes"][0]["next"]
    assert list(video["values"])[:3] == ["funnelLevel", "aesthetic", "type"]
    assert data["labels"]["aesthetic"]["ugc"] == "UGC"


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.key)
async def test_a_section_holds_nothing_that_its_reader_may_not_see(studio, section):
    admin = await studio.client(Role.ADMIN)
    secret = f"{section.key}@studio.example"
    for path, body in (
        ("/api/invitations", {"email": secret, "role": "viewer"}),
        ("/api/keys", {"name": secret, "role": "viewer"}),
        ("/api/hooks", {"url": f"https://{section.key}.example/hook", "events": ["video.failed"]}),
    ):
        made = await admin.post(path, json=body)
        assert made.status_code == 201, made.text
    _, data = await shown(admin, f"/settings/{section.key}")
    for role in (Role.VIEWER, Role.EDITOR):
        reader = await studio.client(role)
        text, data = await shown(reader, f"/settings/{section.key}")
        assert secret not in text
        assert f"https://{section.key}.example/hook" not in text
        for_admins = section.scope.role is Role.ADMIN
        assert not (for_admins and data)
        assert ("This section is for admins." in text) == for_admins
        assert (f"elements/settings/{section.key}.js" in text) != for_admins


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.key)
async def test_a_section_holds_nothing_that_a_keys_scopes_leave_out(studio, section):
    admin = await studio.client(Role.ADMIN)
    secret = f"{section.key}-of-a-key@studio.example"
    hook = f"https://{section.key}-of-a-key.example/hook"
    await admin.post("/api/invitations", json={"email": secret, "role": "viewer"})
    await admin.post("/api/keys", json={"name": secret, "role": "viewer"})
    await admin.post("/api/hooks", json={"url": hook, "events": ["video.failed"]})
    program = await studio.client(None)
    for scopes in ([], [KeyScope.KEYS], [KeyScope.MEMBERS], [KeyScope.ADMIN]):
        granted = [KeyScope.READ, *scopes]
        asked = {"name": "narrow", "role": "admin", "scopes": granted}
        made = await admin.post("/api/keys", json=asked)
        program.headers["authorization"] = f"Bearer {made.json()['key']}"
        text, data = await shown(program, f"/settings/{section.key}")
        assert bool(data) == (section.scope in granted and section.key != "notion")
        assert ("The key does not allow this." in text) == (section.scope not in granted)
        if not scopes:
            assert secret not in text
            assert hook not in text
        if section.key == "keys":
            assert data.get("members", []) == []


async def test_nobody_sees_a_section_and_there_are_no_others(studio):
    nobody = await studio.client(None)
    for path in ("/queue", "/settings", "/settings/keys"):
        answer = await nobody.get(path, headers=BROWSER)
        assert answer.headers["location"].startswith("/sign-in?after=%2F"), path
    viewer = await studio.client(Role.VIEWER)
    assert (await viewer.get("/settings/nowhere", headers=BROWSER)).status_code == 404
    assert (await viewer.get("/settings", headers=BROWSER)).headers["location"] == (
        "/settings/providers"
    )


async def test_the_door_lets_in_no_script_but_ours_and_no_words_of_strangers(ground):
    async with signing_in.house(ground) as house, house.browser() as browser:
        after = '/"><script>alert(1)</script>'
        answer = await browser.get("/sign-in", params={"after": after, "problem": "stranger"})
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "style-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "<script>alert" not in answer.text
        assert "Ask an admin to invite your address." in answer.text
        for tag in re.findall(r"<script[^>]*>", answer.text):
            assert 'src="/static/' in tag, tag
        for file in re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text):
            found = await browser.get(file)
            assert (found.status_code, "immutable" in found.headers["cache-control"]) == (200, True)
        moved = await browser.get("/sign-in/done")
        assert (moved.status_code, moved.headers["location"]) == (303, "/settings/sign-in")

"""What an API key may do, and when it no longer may."""

import pytest
from tests.integration import signing_in

NOBODY = 401


@pytest.fixture
async def house(ground):
    async with signing_in.house(ground) as one:
        yield one


async def test_a_key_works_until_it_is_revoked(house):
    async with house.owner() as owner, house.browser() as program:
        reply = await owner.post("/api/keys", json={"name": "ci", "role": "editor"})
        assert reply.status_code == 201, reply.text
        made = reply.json()
        assert made["key"].startswith("spk_")
        assert made["prefix"] == made["key"][:10]
        headers = {"authorization": f"Bearer {made['key']}"}
        me = (await program.get("/api/session", headers=headers)).json()
        assert me["actor"] == {
            "kind": "key",
            "id": made["id"],
            "name": "ci",
            "role": "editor",
            "scopes": ["*"],
        }
        listed = (await owner.get("/api/keys")).json()["items"]
        assert [row["name"] for row in listed] == ["ci"]
        assert "key" not in listed[0]
        assert listed[0]["seenAt"] is not None
        assert made["key"] not in str(house.run("SELECT * FROM spotloom.api_key"))
        assert (await owner.delete(f"/api/keys/{made['id']}")).status_code == 204
        assert (await program.get("/api/session", headers=headers)).status_code == NOBODY
        assert (await owner.delete(f"/api/keys/{made['id']}")).status_code == 404
    assert house.audited()[1:] == ["key.made", "key.revoked"]


async def test_a_key_may_no_more_than_its_scopes(house):
    async with house.owner() as owner, house.browser() as program:

        async def key(role, *scopes, **more):
            body = {"name": "k", "role": role, "scopes": list(scopes), **more}
            reply = await owner.post("/api/keys", json=body)
            return {"authorization": f"Bearer {reply.json()['key']}"}

        only_keys = await key("admin", "keys")
        assert (await program.get("/api/keys", headers=only_keys)).status_code == 200
        assert (await program.get("/api/members", headers=only_keys)).status_code == 403
        more = {"name": "more", "role": "admin", "scopes": ["*"]}
        assert (await program.post("/api/keys", json=more, headers=only_keys)).status_code == 403
        same = {"name": "same", "role": "admin", "scopes": ["keys"]}
        assert (await program.post("/api/keys", json=same, headers=only_keys)).status_code == 201
        viewer = await key("viewer", "*")
        assert (await program.get("/api/keys", headers=viewer)).status_code == 403
        brief = await key("viewer", "*", expiresInDays=1)
        house.run(
            "UPDATE spotloom.api_key SET expires_at = now() - interval '1 second'"
            " WHERE expires_at < now() + interval '2 days'"
        )
        assert (await program.get("/api/session", headers=brief)).status_code == NOBODY
        for wrong in (
            {"name": "k", "role": "owner"},
            {"name": "k", "role": "viewer", "scopes": ["everything"]},
            {"name": "", "role": "viewer"},
            {"name": "a\x00b", "role": "viewer"},
            {"name": "k", "role": "viewer", "expiresInDays": 0},
        ):
            assert (await owner.post("/api/keys", json=wrong)).status_code == 422, wrong


async def test_a_key_for_members_makes_nobody_more_than_it_is(house):
    async with (
        house.owner() as owner,
        house.invited("editor", "ann@studio.example") as ann,
        house.browser() as program,
    ):

        async def key(*scopes):
            asked = {"name": "k", "role": "admin", "scopes": list(scopes)}
            reply = await owner.post("/api/keys", json=asked)
            return {"authorization": f"Bearer {reply.json()['key']}"}

        async def invite(role, headers):
            asked = {"email": f"{role}@eve.example", "role": role}
            return (await program.post("/api/invitations", json=asked, headers=headers)).status_code

        async def change(role):
            body, headers = {"role": role}, only_members
            return (await program.patch(address, json=body, headers=headers)).status_code

        only_members = await key("members")
        assert [await invite(role, only_members) for role in ("admin", "editor", "viewer")] == [
            403
        ] * 3
        address = f"/api/members/{(await ann.get('/api/session')).json()['actor']['id']}"
        assert await change("admin") == 403
        assert (await ann.get("/api/session")).json()["actor"]["role"] == "editor"
        assert await change("viewer") == 204  # down takes nothing that it lacks
        assert await change("editor") == 403
        of_a_viewer = await key("members", "campaigns:read", "metrics")
        assert await invite("viewer", of_a_viewer) == 201
        assert await invite("editor", of_a_viewer) == 403
        assert await invite("admin", await key("*")) == 201


async def test_a_revoked_key_takes_along_what_was_made_with_it(house):
    async with house.owner() as owner, house.browser() as program:

        async def key(browser, **more):
            reply = await browser.post("/api/keys", json={"name": "k", "role": "admin"}, **more)
            return reply.json()["id"], {"authorization": f"Bearer {reply.json()['key']}"}

        leaked, first = await key(owner)
        _, second = await key(program, headers=first)
        _, third = await key(program, headers=second)
        _, another = await key(owner)
        asked = {"email": "a@eve.example", "role": "admin"}
        made = await program.post("/api/invitations", json=asked, headers=third)
        assert made.status_code == 201
        assert (await owner.delete(f"/api/keys/{leaked}")).status_code == 204
        for headers, status in ((first, 401), (second, 401), (third, 401), (another, 200)):
            assert (await program.get("/api/session", headers=headers)).status_code == status
        assert (await owner.get("/api/invitations")).json()["items"] == []


async def test_a_key_made_with_a_key_ends_no_later(house):
    async with house.owner() as owner, house.browser() as program:
        asked = {"name": "k", "role": "admin", "expiresInDays": 7}
        maker = (await owner.post("/api/keys", json=asked)).json()
        program.headers["authorization"] = f"Bearer {maker['key']}"
        for days, ends in ((None, maker["expiresAt"]), (365, maker["expiresAt"]), (1, None)):
            reply = await program.post("/api/keys", json=asked | {"expiresInDays": days})
            assert reply.status_code == 201, reply.text
            assert reply.json()["expiresAt"] <= maker["expiresAt"]
            assert ends is None or reply.json()["expiresAt"] == ends
        for_ever = asked | {"expiresInDays": None}
        assert (await owner.post("/api/keys", json=for_ever)).json()["expiresAt"] is None


async def test_a_key_is_no_person(house):
    async with house.owner() as owner, house.browser() as program:
        reply = await owner.post("/api/keys", json={"name": "k", "role": "admin"})
        program.headers["authorization"] = f"Bearer {reply.json()['key']}"
        for method, path in (
            ("GET", "/api/sessions"),
            ("DELETE", "/api/session"),
            ("GET", "/api/workspaces"),
        ):
            assert (await program.request(method, path)).status_code == 403
        assert (await program.get("/api/members")).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer x", "Basic {key}", "{key}", "Bearer {key}x", "Bearer a.b.c"],
)
async def test_another_authorization_is_refused_and_the_cookie_does_not_help(house, authorization):
    async with house.owner() as owner:
        made = await owner.post("/api/keys", json={"name": "k", "role": "admin"})
        given = authorization.replace("{key}", made.json()["key"])
        reply = await owner.get("/api/session", headers={"authorization": given})
        assert reply.status_code == NOBODY
        assert reply.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("route", "body", "secret"),
    [
        ("/api/keys", {"name": "ci", "role": "editor"}, "key"),
        ("/api/invitations", {"email": "ann@studio.example", "role": "viewer"}, "link"),
        ("/api/hooks", {"url": "https://a.example/x", "events": ["batch.completed"]}, "secret"),
    ],
)
async def test_a_secret_is_made_once_and_shown_once_under_one_idempotency_key(
    house, route, body, secret
):
    async with house.owner() as owner:
        headers = {"Idempotency-Key": f"made-once{route.replace('/', '-')}"}
        first = await owner.post(route, json=body, headers=headers)
        again = await owner.post(route, json=body, headers=headers)
        assert (first.status_code, again.status_code) == (201, 409), again.text
        assert again.json()["type"] == "urn:spotloom:problem:shown-once"
        items = (await owner.get(route)).json()["items"]
        assert [item["id"] for item in items] == [first.json()["id"]]
        shown = first.json()[secret].rpartition("#")[2]
        assert shown not in str(house.run("SELECT * FROM spotloom.idempotency"))

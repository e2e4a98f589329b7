"""Signing in with Clerk's tokens, made by a Clerk that others wrote, and Clerk's webhooks."""

import asyncio
import base64
import json
import time

import httpx2
import pytest
from tests.integration import live_stage, signing_in
from tests.integration.peers import emulated
from tests.integration.peers.clerk_hooks import WEBHOOK_SECRET, membership, signed, told

from spotloom.auth.sign_in import ClerkSettings

HOST = "clerk.studio.example"
API_KEY = "sk_test_of_the_peer"
SEED = {
    "tokens": {API_KEY: {"login": "backend", "scopes": []}},
    "clerk": {
        "users": [
            {
                "clerk_id": f"user_{name}",
                "first_name": name.title(),
                "last_name": "Test",
                "email_addresses": [f"{name}@studio.example"],
            }
            for name in ("ann", "bob", "eve")
        ],
        "organizations": [
            {
                "clerk_id": "org_acme",
                "name": "Acme",
                "slug": "acme",
                "members": [
                    {"email": "ann@studio.example", "role": "admin"},
                    {"email": "bob@studio.example", "role": "member"},
                ],
            }
        ],
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return emulated.installed(tmp_path_factory.mktemp("peers"))


@pytest.fixture(scope="module")
def like(database_url):
    with live_stage.template(database_url) as name:
        yield name


@pytest.fixture
def ground(database_url, like):
    with live_stage.ground(database_url, like=like) as one:
        yield one


@pytest.fixture
def listener():
    with signing_in.listening() as one:
        yield one


def origin(listener):
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def telling(folder, into, claims):
    """A peer whose tokens have these claims, too."""
    altered, base = emulated.adapted(folder, into), f"https://{HOST}"
    return emulated.running(altered, "clerk", seed=SEED, base_url=base, claims=claims)


@pytest.fixture
def peer(folder, listener, tmp_path):
    claims = {"v": 2, "sts": "active", "azp": origin(listener), "jti": "j1", "fva": [0, -1]}
    with telling(folder, tmp_path / "adapted", claims) as one:
        yield one


def settings(peer, **more):
    coded = base64.b64encode(f"{HOST}$".encode()).decode()
    given = {
        "publishable_key": f"pk_test_{coded}",
        "jwt_key": peer.pem("/v1/jwks"),
        "secret_key": API_KEY,
        "webhook_secret": WEBHOOK_SECRET,
        "api_url": f"{peer.url}/v1",
    }
    return ClerkSettings(**(given | more))


@pytest.fixture
async def house(ground, listener, peer):
    async with signing_in.house(
        ground, clerk=settings(peer), local=False, listener=listener
    ) as one:
        yield one


async def clerk_token(peer, user):
    """A session of that user at the peer, and a token of it: what ClerkJS would have."""
    headers = {"authorization": f"Bearer {API_KEY}"}
    async with httpx2.AsyncClient(base_url=peer.url, headers=headers, trust_env=False) as backend:
        session = (await backend.post("/v1/sessions", json={"user_id": user})).json()["id"]
        answer = await backend.post(f"/v1/sessions/{session}/tokens", json={})
        return session, answer.json()["jwt"]


async def sign_in(browser, peer, user):
    session, jwt = await clerk_token(peer, user)
    return session, await browser.post("/auth/clerk", json={"token": jwt})


async def me(browser):
    answer = await browser.get("/api/session")
    return answer.json() if answer.status_code == 200 else answer.status_code


async def test_a_member_of_an_organization_comes_into_its_workspace(house, peer):
    async with house.browser() as ann, house.browser() as bob:
        session, reply = await sign_in(ann, peer, "user_ann")
        assert reply.status_code == 200, reply.text
        assert (await me(ann))["actor"]["role"] == "admin"
        assert (await me(ann))["actor"]["name"] == "Ann Test"  # asked of Clerk's API
        _, reply = await sign_in(bob, peer, "user_bob")
        assert (await me(bob))["actor"]["role"] == "editor"
        assert (await me(bob))["workspaceId"] == (await me(ann))["workspaceId"]
        members = (await ann.get("/api/members")).json()["items"]
        assert [m["email"] for m in members] == ["ann@studio.example", "bob@studio.example"]
        ours = await ann.delete(f"/api/members/{members[1]['personId']}")
        assert ours.status_code == 409
        assert "managed in Clerk" in ours.json()["detail"]
        asked = {"email": "b@c.example", "role": "viewer"}
        assert (await ann.post("/api/invitations", json=asked)).status_code == 409
    assert house.value("SELECT external_id FROM spotloom.workspace") == "org_acme"
    assert house.value("SELECT count(*) FROM spotloom.session WHERE external_id = %s", session) == 1


async def test_who_has_no_organization_needs_an_invitation(house, peer):
    async with house.browser() as eve, house.owner() as owner:
        _, reply = await sign_in(eve, peer, "user_eve")
        assert reply.status_code == 403
        assert house.value("SELECT count(*) FROM spotloom.person WHERE subject <> 'owner'") == 0
        asked = {"email": "eve@studio.example", "role": "viewer"}
        assert (await owner.post("/api/invitations", json=asked)).status_code == 201
        _, reply = await sign_in(eve, peer, "user_eve")
        assert reply.status_code == 200
        assert (await me(eve))["actor"]["role"] == "viewer"


async def test_an_invitation_is_not_for_who_has_no_verified_address(ground, listener, peer):
    unasked = settings(peer, secret_key=None)
    async with (
        signing_in.house(ground, clerk=unasked, listener=listener) as house,
        house.browser() as ann,
        house.owner() as owner,
    ):
        await sign_in(ann, peer, "user_ann")
        asked = {"email": "b@c.example", "role": "admin"}
        link = (await owner.post("/api/invitations", json=asked)).json()["link"]
        found = {"secret": signing_in.secret_of(link)}
        reply = await ann.post("/auth/invitations", json=found)
        assert reply.status_code == 401
        assert "has verified none" in reply.json()["detail"]
        assert len((await owner.get("/api/invitations")).json()["items"]) == 1
        # The owner has no address either, and holds the installation anyway.
        assert (await owner.post("/auth/invitations", json=found)).status_code == 200


async def test_a_token_is_a_way_in_by_itself(house, peer):
    _, jwt = await clerk_token(peer, "user_bob")
    async with house.browser(headers={"authorization": f"Bearer {jwt}"}) as program:
        state = await me(program)
        assert (state["actor"]["kind"], state["actor"]["role"]) == ("person", "editor")
        assert state["sessionId"] is None
        assert await me(program) == state
        assert (await program.delete("/api/session")).status_code == 403


async def test_a_token_as_the_peer_makes_it_is_refused(ground, listener, folder):
    """Without azp nobody can say for which site it was made; Clerk's own always has it here."""
    with emulated.running(folder, "clerk", seed=SEED, base_url=f"https://{HOST}") as peer:
        async with (
            signing_in.house(ground, clerk=settings(peer), listener=listener) as house,
            house.browser() as ann,
        ):
            _, reply = await sign_in(ann, peer, "user_ann")
            assert reply.status_code == 401
            assert house.value("SELECT count(*) FROM spotloom.session") == 0


@pytest.mark.parametrize(
    "claims",
    [
        {"azp": "https://evil.example"},
        {"sts": "pending"},
        {"v": 9},
        {"sid": None},
    ],
)
async def test_a_token_for_somebody_else_is_refused(ground, listener, folder, tmp_path, claims):
    given = {"v": 2, "sts": "active", "azp": origin(listener)} | claims
    with telling(folder, tmp_path / "adapted", given) as peer:
        async with (
            signing_in.house(ground, clerk=settings(peer), listener=listener) as house,
            house.browser() as ann,
        ):
            _, jwt = await clerk_token(peer, "user_ann")
            assert (await ann.post("/auth/clerk", json={"token": jwt})).status_code == 401
            assert (
                await ann.get("/api/session", headers={"authorization": f"Bearer {jwt}"})
            ).status_code == 401


async def test_another_clerk_is_refused(house, ground, listener, peer, folder, tmp_path):
    """It is the same in all it says, but for the key."""
    claims = {"v": 2, "sts": "active", "azp": origin(listener)}
    with telling(folder, tmp_path / "another", claims) as other:
        async with house.browser() as ann:
            _, reply = await sign_in(ann, other, "user_ann")
            assert reply.status_code == 401


async def test_clerk_is_asked_again_until_an_address_is_verified(house, peer):
    await told(house, "organizationMembership.created", membership("bob"))
    kept = "SELECT email FROM spotloom.person WHERE subject = 'user_bob'"
    assert house.value(kept) is None  # the event's address may be one that nobody has verified
    async with house.browser() as bob:
        _, reply = await sign_in(bob, peer, "user_bob")
        assert reply.status_code == 200
    assert house.value(kept) == "bob@studio.example"


async def test_a_clerk_that_is_away_takes_no_name(ground, listener, peer):
    away = settings(peer, api_url="http://127.0.0.1:9/v1")
    async with signing_in.house(ground, clerk=away, listener=listener) as house:
        await told(house, "organizationMembership.created", membership("bob"))
        async with house.browser() as bob:
            for _ in range(2):
                _, reply = await sign_in(bob, peer, "user_bob")
                assert reply.status_code == 200
            assert (await me(bob))["actor"]["name"] == "Bob"


# Organisations that may come in


async def test_an_organization_that_is_not_named_does_not_come_in(ground, listener, peer):
    only = settings(peer, organizations=frozenset({"org_other"}))
    async with signing_in.house(ground, clerk=only, listener=listener) as house:
        async with house.browser() as ann:
            _, jwt = await clerk_token(peer, "user_ann")
            reply = await ann.post("/auth/clerk", json={"token": jwt})
            assert reply.status_code == 403
            assert "org_acme, to CLERK_ORGANIZATIONS" in reply.json()["detail"]
            ann.headers["authorization"] = f"Bearer {jwt}"
            assert await me(ann) == 401
        for kind in ("organizationMembership.created", "organizationMembership.updated"):
            assert (await told(house, kind, membership("ann"))).status_code == 204
        await told(house, "organizationMembership.created", membership("eve", "org:admin", "org_o"))
        assert house.run("SELECT 1 FROM spotloom.workspace WHERE external_id IS NOT NULL") == []
        assert house.run("SELECT 1 FROM spotloom.person WHERE subject <> 'owner'") == []
        other = membership("eve", "org:admin", "org_other")
        await told(house, "organizationMembership.created", other)
        assert house.value("SELECT external_id FROM spotloom.workspace") == "org_other"


@pytest.mark.parametrize(("named", "role"), [("org_acme", "admin"), ("org_other", None)])
async def test_who_is_in_is_out_once_others_are_named(ground, listener, peer, named, role):
    address = origin(listener)
    async with (
        signing_in.house(ground, clerk=settings(peer), listener=listener) as house,
        house.browser() as ann,
    ):
        _, jwt = await clerk_token(peer, "user_ann")
        await ann.post("/auth/clerk", json={"token": jwt})
        key = (await ann.post("/api/keys", json={"name": "k", "role": "admin"})).json()["key"]
        cookies = dict(ann.cookies)
    only = settings(peer, organizations=frozenset({named}))
    async with signing_in.house(ground, clerk=only, public_url=address) as house:
        for way in (
            {"cookies": cookies},
            {"headers": {"authorization": f"Bearer {jwt}"}},
            {"headers": {"authorization": f"Bearer {key}"}},
        ):
            async with house.browser(**way) as browser:
                state = await me(browser)
                assert (None if state == 401 else state["actor"]["role"]) == role, way


# Webhooks


async def test_what_clerk_ends_is_over_here(house, peer):
    async with house.browser() as ann, house.browser() as bob:
        session, _ = await sign_in(ann, peer, "user_ann")
        await sign_in(bob, peer, "user_bob")
        reply = await told(house, "session.ended", {"id": session, "object": "session"})
        assert reply.status_code == 204, reply.text
        assert await me(ann) == 401
        assert (await me(bob))["actor"]["role"] == "editor"


@pytest.mark.parametrize("kind", ["session.ended", "session.revoked", "session.removed"])
async def test_the_token_of_an_ended_session_opens_nothing(house, peer, kind):
    session, jwt = await clerk_token(peer, "user_ann")
    assert (await told(house, kind, {"id": session}, at=time.time() + 1)).status_code == 204
    async with house.browser() as thief:
        assert (await thief.post("/auth/clerk", json={"token": jwt})).status_code == 401
        thief.headers["authorization"] = f"Bearer {jwt}"
        assert await me(thief) == 401


async def test_who_follows_a_batch_by_a_token_hears_no_more_when_its_session_ends(
    ground, listener, peer
):
    given = {"clerk": settings(peer), "listener": listener, "ask_gate_every_s": 0.1}
    session, jwt = await clerk_token(peer, "user_ann")
    async with (
        signing_in.house(ground, **given) as house,
        house.browser(headers={"authorization": f"Bearer {jwt}"}) as program,
    ):
        campaign = ground.campaign(1, workspace_id=(await me(program))["workspaceId"])
        path = f"/api/batch/{campaign.batch_id}/events"
        async with asyncio.timeout(10), program.stream("GET", path) as answer:
            lines = answer.aiter_lines()
            while await anext(lines) != "event: snapshot":
                pass
            await told(house, "session.ended", {"id": session}, at=time.time() + 1)
            async for _ in lines:
                pass
    assert house.value("SELECT count(*) FROM spotloom.member") == 1  # it is the session that ended


async def test_a_membership_comes_changes_and_goes(house, peer):
    async with house.browser() as ann, house.browser() as bob:
        await sign_in(ann, peer, "user_ann")
        _, jwt = await clerk_token(peer, "user_bob")
        await bob.post("/auth/clerk", json={"token": jwt})
        now = time.time()
        lesser = membership("bob", "org:viewer")
        await told(house, "organizationMembership.updated", lesser, at=now + 1)
        assert (await me(bob))["actor"]["role"] == "viewer"
        # Its token is from before, and says editor: by itself, and for a session.
        async with house.browser(headers={"authorization": f"Bearer {jwt}"}) as program:
            assert (await me(program))["actor"]["role"] == "viewer"
        assert (await bob.post("/auth/clerk", json={"token": jwt})).status_code == 200
        assert (await me(bob))["actor"]["role"] == "viewer"
        await told(house, "organizationMembership.created", membership("eve"))
        names = [m["name"] for m in (await ann.get("/api/members")).json()["items"]]
        assert names == ["Ann Test", "Bob", "Eve"]
        await told(house, "organizationMembership.deleted", membership("bob"), at=now + 2)
        assert await me(bob) == 401
        # Its token is good for an hour yet, and an older word arrives late.
        assert (await bob.post("/auth/clerk", json={"token": jwt})).status_code == 401
        late = membership("bob", "org:admin")
        await told(house, "organizationMembership.updated", late, at=now + 1.5)
        assert len((await ann.get("/api/members")).json()["items"]) == 2
        await told(house, "organizationMembership.created", membership("bob"), at=now + 3)
        assert len((await ann.get("/api/members")).json()["items"]) == 3


@pytest.mark.parametrize(
    ("kind", "data"),
    [("organization.deleted", {"id": "org_acme"}), ("user.deleted", {"id": "user_bob"})],
)
async def test_a_membership_that_is_told_late_opens_nothing_again(house, peer, kind, data):
    async with house.browser() as ann:
        await sign_in(ann, peer, "user_ann")
    now = time.time()
    members = "SELECT count(*) FROM spotloom.member WHERE role = 'editor'"
    await told(house, kind, data, at=now + 2)
    await told(house, "organizationMembership.created", membership("bob"), at=now + 1)
    assert house.value(members) == 0
    await told(house, "organizationMembership.created", membership("bob"), at=now + 3)
    assert house.value(members) == 1


async def test_a_lesser_role_in_clerk_takes_back_what_is_above_it(house, peer):
    async with house.browser() as ann, house.browser() as program:
        await sign_in(ann, peer, "user_ann")
        made = await ann.post("/api/keys", json={"name": "k", "role": "admin"})
        program.headers["authorization"] = f"Bearer {made.json()['key']}"
        assert (await me(program))["actor"]["kind"] == "key"
        await told(house, "organizationMembership.updated", membership("ann", "org:member"))
        assert (await me(ann))["actor"]["role"] == "editor"
        assert await me(program) == 401


async def test_a_user_who_is_gone_is_gone_everywhere(house, peer):
    async with house.browser() as ann, house.browser() as bob:
        await sign_in(ann, peer, "user_ann")
        _, jwt = await clerk_token(peer, "user_bob")
        await bob.post("/auth/clerk", json={"token": jwt})
        await told(house, "user.deleted", {"id": "user_bob", "deleted": True}, at=time.time() + 1)
        assert await me(bob) == 401
        assert (await bob.post("/auth/clerk", json={"token": jwt})).status_code == 401
        assert len((await ann.get("/api/members")).json()["items"]) == 1


async def test_an_organization_that_is_gone_closes_its_workspace(house, peer):
    async with house.browser() as ann, house.browser() as program:
        _, jwt = await clerk_token(peer, "user_ann")
        await ann.post("/auth/clerk", json={"token": jwt})
        key = (await ann.post("/api/keys", json={"name": "k", "role": "admin"})).json()["key"]
        program.headers["authorization"] = f"Bearer {key}"
        assert (await me(program))["actor"]["kind"] == "key"
        await told(house, "organization.deleted", {"id": "org_acme"}, at=time.time() + 1)
        assert await me(ann) == 401
        assert await me(program) == 401
        assert (await ann.post("/auth/clerk", json={"token": jwt})).status_code == 401
    assert house.value("SELECT count(*) FROM spotloom.workspace WHERE external_id IS NOT NULL") == 1
    assert "workspace.closed" in house.audited()


async def test_an_event_counts_once(house, peer):
    async with house.browser() as bob:
        await sign_in(bob, peer, "user_bob")
        body = json.dumps(
            {
                "type": "organizationMembership.updated",
                "timestamp": int(time.time() * 1000),
                "data": membership("bob", "org:viewer"),
            }
        )
        headers = signed(body)
        async with httpx2.AsyncClient(base_url=house.url, trust_env=False) as clerk:
            replies = await asyncio.gather(
                *(
                    clerk.post("/api/webhooks/clerk", content=body, headers=headers)
                    for _ in range(5)
                )
            )
        assert {reply.status_code for reply in replies} == {204}
        assert house.audited().count("member.changed") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": b"another key of some bytes"},
        {"stamp": -301},
        {"stamp": +301 + 60},
    ],
)
async def test_an_event_of_somebody_elses_is_refused(house, peer, wrong):
    if "stamp" in wrong:  # from now, not from when the tests were collected
        wrong = {"stamp": str(int(time.time()) + wrong["stamp"])}
    async with house.browser() as ann:
        session, _ = await sign_in(ann, peer, "user_ann")
        body = json.dumps({"type": "session.ended", "timestamp": 1, "data": {"id": session}})
        async with httpx2.AsyncClient(base_url=house.url, trust_env=False) as forger:
            for headers in (signed(body, **wrong), {}, {"svix-id": "x"}):
                reply = await forger.post("/api/webhooks/clerk", content=body, headers=headers)
                assert reply.status_code == 401
        assert (await me(ann))["actor"]["name"] == "Ann Test"


async def test_an_event_that_lacks_something_is_refused(house, peer):
    for kind, data in (
        ("session.ended", {}),
        ("session.ended", {"id": "a\x00b"}),
        ("user.deleted", {"id": "a|b"}),
        ("organizationMembership.created", {"role": "org:member"}),
    ):
        assert (await told(house, kind, data)).status_code == 422
    assert (await told(house, "email.created", {"anything": 1})).status_code == 204


async def test_without_clerk_there_is_no_such_door(ground):
    async with signing_in.house(ground) as house, house.browser() as browser:
        assert (await browser.post("/auth/clerk", json={"token": "a.b.c"})).status_code == 404
        assert (await told(house, "session.ended", {"id": "x"})).status_code == 404

"""What Clerk tells us by webhook: who is out, who came, and what is old news."""

import asyncio
import json
import time

import httpx2
import pytest
from tests.integration import signing_in
from tests.integration.clerk_stage import clerk_token, me, settings, sign_in
from tests.integration.peers.clerk_hooks import membership, signed, told


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

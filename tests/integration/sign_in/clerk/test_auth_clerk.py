"""Signing in with Clerk's tokens, made by a Clerk that others wrote."""

import pytest
from tests.integration import signing_in
from tests.integration.clerk_stage import (
    HOST,
    SEED,
    clerk_token,
    me,
    origin,
    settings,
    sign_in,
    telling,
)
from tests.integration.peers import emulated
from tests.integration.peers.clerk_hooks import membership, told


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


async def test_without_clerk_there_is_no_such_door(ground):
    async with signing_in.house(ground) as house, house.browser() as browser:
        assert (await browser.post("/auth/clerk", json={"token": "a.b.c"})).status_code == 404
        assert (await told(house, "session.ended", {"id": "x"})).status_code == 404

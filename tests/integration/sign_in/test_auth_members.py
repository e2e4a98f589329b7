"""Members go, and get another role: the last admin stays, and who goes leaves no way back in."""

import asyncio

import pytest
from tests.integration import signing_in
from tests.integration.signing_in import secret_of

NOBODY = 401


@pytest.fixture
async def house(ground):
    async with signing_in.house(ground) as one:
        yield one


async def test_the_last_admin_stays_even_when_two_remove_each_other_at_once(house):
    async with house.owner() as owner, house.invited("admin", "ann@studio.example") as ann:
        me = (await owner.get("/api/session")).json()["actor"]["id"]
        her = (await ann.get("/api/session")).json()["actor"]["id"]
        for _ in range(5):
            replies = await asyncio.gather(
                owner.patch(f"/api/members/{her}", json={"role": "viewer"}),
                ann.patch(f"/api/members/{me}", json={"role": "viewer"}),
            )
            admins = house.value("SELECT count(*) FROM spotloom.member WHERE role = 'admin'")
            assert admins == 1, [reply.text for reply in replies]
            house.run("UPDATE spotloom.member SET role = 'admin'")
        assert (await owner.delete(f"/api/members/{her}")).status_code == 204
        assert (await ann.get("/api/session")).status_code == NOBODY
        for last in (
            await owner.delete(f"/api/members/{me}"),
            await owner.patch(f"/api/members/{me}", json={"role": "editor"}),
        ):
            assert last.status_code == 409
            assert "last admin" in last.json()["detail"]
        assert (await owner.delete(f"/api/members/{her}")).status_code == 404
    assert "member.removed" in house.audited()


async def test_who_goes_leaves_no_key_behind(house):
    async with house.owner() as owner, house.invited("admin", "ann@studio.example") as ann:
        her = (await ann.get("/api/session")).json()["actor"]["id"]
        made = {}
        for role in ("viewer", "editor", "admin"):
            reply = await ann.post("/api/keys", json={"name": role, "role": role})
            made[role] = {"authorization": f"Bearer {reply.json()['key']}"}
        async with house.browser() as program:

            async def works():
                return [
                    role
                    for role, headers in made.items()
                    if (await program.get("/api/session", headers=headers)).status_code == 200
                ]

            assert await works() == ["viewer", "editor", "admin"]
            await owner.patch(f"/api/members/{her}", json={"role": "editor"})
            assert await works() == ["viewer", "editor"]
            await owner.delete(f"/api/members/{her}")
            assert await works() == []


async def _key(browser, role, **more):
    """A key that the browser, or program, makes: its id, and a header that it lets in by."""
    made = await browser.post("/api/keys", json={"name": role, "role": role}, **more)
    assert made.status_code == 201, made.text
    return made.json()["id"], {"authorization": f"Bearer {made.json()['key']}"}


async def _invite(browser, email, role, **more):
    """An invitation that the browser, or program, makes; its link's secret."""
    asked = {"email": email, "role": role}
    made = await browser.post("/api/invitations", json=asked, **more)
    assert made.status_code == 201, made.text
    return secret_of(made.json()["link"])


async def _follow(browser, secret):
    """What becomes of a stranger who follows the invitation."""
    asked = {"secret": secret, "name": "Eve", "password": "blue kettle on a hill"}
    return (await browser.post("/auth/invitations", json=asked)).status_code


async def test_who_goes_leaves_no_way_back(house):
    async with house.owner() as owner, house.invited("admin", "ann@studio.example") as ann:
        her = (await ann.get("/api/session")).json()["actor"]["id"]
        _, first = await _key(ann, "admin")
        async with house.browser() as program:
            _, second = await _key(program, "admin", headers=first)
            _, third = await _key(program, "viewer", headers=second)
            secrets = [
                await _invite(ann, "a@eve.example", "viewer"),
                await _invite(program, "b@eve.example", "admin", headers=first),
                await _invite(program, "c@eve.example", "editor", headers=second),
            ]
            kept = await _invite(owner, "d@studio.example", "viewer")
            assert (await owner.delete(f"/api/members/{her}")).status_code == 204
            for headers in (first, second, third):
                assert (await program.get("/api/session", headers=headers)).status_code == NOBODY
        for secret in secrets:
            async with house.browser() as eve:
                assert await _follow(eve, secret) == NOBODY
        async with house.browser() as dan:  # what others have made stays
            assert await _follow(dan, kept) == 200


async def test_a_lesser_role_takes_back_what_is_above_it_and_no_more(house):
    async with house.owner() as owner, house.invited("admin", "ann@studio.example") as ann:
        her = (await ann.get("/api/session")).json()["actor"]["id"]
        _, admin = await _key(ann, "admin")
        async with house.browser() as program:
            _, minted = await _key(program, "admin", headers=admin)
            _, viewer = await _key(program, "viewer", headers=minted)
            above = await _invite(program, "a@eve.example", "admin", headers=minted)
            below = await _invite(program, "b@eve.example", "viewer", headers=minted)
            change = await owner.patch(f"/api/members/{her}", json={"role": "editor"})
            assert change.status_code == 204
            for headers, status in ((admin, NOBODY), (minted, NOBODY), (viewer, 200)):
                assert (await program.get("/api/session", headers=headers)).status_code == status
        async with house.browser() as eve:
            assert await _follow(eve, above) == NOBODY
            assert await _follow(eve, below) == 200


async def test_the_gate_says_who_would_still_be_let_in(house):
    async with house.owner() as owner, house.invited("editor", "ann@studio.example") as ann:
        her = (await ann.get("/api/session")).json()["actor"]["id"]
        signed_in = await house.gate.by_session(ann.cookies["spotloom"])
        _, key = await _key(owner, "admin")
        program = await house.gate.by_key(key["authorization"].removeprefix("Bearer "))
        assert await house.gate.still(signed_in)
        assert await house.gate.still(program)
        await owner.patch(f"/api/members/{her}", json={"role": "viewer"})
        assert not await house.gate.still(signed_in)
        await owner.patch(f"/api/members/{her}", json={"role": "admin"})
        assert await house.gate.still(signed_in)
        await ann.delete("/api/session")
        assert not await house.gate.still(signed_in)
        await owner.delete(f"/api/keys/{program.key_id}")
        assert not await house.gate.still(program)


async def test_what_somebody_hands_on_as_they_go_goes_with_them(house):
    async with house.owner() as owner:
        for turn in range(5):
            async with house.invited("admin", f"ann{turn}@studio.example") as ann:
                her = (await ann.get("/api/session")).json()["actor"]["id"]
                asked = {"name": "k", "role": "admin"}
                _, *made = await asyncio.gather(
                    owner.delete(f"/api/members/{her}"),
                    *(ann.post("/api/keys", json=asked) for _ in range(4)),
                )
            assert {reply.status_code for reply in made} <= {201, NOBODY, 409}
        assert (await owner.get("/api/keys")).json()["items"] == []

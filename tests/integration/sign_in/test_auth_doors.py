"""Links, passwords and invitations let in whom they should, once, and nobody else."""

import asyncio
import contextlib
import re

import psycopg
import pytest
from tests.integration import signing_in
from tests.integration.signing_in import enter, secret_of

from spotloom.errors import NotFound


@pytest.fixture
async def house(ground):
    async with signing_in.house(ground) as one:
        yield one


def refused(reply, status):
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    return reply.json()["detail"]


# One-time links


async def test_a_link_signs_its_owner_in(house):
    assert await house.gate.is_new()
    link = await house.gate.login_link()
    assert re.fullmatch(rf"{house.url}/sign-in#spl_[\w-]{{43}}", link)
    async with house.browser() as browser:
        reply = await enter(browser, link)
        assert reply.status_code == 200, reply.text
        cookie = reply.headers["set-cookie"]
        assert cookie.startswith("spotloom=sps_")
        assert "httponly" in cookie.lower()
        assert "samesite=lax" in cookie.lower()
        assert "path=/" in cookie.lower()
        assert "domain" not in cookie.lower()
        me = (await browser.get("/api/session")).json()
        assert (me["actor"]["kind"], me["actor"]["name"], me["actor"]["role"]) == (
            "person",
            "Owner",
            "admin",
        )
        assert me["maySetPassword"] is True
    assert not await house.gate.is_new()
    assert house.audited() == ["session.began"]
    assert secret_of(link) not in str(house.run("SELECT * FROM spotloom.login_link"))


async def test_of_twenty_who_use_a_link_at_once_one_gets_in(house):
    secret = secret_of(await house.gate.login_link())
    async with contextlib.AsyncExitStack() as stack:
        browsers = [await stack.enter_async_context(house.browser()) for _ in range(20)]
        replies = await asyncio.gather(
            *(browser.post("/auth/link", json={"secret": secret}) for browser in browsers)
        )
    assert sorted(reply.status_code for reply in replies) == [200] + [401] * 19
    assert house.value("SELECT count(*) FROM spotloom.session") == 1


async def test_an_old_link_is_refused(house):
    link = await house.gate.login_link()
    house.run("UPDATE spotloom.login_link SET expires_at = now() - interval '1 second'")
    async with house.browser() as browser:
        assert "login-link" in refused(await enter(browser, link), 401)
        assert "set-cookie" not in (await enter(browser, link)).headers


@pytest.mark.parametrize("secret", ["", "x", "spl_", "spl_" + "a" * 43, "spk_" + "a" * 43, "\x00"])
async def test_what_is_no_link_is_refused(house, secret):
    async with house.browser() as browser:
        reply = await browser.post("/auth/link", json={"secret": secret})
        assert reply.status_code in {401, 422}


async def test_the_pages_of_another_site_cannot_sign_anybody_in(house):
    link = await house.gate.login_link()
    async with house.browser(headers={"origin": "http://127.0.0.1:1"}) as browser:
        refused(await enter(browser, link), 403)
    async with house.browser(headers={"sec-fetch-site": "cross-site"}) as browser:
        refused(await enter(browser, link), 403)
    async with house.browser() as browser:
        form = await browser.post("/auth/link", data={"secret": secret_of(link)})
        assert form.status_code in {415, 422}
        assert (await enter(browser, link)).status_code == 200


# Passwords


async def test_the_owner_signs_in_with_a_password(house):
    async with house.owner() as first, house.owner() as second:
        weak = await first.put("/api/session/password", json={"password": "spotloom-spotloom"})
        assert weak.status_code == 422
        assert weak.json()["errors"][0]["field"] == "password"
        set_ = await first.put("/api/session/password", json={"password": "blue kettle on a hill"})
        assert set_.status_code == 204, set_.text
        assert (await first.get("/api/session")).status_code == 200
        refused(await second.get("/api/session"), 401)  # who set it may have had a reason
    async with house.browser() as browser:
        wrong = await browser.post("/auth/password", json={"password": "blue kettle on a hil"})
        assert "not right" in refused(wrong, 401)
        right = await browser.post("/auth/password", json={"password": "blue kettle on a hill"})
        assert right.status_code == 200
        assert (await browser.get("/api/session")).json()["hasPassword"] is True
        again = {"password": "green kettle on a hill"}
        told = await browser.put("/api/session/password", json=again)
        assert told.json()["errors"][0]["field"] == "current"
        again["current"] = "blue kettle on a hill"
        assert (await browser.put("/api/session/password", json=again)).status_code == 204
    kept = house.value("SELECT password_hash FROM spotloom.person")
    assert kept.startswith("$argon2id$")
    assert house.audited().count("password.changed") == 2


async def test_unknown_people_cost_the_same_work(house):
    async with house.owner() as owner:
        await owner.put("/api/session/password", json={"password": "blue kettle on a hill"})
    seen = []
    fits = house.gate.passwords._verify

    def watched(password, kept):
        seen.append(kept)
        return fits(password, kept)

    house.gate.passwords._verify = watched
    async with house.browser() as browser:
        for body in ({"password": "wrong"}, {"email": "no@body.example", "password": "wrong"}):
            refused(await browser.post("/auth/password", json=body), 401)
    assert len(seen) == 2
    assert len({kept.rpartition("$")[0].rpartition("$")[0] for kept in seen}) == 1  # same cost
    assert seen[0] != seen[1]


async def test_guesses_are_limited_and_at_once_too(house):
    async with house.owner() as owner:
        await owner.put("/api/session/password", json={"password": "blue kettle on a hill"})
    async with house.browser() as browser:
        replies = await asyncio.gather(
            *(browser.post("/auth/password", json={"password": f"no {n}"}) for n in range(14))
        )
        assert sorted(reply.status_code for reply in replies) == [401] * 10 + [429] * 4
        right = await browser.post("/auth/password", json={"password": "blue kettle on a hill"})
        assert "login link" in refused(right, 429)
        assert 1 <= int(right.headers["retry-after"]) <= 900
        house.run("UPDATE spotloom.attempt SET since = since - interval '16 minutes'")
        right = await browser.post("/auth/password", json={"password": "blue kettle on a hill"})
        assert right.status_code == 200


async def test_guesses_from_one_network_are_counted_together(house):
    async with house.browser() as browser:

        async def guess(n, network="2001:db8:0:1"):
            return await browser.post(
                "/auth/password",
                json={"email": f"p{n}@studio.example", "password": f"no {n}"},
                headers={"x-forwarded-for": f"{network}::{n:x}"},  # a customer has a whole /64
            )

        assert (await guess(1)).status_code == 401
        house.run("UPDATE spotloom.attempt SET count = 59")  # 59 hashes would take too long
        assert (await guess(2)).status_code == 401
        assert (await guess(3)).status_code == 429
        assert (await guess(4, network="2001:db8:0:2")).status_code == 401


async def test_without_people_of_our_own_no_password_lets_in(ground):
    async with signing_in.house(ground, local=False) as house, house.browser() as browser:
        refused(await browser.post("/auth/password", json={"password": "x"}), 401)
        async with house.owner() as owner:  # whoever has the machine still gets in
            reply = await owner.put("/api/session/password", json={"password": "a" * 12})
            refused(reply, 409)


# Invitations


async def test_an_invitation_makes_a_member_once(house):
    async with house.invited("editor", "Ann@Studio.example") as ann:
        me = (await ann.get("/api/session")).json()
        assert (me["actor"]["name"], me["actor"]["role"]) == ("Ann", "editor")
        refused(await ann.get("/api/members"), 403)
        refused(await ann.post("/api/keys", json={"name": "k", "role": "viewer"}), 403)
    async with house.browser() as back:
        reply = await back.post(
            "/auth/password",
            json={
                "email": "ann@studio.example",
                "password": "correct horse of Ann@Studio.example",
            },
        )
        assert reply.status_code == 200
    async with house.owner() as owner:
        members = (await owner.get("/api/members")).json()["items"]
        assert [(m["name"], m["email"], m["role"]) for m in members] == [
            ("Owner", None, "admin"),
            ("Ann", "ann@studio.example", "editor"),
        ]
        twice = {"email": "ann@studio.example", "role": "viewer"}
        assert "already" in refused(await owner.post("/api/invitations", json=twice), 409)
        assert (await owner.get("/api/invitations")).json()["items"] == []


async def test_of_ten_who_use_an_invitation_at_once_one_gets_in(house):
    async with house.owner() as owner:
        made = await owner.post("/api/invitations", json={"email": "b@c.example", "role": "viewer"})
    body = {
        "secret": secret_of(made.json()["link"]),
        "name": "B",
        "password": "correct horse battery",
    }
    async with contextlib.AsyncExitStack() as stack:
        browsers = [await stack.enter_async_context(house.browser()) for _ in range(10)]
        replies = await asyncio.gather(*(b.post("/auth/invitations", json=body) for b in browsers))
    assert sorted(reply.status_code for reply in replies) == [200] + [401] * 9
    assert house.value("SELECT count(*) FROM spotloom.member") == 2


async def test_two_invitations_of_one_address_used_at_once_make_one_person(house, wait_until_async):
    second = "01900000-0000-7000-8000-000000000002"
    house.run("INSERT INTO spotloom.workspace (id, name) VALUES (%s, 'second')", second)
    secrets = []
    async with house.owner() as owner:
        for _ in range(2):
            asked = {"email": "b@c.example", "role": "viewer"}
            made = await owner.post("/api/invitations", json=asked)
            secrets.append(secret_of(made.json()["link"]))
            house.run(
                "UPDATE spotloom.invitation SET workspace_id = %s WHERE id = %s",
                *(second, made.json()["id"]),
            )

    async def use(secret):
        body = {"secret": secret, "name": "B", "password": "correct horse battery"}
        async with house.browser() as browser:
            return await browser.post("/auth/invitations", json=body)

    waiting = (
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE NOT granted AND datname = current_database()"
    )
    with psycopg.connect(house.database) as holder:
        # Both have looked for somebody of that address before either has written one.
        holder.execute("LOCK TABLE spotloom.person IN SHARE MODE")
        using = [asyncio.create_task(use(secret)) for secret in secrets]
        await wait_until_async(lambda: house.value(waiting) == 2)
    replies = await asyncio.gather(*using)
    assert sorted(reply.status_code for reply in replies) == [200, 409]
    assert house.value("SELECT count(*) FROM spotloom.person WHERE email IS NOT NULL") == 1
    assert house.value("SELECT count(*) FROM spotloom.invitation WHERE used_at IS NULL") == 1


async def test_an_invitation_taken_back_expired_or_replaced_is_refused(house):
    async with house.owner() as owner, house.browser() as browser:

        async def invite():
            asked = {"email": "b@c.example", "role": "viewer"}
            return (await owner.post("/api/invitations", json=asked)).json()

        async def use(made):
            body = {
                "secret": secret_of(made["link"]),
                "name": "B",
                "password": "correct horse battery",
            }
            return await browser.post("/auth/invitations", json=body)

        replaced, fresh = await invite(), await invite()
        refused(await use(replaced), 401)
        assert (await owner.delete(f"/api/invitations/{fresh['id']}")).status_code == 204
        refused(await owner.delete(f"/api/invitations/{fresh['id']}"), 404)
        refused(await use(fresh), 401)
        old = await invite()
        house.run("UPDATE spotloom.invitation SET expires_at = now() - interval '1 second'")
        refused(await use(old), 401)
        assert (await owner.get("/api/invitations")).json()["items"] == []


async def test_who_was_taken_out_comes_back_by_an_invitation(house):
    async with house.invited("editor", "ann@studio.example") as ann, house.owner() as owner:
        her = (await ann.get("/api/session")).json()["actor"]["id"]
        assert (await owner.delete(f"/api/members/{her}")).status_code == 204
        asked = {"email": "ann@studio.example", "role": "viewer"}
        made = await owner.post("/api/invitations", json=asked)
        body = {
            "secret": secret_of(made.json()["link"]),
            "name": "Ann Again",
            "password": "green kettle on a hill",
        }
        async with house.browser() as back:
            reply = await back.post("/auth/invitations", json=body)
            assert reply.status_code == 200, reply.text
            me = (await back.get("/api/session")).json()["actor"]
            assert (me["id"], me["name"], me["role"]) == (her, "Ann Again", "viewer")
        async with house.browser() as again:
            old = {"email": asked["email"], "password": "correct horse of ann@studio.example"}
            refused(await again.post("/auth/password", json=old), 401)
            new = {"email": asked["email"], "password": "green kettle on a hill"}
            assert (await again.post("/auth/password", json=new)).status_code == 200


async def test_an_invitation_changes_no_password_of_a_member(house):
    house.run(
        "INSERT INTO spotloom.workspace (id, name)"
        " VALUES ('01900000-0000-7000-8000-000000000002', 'second')"
    )
    async with house.invited("viewer", "ann@studio.example"), house.owner() as owner:
        house.run(
            "UPDATE spotloom.member SET workspace_id = '01900000-0000-7000-8000-000000000002'"
            " WHERE person_id = (SELECT id FROM spotloom.person WHERE email IS NOT NULL)"
        )
        asked = {"email": "ann@studio.example", "role": "viewer"}
        made = await owner.post("/api/invitations", json=asked)
        body = {
            "secret": secret_of(made.json()["link"]),
            "name": "Eve",
            "password": "green kettle on a hill",
        }
        async with house.browser() as eve:
            told = refused(await eve.post("/auth/invitations", json=body), 409)
            assert "login-link --email ann@studio.example" in told
        assert len((await owner.get("/api/invitations")).json()["items"]) == 1


async def test_who_lost_the_password_gets_a_link_and_sets_another(house):
    async with house.invited("editor", "ann@studio.example") as ann:
        her = (await ann.get("/api/session")).json()["actor"]["id"]
    email = "Ann@Studio.example"
    async with house.browser() as browser:
        assert (await enter(browser, await house.gate.login_link(email))).status_code == 200
        me = (await browser.get("/api/session")).json()
        assert (me["actor"]["id"], me["actor"]["role"]) == (her, "editor")
        assert me["hasPassword"] is True
        link = await house.gate.login_link(email, new_password=True)
        old = {"email": "ann@studio.example", "password": "correct horse of ann@studio.example"}
        refused(await browser.post("/auth/password", json=old), 401)
        assert (await enter(browser, link)).status_code == 200
        new = {"password": "green kettle on a hill"}
        assert (await browser.put("/api/session/password", json=new)).status_code == 204
    async with house.browser() as back:
        new["email"] = "ann@studio.example"
        assert (await back.post("/auth/password", json=new)).status_code == 200
    assert "password.forgotten" in house.audited()
    with pytest.raises(NotFound, match=r"no@body\.example"):
        await house.gate.login_link("no@body.example")


async def test_an_invitation_is_for_its_address(house):
    async with house.invited("viewer", "ann@studio.example") as ann, house.owner() as owner:
        made = await owner.post("/api/invitations", json={"email": "b@c.example", "role": "admin"})
        stolen = {"secret": secret_of(made.json()["link"])}
        refused(await ann.post("/auth/invitations", json=stolen), 401)
        assert (await ann.get("/api/session")).json()["actor"]["role"] == "viewer"
        assert len((await owner.get("/api/invitations")).json()["items"]) == 1

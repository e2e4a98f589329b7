"""Sessions rotate, idle out and end; cookies that only look like ours open nothing."""

import asyncio
import contextlib

import pytest
from tests.integration import signing_in
from tests.integration.signing_in import enter, secret_of

NOBODY = 401


@pytest.fixture
async def house(ground):
    async with signing_in.house(ground) as one:
        yield one


def token_of(browser):
    return browser.cookies["spotloom"]


async def ask(house, cookie, **headers):
    """Who a request with exactly this Cookie header is."""
    async with house.browser(headers={"cookie": cookie, **headers}) as stranger:
        return (await stranger.get("/api/session")).status_code


async def test_a_token_is_replaced_after_a_quarter_of_an_hour(house):
    async with house.owner() as owner:
        old = token_of(owner)
        assert "set-cookie" not in (await owner.get("/api/session")).headers
        house.run("UPDATE spotloom.session SET rotated_at = now() - interval '15 minutes 1 second'")
        assert (await owner.get("/api/session")).status_code == 200
        assert token_of(owner) != old
        assert await ask(house, f"spotloom={old}") == 200  # requests that were under way
        assert (await owner.get("/api/session")).status_code == 200
        house.run("UPDATE spotloom.session SET rotated_at = now() - interval '61 seconds'")
        assert await ask(house, f"spotloom={old}") == NOBODY
        assert (await owner.get("/api/session")).status_code == 200
    stored = str(house.run("SELECT * FROM spotloom.session"))
    assert old not in stored


async def test_who_never_got_the_new_token_is_not_signed_out(house):
    """The answer that brought it was lost: on the way, or with the lid of a laptop."""
    async with house.owner() as owner:
        old = token_of(owner)
        for _ in range(2):
            house.run(
                "UPDATE spotloom.session SET rotated_at = rotated_at - interval '20 minutes',"
                " seen_at = seen_at - interval '20 minutes'"
            )
            assert await ask(house, f"spotloom={old}") == 200  # its Set-Cookie goes nowhere
        house.run(
            "UPDATE spotloom.session SET rotated_at = rotated_at - interval '2 minutes',"
            " seen_at = seen_at - interval '2 minutes'"
        )
        found = await owner.get("/api/session")
        assert found.status_code == 200
        assert token_of(owner) != old
        assert (await owner.get("/api/session")).status_code == 200
        # From its first use on, the new one alone is good: a copy of the old one opens nothing.
        house.run("UPDATE spotloom.session SET rotated_at = rotated_at - interval '61 seconds'")
        assert await ask(house, f"spotloom={old}") == NOBODY
        assert (await owner.get("/api/session")).status_code == 200


async def test_signing_in_again_ends_a_session_whose_new_token_got_lost(house):
    async with house.owner() as owner:
        old = token_of(owner)
        house.run("UPDATE spotloom.session SET rotated_at = now() - interval '16 minutes'")
        assert await ask(house, f"spotloom={old}") == 200
        assert (await enter(owner, await house.gate.login_link())).status_code == 200
        ended = house.run("SELECT ended_at IS NOT NULL AS over FROM spotloom.session ORDER BY id")
        assert [row["over"] for row in ended] == [True, False]


async def test_of_many_requests_at_once_one_renews_and_all_are_let_in(house):
    async with house.owner() as owner:
        house.run("UPDATE spotloom.session SET rotated_at = now() - interval '16 minutes'")
        cookie = {"cookie": f"spotloom={token_of(owner)}"}
        async with house.browser(headers=cookie) as many:
            replies = await asyncio.gather(*(many.get("/api/session") for _ in range(20)))
        assert {reply.status_code for reply in replies} == {200}
        assert sum("set-cookie" in reply.headers for reply in replies) == 1


async def test_a_new_token_comes_with_an_error_too(house):
    async with house.owner() as owner:
        old = token_of(owner)
        house.run("UPDATE spotloom.session SET rotated_at = now() - interval '16 minutes'")
        nowhere = await owner.delete("/api/sessions/01900000-0000-7000-8000-000000000009")
        assert nowhere.status_code == 404
        assert token_of(owner) != old


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE spotloom.session SET seen_at = now() - interval '7 days 1 second'",
        "UPDATE spotloom.session SET expires_at = now()",
        "UPDATE spotloom.session SET ended_at = now()",
        "DELETE FROM spotloom.member",
    ],
)
async def test_a_session_that_is_over_lets_nobody_in(house, change):
    async with house.owner() as owner:
        house.run(change)
        assert (await owner.get("/api/session")).status_code == NOBODY


async def test_a_session_lasts_thirty_days_and_no_use_prolongs_it(house):
    async with house.owner() as owner:
        house.run("UPDATE spotloom.session SET rotated_at = now() - interval '1 hour'")
        await owner.get("/api/session")
        lasts = house.value("SELECT expires_at - created_at FROM spotloom.session")
        assert abs(lasts.total_seconds() - 30 * 86_400) < 5


async def test_a_visit_is_noted(house):
    async with house.owner() as owner:
        house.run("UPDATE spotloom.session SET seen_at = now() - interval '6 days'")
        await owner.get("/api/session")
        assert house.value("SELECT now() - seen_at < interval '5 seconds' FROM spotloom.session")


async def test_one_sees_and_ends_ones_own_sessions(house):
    async with house.owner() as here, house.owner() as there:
        found = (await here.get("/api/sessions")).json()["items"]
        assert len(found) == 2
        assert {row["userAgent"] for row in found} == {"Test Browser"}
        (other,) = [row["id"] for row in found if not row["current"]]
        assert (await here.delete(f"/api/sessions/{other}")).status_code == 204
        assert (await there.get("/api/session")).status_code == NOBODY
        assert (await here.get("/api/session")).status_code == 200
        async with house.invited("admin", "ann@studio.example") as ann:
            (mine,) = (await here.get("/api/sessions")).json()["items"][:1]
            assert (await ann.delete(f"/api/sessions/{mine['id']}")).status_code == 404
            assert [r["current"] for r in (await ann.get("/api/sessions")).json()["items"]] == [
                True
            ]
        assert (await here.delete("/api/sessions")).status_code == 204
        assert "spotloom" not in here.cookies
        assert (
            house.value(
                "SELECT count(*) FROM spotloom.session s"
                " JOIN spotloom.person p ON p.id = s.person_id"
                " WHERE s.ended_at IS NULL AND p.subject = 'owner'"
            )
            == 0
        )


async def test_signing_out_ends_the_session_and_not_the_cookie_alone(house):
    async with house.owner() as owner:
        token = token_of(owner)
        left = await owner.delete("/api/session")
        assert left.status_code == 204
        assert left.headers["clear-site-data"] == '"cache", "storage"'
        assert await ask(house, f"spotloom={token}") == NOBODY


async def test_signing_in_again_ends_the_session_before(house):
    async with house.owner() as owner:
        before = token_of(owner)
        assert (await enter(owner, await house.gate.login_link())).status_code == 200
        assert token_of(owner) != before
        assert await ask(house, f"spotloom={before}") == NOBODY


# Cookies


async def test_what_only_looks_like_our_cookie_opens_nothing(house):
    async with house.owner() as owner:
        token = token_of(owner)
    assert await ask(house, f"spotloom={token}") == 200
    assert await ask(house, f"a=b; spotloom={token}; c=d") == 200
    for lookalike in (
        f"__Host-spotloom={token}",  # the other name
        f"Spotloom={token}",
        f"spotloom ={token}",
        f"xspotloom={token}",
        f"a=spotloom={token}",  # the name in another position
        f"spotloom; {token}",
        f"spotloom=x; spotloom={token}",  # two of the name: which is ours?
        f"spotloom={token}; spotloom={token}",
        f'spotloom="{token}"',
        f"spotloom={token}x",
        f"spotloom={token[:-1]}",
        f"spotloom={token.upper()}",
        f"spotloom={token},x=y",
    ):
        assert await ask(house, lookalike) == NOBODY, lookalike


async def test_a_name_with_foreign_white_space_is_not_ours(house):
    async with house.owner() as owner:
        token = token_of(owner)
    for space in ("\x85", "\xa0", "\x1f", "\x0b"):
        line = f"{space}spotloom={token}".encode("latin-1")
        reader, writer = await asyncio.open_connection(
            *house.url.removeprefix("http://").split(":")
        )
        writer.write(
            b"GET /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            b"Cookie: " + line + b"\r\n\r\n"
        )
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.split()[1] in {b"400", b"401"}, space


async def test_over_tls_only_the_host_cookie_counts(ground):
    async with signing_in.house(ground, public_url="https://studio.example") as house:
        headers = {"host": "studio.example", "origin": "https://studio.example"}
        async with house.browser(headers=headers) as browser:
            link = await house.gate.login_link()
            assert link.startswith("https://studio.example/sign-in#spl_")
            reply = await enter(browser, link)
            assert reply.status_code == 200, reply.text
            cookie = reply.headers["set-cookie"]
        name, _, rest = cookie.partition("=")
        token, _, attributes = rest.partition(";")
        assert name == "__Host-spotloom"
        assert {part.strip().lower() for part in attributes.split(";")} >= {
            "secure",
            "httponly",
            "path=/",
            "samesite=lax",
        }
        assert "domain" not in attributes.lower()
        assert await ask(house, f"__Host-spotloom={token}", host="studio.example") == 200
        assert (
            await ask(house, f"__Host-spotloom={token}; spotloom=x", host="studio.example") == 200
        )
        for lookalike in (
            f"spotloom={token}",  # anybody on the plain-http side can plant that one
            f"__host-spotloom={token}",
            f"__Host-spotloom=x; __Host-spotloom={token}",
            f"__Secure-spotloom={token}",
        ):
            assert await ask(house, lookalike, host="studio.example") == NOBODY, lookalike


async def test_in_clear_nobody_signs_in_from_elsewhere(ground):
    async with signing_in.house(ground, public_url="http://studio.example") as house:
        headers = {"host": "studio.example", "origin": "http://studio.example"}
        async with house.browser(headers=headers) as browser:
            reply = await enter(browser, await house.gate.login_link())
            assert reply.status_code == 403
            assert "SPOTLOOM_PUBLIC_URL" in reply.json()["detail"]


# Workspaces


async def test_one_goes_from_workspace_to_workspace(house):
    house.run(
        "INSERT INTO spotloom.workspace (id, name) VALUES"
        " ('01900000-0000-7000-8000-000000000002', 'second'),"
        " ('01900000-0000-7000-8000-000000000003', 'third')"
    )
    async with house.owner() as owner:
        house.run(
            "INSERT INTO spotloom.member (workspace_id, person_id, role)"
            " SELECT '01900000-0000-7000-8000-000000000002', id, 'viewer' FROM spotloom.person"
        )
        parts = (await owner.get("/api/workspaces")).json()["items"]
        assert [(p["name"], p["role"], p["current"]) for p in parts] == [
            ("local", "admin", True),
            ("second", "viewer", False),
        ]
        before = token_of(owner)
        second = {"workspaceId": "01900000-0000-7000-8000-000000000002"}
        assert (await owner.post("/api/session/workspace", json=second)).status_code == 204
        assert token_of(owner) != before
        assert await ask(house, f"spotloom={before}") == NOBODY
        me = (await owner.get("/api/session")).json()
        assert (me["workspaceId"], me["actor"]["role"]) == (second["workspaceId"], "viewer")
        assert (await owner.get("/api/members")).status_code == 403
        third = {"workspaceId": "01900000-0000-7000-8000-000000000003"}
        assert (await owner.post("/api/session/workspace", json=third)).status_code == 404
        assert (await owner.get("/api/session")).json()["workspaceId"] == second["workspaceId"]
    async with house.browser() as again:  # the usual link leads to the owner's own
        await enter(again, await house.gate.login_link())
        assert (await again.get("/api/session")).json()["workspaceId"] != second["workspaceId"]


# Two tenants


async def test_two_tenants_see_nothing_of_each_other(house):
    house.run(
        "INSERT INTO spotloom.workspace (id, name)"
        " VALUES ('01900000-0000-7000-8000-000000000002', 'second')"
    )
    async with contextlib.AsyncExitStack() as stack:
        owner = await stack.enter_async_context(house.owner())
        ann = await stack.enter_async_context(house.invited("admin", "ann@studio.example"))
        house.run(
            "UPDATE spotloom.member SET workspace_id = '01900000-0000-7000-8000-000000000002'"
            " WHERE person_id = (SELECT id FROM spotloom.person WHERE email IS NOT NULL)"
        )
        house.run(
            "UPDATE spotloom.session SET workspace_id = '01900000-0000-7000-8000-000000000002'"
            " WHERE person_id = (SELECT id FROM spotloom.person WHERE email IS NOT NULL)"
        )
        key = (await owner.post("/api/keys", json={"name": "k", "role": "admin"})).json()
        asked = {"email": "b@c.example", "role": "viewer"}
        invitation = (await owner.post("/api/invitations", json=asked)).json()
        me = (await owner.get("/api/session")).json()["actor"]["id"]
        assert (await ann.get("/api/session")).json()["actor"]["role"] == "admin"
        assert (await ann.get("/api/keys")).json()["items"] == []
        assert (await ann.get("/api/invitations")).json()["items"] == []
        assert [m["name"] for m in (await ann.get("/api/members")).json()["items"]] == ["ann"]
        for method, path, body in (
            ("DELETE", f"/api/keys/{key['id']}", None),
            ("DELETE", f"/api/invitations/{invitation['id']}", None),
            ("DELETE", f"/api/members/{me}", None),
            ("PATCH", f"/api/members/{me}", {"role": "viewer"}),
        ):
            assert (await ann.request(method, path, json=body)).status_code == 404, path
        assert secret_of(invitation["link"])

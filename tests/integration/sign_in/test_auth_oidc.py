"""Signing in at an OpenID provider that others wrote, and all that must not let anybody in."""

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from tests.integration import signing_in
from tests.integration.peers import emulated

from spotloom.auth.sign_in import OidcSettings

CLIENT, SECRET = "spotloom-test", "a secret of the test: with / and +"


def seed(listener):
    back = f"http://127.0.0.1:{listener.getsockname()[1]}/auth/oidc/callback"
    return {
        "okta": {
            "users": [
                {"login": f"{name}@studio.example", "first_name": name, "last_name": "Test"}
                for name in ("ann", "bob")
            ],
            "authorization_servers": [{"id": "default", "name": "d", "audiences": ["api://d"]}],
            "oauth_clients": [
                {
                    "client_id": CLIENT,
                    "client_secret": SECRET,
                    "name": "Spotloom",
                    "redirect_uris": [back],
                    "auth_server_id": "default",
                }
            ],
        }
    }


@pytest.fixture
def peer(folder, listener):
    with emulated.running(folder, "okta", seed=seed(listener)) as one:
        yield one


def settings(peer, **more):
    given = {
        "issuer": f"{peer.url}/oauth2/default",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "admin_email": "Ann@studio.example",
    }
    return OidcSettings(**(given | more))


@pytest.fixture
async def house(ground, listener, peer):
    async with signing_in.house(ground, oidc=settings(peer), listener=listener) as one:
        yield one


async def depart(browser, after="/"):
    """Leave for the provider; its page, and the state."""
    answer = await browser.get("/auth/oidc", params={"after": after})
    assert answer.status_code == 303, answer.text
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    async with httpx2.AsyncClient(trust_env=False) as plain:
        return await plain.get(answer.headers["location"]), asked


async def sign_in(browser, peer, name, **more):
    page, _ = await depart(browser, **more)
    back = await emulated.choose(page, peer, email=f"{name}@studio.example")
    return await browser.get(back)


async def test_the_named_admin_comes_in_first_and_invites_others(house, peer):
    async with house.browser() as ann, house.browser() as bob:
        house.run("DELETE FROM spotloom.person")
        stranger = await sign_in(bob, peer, "bob")
        assert stranger.headers["location"] == "/sign-in?problem=stranger"
        assert house.value("SELECT count(*) FROM spotloom.person") == 0  # nothing of him is kept
        done = await sign_in(ann, peer, "ann", after="/campaigns?x=1")
        assert (done.status_code, done.headers["location"]) == (303, "/campaigns?x=1")
        me = (await ann.get("/api/session")).json()
        assert (me["actor"]["role"], me["maySetPassword"]) == ("admin", False)
        asked = {"email": "bob@studio.example", "role": "viewer"}
        assert (await ann.post("/api/invitations", json=asked)).status_code == 201
        done = await sign_in(bob, peer, "bob")
        assert done.headers["location"] == "/"
        assert (await bob.get("/api/session")).json()["actor"]["role"] == "viewer"
        assert (await ann.get("/api/invitations")).json()["items"] == []
        members = (await ann.get("/api/members")).json()["items"]
        assert [m["email"] for m in members] == ["ann@studio.example", "bob@studio.example"]
        await ann.delete(f"/api/members/{members[1]['personId']}")
        again = await sign_in(bob, peer, "bob")
        assert again.headers["location"] == "/sign-in?problem=stranger"
    assert "session.began" in house.audited()


async def test_what_is_asked_of_the_provider(house, peer):
    async with house.browser() as browser:
        _, asked = await depart(browser)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43
    assert asked["redirect_uri"] == [f"{house.url}/auth/oidc/callback"]
    assert len({asked["state"][0], asked["nonce"][0], asked["code_challenge"][0]}) == 3
    assert asked["state"][0] not in str(house.run("SELECT * FROM spotloom.sign_in"))


async def test_the_answer_is_good_for_one_browser_once(house, peer):
    async with house.browser() as ann, house.browser() as other:
        page, _ = await depart(ann)
        back = await emulated.choose(page, peer, email="ann@studio.example")
        await depart(other)
        for stranger in (other, house.browser()):  # a victim who is sent the attacker's answer
            reply = await stranger.get(back)
            assert reply.headers["location"] == "/sign-in?problem=state"
            assert "sps_" not in reply.headers.get("set-cookie", "")
        await stranger.aclose()
        kept = ann.cookies["spotloom-sign-in"]
        assert (await ann.get(back)).headers["location"] == "/"
        assert "spotloom-sign-in" not in ann.cookies
        ann.cookies.set("spotloom-sign-in", kept, domain="127.0.0.1")
        assert (await ann.get(back)).headers["location"] == "/sign-in?problem=state"


async def test_a_round_trip_ends_after_ten_minutes(house, peer):
    async with house.browser() as ann:
        page, _ = await depart(ann)
        house.run("UPDATE spotloom.sign_in SET expires_at = now()")
        back = await emulated.choose(page, peer, email="ann@studio.example")
        assert (await ann.get(back)).headers["location"] == "/sign-in?problem=state"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE spotloom.sign_in SET verifier = 'spo_another'", "untrusted"),  # PKCE
        ("UPDATE spotloom.sign_in SET nonce = 'spo_another'", "untrusted"),
    ],
)
async def test_an_answer_to_another_question_is_refused(house, peer, change, problem):
    async with house.browser() as ann:
        page, _ = await depart(ann)
        house.run(change)
        back = await emulated.choose(page, peer, email="ann@studio.example")
        assert (await ann.get(back)).headers["location"] == f"/sign-in?problem={problem}"
        assert (await ann.get("/api/session")).status_code == 401


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("&code=x", "untrusted"),  # a code of nobody's
        ("&error=access_denied", "refused"),
        ("", "refused"),
        ("&code=x&iss=https://evil.example", "untrusted"),  # another provider's answer (RFC 9207)
    ],
)
async def test_a_made_up_answer_is_refused(house, peer, query, problem):
    async with house.browser() as ann:
        _, asked = await depart(ann)
        reply = await ann.get(f"/auth/oidc/callback?state={asked['state'][0]}{query}")
        assert reply.headers["location"] == f"/sign-in?problem={problem}"
        assert (await ann.get("/api/session")).status_code == 401


async def test_a_code_is_exchanged_once(house, peer):
    async with house.browser() as ann, house.browser() as bob:
        page, _ = await depart(ann)
        back = await emulated.choose(page, peer, email="ann@studio.example")
        code = parse_qs(urlsplit(back).query)["code"][0]
        assert (await ann.get(back)).headers["location"] == "/"
        _, asked = await depart(bob)
        reply = await bob.get(f"/auth/oidc/callback?state={asked['state'][0]}&code={code}")
        assert reply.headers["location"] == "/sign-in?problem=untrusted"


@pytest.mark.parametrize(
    "more",
    [
        {"client_secret": "another"},
        {"issuer": "{url}/oauth2/default/"},
        {"issuer": "{url}/oauth2/nowhere"},
        {"issuer": "http://127.0.0.1:1"},
    ],
)
async def test_a_provider_that_does_not_fit_lets_nobody_in(ground, listener, peer, more):
    given = {name: value.replace("{url}", peer.url) for name, value in more.items()}
    async with (
        signing_in.house(ground, oidc=settings(peer, **given), listener=listener) as house,
        house.browser() as ann,
    ):
        answer = await ann.get("/auth/oidc")
        if "client_secret" in more:
            answer = await sign_in(ann, peer, "ann")
        assert answer.headers["location"].startswith("/sign-in?problem=")
        page = await ann.get(answer.headers["location"])
        assert page.status_code == 200
        assert 'role="alert"></p>' not in page.text
        assert house.value("SELECT count(*) FROM spotloom.session") == 0


async def test_a_provider_that_takes_an_access_token_without_tls_lets_nobody_in(
    ground, listener, folder, tmp_path
):
    altered = emulated.userinfo_at("http://id.example/userinfo", folder, tmp_path / "altered")
    with emulated.running(altered, "okta", seed=seed(listener)) as peer:
        async with (
            signing_in.house(ground, oidc=settings(peer), listener=listener) as house,
            house.browser() as ann,
        ):
            answer = await ann.get("/auth/oidc")
            assert answer.headers["location"] == "/sign-in?problem=provider"


async def test_a_provider_that_forgets_the_nonce_is_refused(ground, listener, folder):
    given = seed(listener)["okta"]["oauth_clients"][0]
    other = {
        "clerk": {
            "users": [{"first_name": "Ann", "email_addresses": ["ann@studio.example"]}],
            "oauth_applications": [given],
        }
    }
    with emulated.running(folder, "clerk", seed=other) as peer:
        oidc = settings(peer, issuer=peer.url)
        async with (
            signing_in.house(ground, oidc=oidc, listener=listener) as house,
            house.browser() as ann,
        ):
            reply = await sign_in(ann, peer, "ann")
            assert reply.headers["location"] == "/sign-in?problem=untrusted"


async def test_without_a_provider_there_is_no_such_door(ground):
    async with signing_in.house(ground) as house, house.browser() as browser:
        for path in ("/auth/oidc", "/auth/oidc/callback?state=x&code=y"):
            assert (await browser.get(path)).status_code == 404

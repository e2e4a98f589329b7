"""A token of Clerk's is believed when everything about it is right, and never otherwise."""

import base64
import hmac
import json
import math

import pytest
from tests.unit.auth.signed import FOREIGN, KEY, NOW, PEM, token, without

from spotloom.auth.issuers.clerk import Clerk
from spotloom.auth.issuers.tokens import Untrusted
from spotloom.auth.roles import Role
from spotloom.auth.sign_in import ClerkSettings
from spotloom.errors import SetupError

ORIGIN = "https://studio.example"
SETTINGS = ClerkSettings(
    publishable_key="pk_test_" + base64.b64encode(b"clerk.studio.example$").decode(),
    jwt_key=PEM,
    secret_key=None,
    webhook_secret=None,
)
GOOD = {
    "v": 2,
    "iss": "https://clerk.studio.example",
    "azp": ORIGIN,
    "sub": "user_1",
    "sid": "sess_1",
    "sts": "active",
    "iat": NOW - 10,
    "nbf": NOW - 20,
    "exp": NOW + 50,
    "jti": "j1",
    "fva": [0, -1],
    "o": {"id": "org_1", "slg": "acme", "rol": "admin", "per": "", "fpm": ""},
}


@pytest.fixture
async def clerk():
    one = Clerk(SETTINGS, origin=ORIGIN)
    yield one
    await one.close()


def b64(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def changed(**more):
    return token(GOOD | more)


async def test_a_good_token_says_who_and_where(clerk):
    said = clerk.session(token(GOOD), now=NOW)
    assert (said.user, said.session, said.issued_at) == ("user_1", "sess_1", NOW - 10)
    assert said.organization is not None
    assert (said.organization.id, said.organization.name, said.organization.role) == (
        "org_1",
        "acme",
        Role.ADMIN,
    )


async def test_a_session_that_is_active_need_not_say_so(clerk):
    assert clerk.session(token(without(GOOD, "sts")), now=NOW).user == "user_1"


@pytest.mark.parametrize("name", ["exp", "nbf", "iat", "iss", "azp", "sid", "sub"])
async def test_nothing_may_be_missing(clerk, name):
    with pytest.raises(Untrusted, match=name):
        clerk.session(token(without(GOOD, name)), now=NOW)
    for empty in (None, "", [], {}, True):
        with pytest.raises(Untrusted):
            clerk.session(changed(**{name: empty}), now=NOW)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"exp": NOW - 5}, "expired"),
        ({"exp": "2000000000"}, "exp"),
        ({"exp": math.nan}, "exp|signature"),
        ({"exp": math.inf}, "exp|signature"),
        ({"nbf": NOW + 6}, "not valid yet"),
        ({"iat": NOW + 6}, "future"),
        ({"iat": NOW - 86_401}, "a day old"),
        ({"iss": "https://clerk.evil.example"}, "issuer"),
        ({"iss": "https://clerk.studio.example/"}, "issuer"),
        ({"iss": ["https://clerk.studio.example"]}, "iss"),
        ({"azp": "https://evil.example"}, "another site"),
        ({"azp": "https://studio.example.evil.example"}, "another site"),
        ({"azp": "http://studio.example"}, "another site"),
        ({"azp": "https://studio.example:8443"}, "another site"),
        ({"azp": [ORIGIN]}, "azp"),
        ({"sts": "pending"}, "not active"),
        ({"sts": None}, "not active"),
        ({"sts": "anything"}, "not active"),
        ({"v": 3}, "version"),
        ({"v": "2"}, "version"),
        ({"o": "org_1"}, "organisation"),
        ({"o": {}}, "organisation"),
        ({"o": {"id": "a\x00b"}}, "organisation"),
        ({"sub": "a\x00b"}, "sub"),
    ],
)
async def test_a_wrong_claim_is_refused(clerk, change, why):
    with pytest.raises(Untrusted, match=why):
        clerk.session(changed(**change), now=NOW)


async def test_a_little_difference_of_clocks_is_allowed(clerk):
    clerk.session(changed(exp=NOW - 4, nbf=NOW + 4, iat=NOW + 4), now=NOW)


async def test_another_key_is_refused_whatever_it_calls_itself(clerk):
    with pytest.raises(Untrusted, match="signature"):
        clerk.session(token(GOOD, key=FOREIGN), now=NOW)
    own = {"jwk": FOREIGN.as_dict(private=False), "jku": "https://evil.example/keys"}
    with pytest.raises(Untrusted):
        clerk.session(token(GOOD, key=FOREIGN, header=own), now=NOW)


@pytest.mark.parametrize("secret", [PEM, PEM.strip(), KEY.as_pem(private=False).decode() + "\n"])
async def test_the_public_key_is_no_shared_secret(clerk, secret):
    signed = f"{b64(json.dumps({'alg': 'HS256', 'kid': 'k1'}))}.{b64(json.dumps(GOOD))}"
    code = hmac.digest(secret.encode(), signed.encode(), "sha256")
    forged = f"{signed}.{base64.urlsafe_b64encode(code).decode().rstrip('=')}"
    with pytest.raises(Untrusted, match="another way"):
        clerk.session(forged, now=NOW)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, "HS256", ["RS256"]])
async def test_an_unsigned_token_is_refused(clerk, alg):
    head, _, signature = token(GOOD).split(".")
    for top in ({"alg": alg}, {"alg": alg, "typ": "JWT", "kid": "k1"}, {}):
        for end in ("", signature):
            forged = f"{b64(json.dumps(top))}.{b64(json.dumps(GOOD))}.{end}"
            with pytest.raises(Untrusted):
                clerk.session(forged, now=NOW)
    assert head


async def test_another_algorithm_of_the_same_key_is_refused(clerk):
    with pytest.raises(Untrusted, match="another way"):
        clerk.session(token(GOOD, header={"alg": "RS512"}), now=NOW)


async def test_a_changed_token_is_refused(clerk):
    head, body, signature = token(GOOD).split(".")
    other = b64(json.dumps(GOOD | {"sub": "user_2"}))
    turned = signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")
    for forged in (f"{head}.{other}.{signature}", f"{head}.{body}.{turned}", f"{head}.{body}."):
        with pytest.raises(Untrusted):
            clerk.session(forged, now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "..", "...", "a.b.c", "eyJ.eyJ.x", "\x00.\x00.\x00", "ä.ö.ü", "\ud800.a.b"),
        *(b64("[" * 5000) + ".a.b", "a" * 9000 + ".b.c", b64('{"alg":"RS256"}') + ".."),
    ],
)
async def test_what_is_no_token_is_refused(clerk, text):
    with pytest.raises(Untrusted):
        clerk.session(text, now=NOW)


@pytest.mark.parametrize(
    "text", ["[]", "1", "null", "{", '"x"', "[" * 2000, '{"exp":1,"exp":9999999999}']
)
async def test_a_signed_text_that_says_nothing_is_refused(clerk, text):
    with pytest.raises(Untrusted):
        clerk.session(token(text), now=NOW)


async def test_a_claim_that_is_there_twice_is_refused(clerk):
    twice = json.dumps(GOOD)[:-1] + f', "exp": {NOW + 9999}}}'
    with pytest.raises(Untrusted):
        clerk.session(token(twice), now=NOW)


@pytest.mark.parametrize("header", [{"crit": ["b64"], "b64": False}, {"b64": True}])
async def test_a_header_that_changes_the_rules_is_refused(clerk, header):
    with pytest.raises(Untrusted):
        clerk.session(token(GOOD, header=header), now=NOW)


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("admin", Role.ADMIN),
        ("org:admin", Role.ADMIN),
        ("member", Role.EDITOR),
        ("org:editor", Role.EDITOR),
        ("viewer", Role.VIEWER),
        ("org:billing", Role.VIEWER),
        (None, Role.VIEWER),
        (["admin"], Role.VIEWER),
    ],
)
async def test_a_role_that_we_do_not_know_may_only_see(clerk, word, role):
    said = clerk.session(changed(o={"id": "org_1", "rol": word}), now=NOW)
    assert said.organization.role is role


async def test_a_personal_session_has_no_organization(clerk):
    assert clerk.session(token(without(GOOD, "o")), now=NOW).organization is None


async def test_in_version_two_only_the_newer_claim_counts(clerk):
    said = token(without(GOOD, "o") | {"org_id": "org_2", "org_role": "org:admin"})
    assert clerk.session(said, now=NOW).organization is None


async def test_the_older_version_is_read_too(clerk):
    old = without(GOOD, "o", "v", "sts") | {"org_id": "org_1", "org_role": "org:admin"}
    organization = clerk.session(token(old), now=NOW).organization
    assert (organization.id, organization.name, organization.role) == ("org_1", "org_1", Role.ADMIN)


@pytest.mark.parametrize(
    "pem", ["", "x", KEY.as_pem(private=True).decode(), PEM[:-60], PEM.replace("M", "N", 3)]
)
def test_a_key_that_cannot_be_used_is_said_at_once(pem):
    with pytest.raises(SetupError, match="CLERK_JWT_KEY"):
        Clerk(
            ClerkSettings(
                **{
                    f: getattr(SETTINGS, f)
                    for f in ("publishable_key", "secret_key", "webhook_secret")
                },
                jwt_key=pem,
            ),
            origin=ORIGIN,
        )


async def test_the_key_may_come_in_one_line(clerk):
    one_line = ClerkSettings(
        publishable_key=SETTINGS.publishable_key,
        jwt_key=PEM.replace("\n", "\\n"),
        secret_key=None,
        webhook_secret=None,
    )
    other = Clerk(one_line, origin=ORIGIN)
    assert other.session(token(GOOD), now=NOW) == clerk.session(token(GOOD), now=NOW)
    await other.close()

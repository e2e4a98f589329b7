"""Beyond this machine we listen only when somebody could sign in from there."""

import base64

import pytest

from spotloom.auth.sign_in import ClerkSettings, OidcSettings, SignIn, is_loopback, may_bind
from spotloom.errors import SetupError

OIDC = OidcSettings(
    issuer="https://id.example", client_id="c", client_secret=None, admin_email=None
)


def clerk(key):
    return ClerkSettings(publishable_key=key, jwt_key="", secret_key=None, webhook_secret=None)


def coded(host):
    return "pk_test_" + base64.b64encode(f"{host}$".encode()).decode().rstrip("=")


def ways(**more):
    given = {"local": True, "password_set": False, "public_url": "http://127.0.0.1:8000"}
    return SignIn(**(given | more))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.1.2.3"])
def test_on_this_machine_we_may_always_listen(host):
    assert is_loopback(host)
    may_bind(host, ways())


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",  # noqa: S104 - not bound here
        "::",
        "192.168.0.7",
        "studio.example",
        "127.0.0.1.example",
        "",
    ],
)
def test_elsewhere_somebody_must_be_able_to_sign_in(host):
    assert not is_loopback(host)
    for without in (ways(), ways(local=False, password_set=True)):
        with pytest.raises(SetupError, match="nobody could sign in"):
            may_bind(host, without)
    for enough in (ways(password_set=True), ways(oidc=OIDC), ways(clerk=clerk(coded("a.b")))):
        may_bind(host, enough)


def test_the_publishable_key_names_the_issuer():
    assert clerk(coded("clerk.studio.example")).issuer == "https://clerk.studio.example"


@pytest.mark.parametrize(
    "key",
    [
        "sk_test_abc",
        "pk_test_",
        "pk_test_!!!",
        coded("")[:-1],
        coded("evil.example/path"),
        coded("a b"),
        coded("a.example")[:-4],
    ],
)
def test_a_key_that_was_not_copied_whole_is_refused(key):
    with pytest.raises(SetupError, match="CLERK_PUBLISHABLE_KEY"):
        _ = clerk(key).issuer


@pytest.mark.parametrize(
    ("url", "origin", "secure"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", False),
        ("https://Studio.Example", "https://studio.example", True),
        ("HTTPS://studio.example/sub", "https://studio.example", True),
    ],
)
def test_the_public_url_says_where_we_are(url, origin, secure):
    settings = ways(public_url=url)
    assert (settings.origin, settings.secure) == (origin, secure)

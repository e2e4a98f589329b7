"""An id token is believed when it is for us, from them, for this round trip, and now."""

import pytest
from tests.unit.auth.signed import NOW, without

from spotloom.auth.issuers import oidc
from spotloom.auth.issuers.tokens import Untrusted
from spotloom.auth.sign_in import OidcSettings
from spotloom.errors import SetupError

SETTINGS = OidcSettings(
    issuer="https://id.example", client_id="us", client_secret=None, admin_email=None
)
GOOD = {
    "iss": "https://id.example",
    "sub": "1",
    "aud": "us",
    "iat": NOW - 5,
    "exp": NOW + 300,
    "nonce": "n",
}


def check(said):
    oidc.check(said, SETTINGS, nonce="n", now=NOW)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"aud": ["us"]},
        {"azp": "us"},
        {"aud": ["us", "them"], "azp": "us"},
        {"nbf": NOW},
    ],
)
def test_a_good_one_is_believed(more):
    check(GOOD | more)


@pytest.mark.parametrize("name", GOOD)
def test_nothing_may_be_missing(name):
    with pytest.raises(Untrusted):
        check(without(GOOD, name))
    with pytest.raises(Untrusted):
        check(GOOD | {name: None})


@pytest.mark.parametrize(
    "more",
    [
        {"iss": "https://id.example/"},
        {"iss": "https://evil.example"},
        {"aud": "them"},
        {"aud": []},
        {"aud": {"us": 1}},
        {"aud": ["us", "them"]},
        {"aud": ["us", "them"], "azp": "them"},
        {"azp": "them"},
        {"azp": ""},
        {"exp": NOW - 5},
        {"exp": True},
        {"iat": NOW + 6},
        {"nbf": NOW + 6},
        {"nonce": "m"},
        {"nonce": ["n"]},
    ],
)
def test_a_wrong_one_is_refused(more):
    with pytest.raises(Untrusted):
        check(GOOD | more)


@pytest.mark.parametrize(
    "issuer",
    ["http://id.example", "ftp://id.example", "id.example", "http://127.0.0.1.evil.example"],
)
def test_a_provider_without_tls_is_refused(issuer):
    settings = OidcSettings(issuer=issuer, client_id="us", client_secret=None, admin_email=None)
    with pytest.raises(SetupError, match="SPOTLOOM_OIDC_ISSUER"):
        oidc.Oidc(settings, public_url="https://studio.example")

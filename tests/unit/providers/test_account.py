"""An account is named stably and without its key, and a wrong address or key is told apart."""

import pytest

from spotloom.errors import SetupError
from spotloom.providers.account import account

KEY = "sk-secret"


def named(base_url: str, api_key: str | None = KEY) -> str:
    return account(provider="openai-videos", base_url=base_url, api_key=api_key).id


def test_the_same_account_has_one_name_however_it_is_written():
    written = ["https://a.test", "https://a.test/", " https://A.test/v1/ ", "https://a.test:443/v1"]
    assert {named(url) for url in written} == {"a.test/v1"}


def test_a_renewed_key_is_still_the_same_account():
    assert named("https://a.test", "old") == named("https://a.test", "new")


def test_another_address_is_another_account():
    names = [named(f"https://{rest}") for rest in ("a.test", "b.test", "a.test/v2", "a.test/team")]
    assert len(set(names)) == len(names)


def test_an_account_may_be_given_a_name():
    given = account(provider="p", base_url="http://127.0.0.1:9", api_key=None, name="local")
    assert given.id == "local"


def test_the_key_is_in_no_repr():
    assert KEY not in repr(account(provider="p", base_url="https://a.test", api_key=KEY))


@pytest.mark.parametrize(
    "url", ["", "a.test", "ftp://a.test", "https://", "http://[::1", "https://a.test/?key=1"]
)
def test_a_wrong_address_is_refused(url):
    with pytest.raises(SetupError, match="base URL of openai-videos"):
        named(url)


def test_a_password_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(SetupError) as caught:
        named("https://user:hunter2@a.test/v1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "kéy", "\x00"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_repeated(key):
    with pytest.raises(SetupError) as caught:
        named("https://a.test", key)
    assert key not in str(caught.value)

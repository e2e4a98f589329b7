"""Secrets cannot be guessed, say what they open, and are not what is kept of them."""

import pytest

from spotloom.auth import secrets

KINDS = (secrets.SESSION, secrets.KEY, secrets.LINK, secrets.INVITATION, secrets.STATE)


def test_every_kind_has_its_own_prefix():
    assert len(set(KINDS)) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_has_256_bits_and_its_form(kind):
    made = {secrets.new(kind) for _ in range(200)}
    assert len(made) == 200
    for one in made:
        assert secrets.well_formed(one, kind)
        assert not any(secrets.well_formed(one, other) for other in KINDS if other != kind)
        assert len(one) == 4 + 43
        assert one not in secrets.kept(one)


@pytest.mark.parametrize(
    "wrong", ["", "spk_", "spk_" + "a" * 42, "spk_" + "a" * 44, "spk_" + "a" * 42 + "\n", "x" * 47]
)
def test_anything_else_is_not_even_looked_up(wrong):
    assert not secrets.well_formed(wrong, secrets.KEY)


def test_equal_is_equal():
    assert secrets.same("abc", "abc")
    assert not secrets.same("abc", "abd")
    assert not secrets.same("abc", "äbc")

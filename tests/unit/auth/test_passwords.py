"""New passwords are long, and not among the first that are guessed."""

import pytest

from spotloom.auth.passwords import check_new
from spotloom.errors import BriefError


@pytest.mark.parametrize(
    "good", ["blue kettle on a hill", "Tr0ub4dor&3 is not it", "äöü-ßñé-œ漢字仮名交じり文"]
)
def test_what_nobody_expects_is_taken(good):
    check_new(good, told="Ann ann@studio.example")


@pytest.mark.parametrize(
    "bad",
    [
        "short",
        "a" * 12,
        "abababababab",
        "password1234",
        "Spotloom2026!",
        "qwertyuiop12",
        "123456789012",
        "ann@studio.example",
        "x" * 257,
    ],
)
def test_what_is_guessed_first_is_refused(bad):
    with pytest.raises(BriefError) as refused:
        check_new(bad, told="Ann ann@studio.example")
    assert [problem.field for problem in refused.value.problems] == ["password"]
    assert bad not in str(refused.value)

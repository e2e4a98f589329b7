"""What the command line repeats of a command, and what it does not."""

import pytest

from spotloom.cli.say import without_key


@pytest.mark.parametrize(
    "words",
    [
        ["make", "a.yaml", "--key", "spk_secret", "--yes"],
        ["make", "--key=spk_secret", "a.yaml", "--yes"],
        ["make", "a.yaml", "--yes", "--key"],
    ],
)
def test_a_key_is_not_repeated_on_a_screen(words: list[str]) -> None:
    assert without_key(words) == ["make", "a.yaml", "--yes"]

"""Names of files and folders."""

import pytest
from tests.unit.creative.examples import brief

from spotloom.creative.matrix import Combination, matrix
from spotloom.creative.naming import LONGEST_NAME, file_name, slug


def test_the_id_comes_first_and_readable_words_after() -> None:
    (made,) = matrix(brief({"gender": ("female",)}))
    assert file_name(made) == (
        f"{made.key}_problem-aware_cinema_storytime_inspire_wholesome_dialog_female.mp4"
    )
    assert file_name(made, suffix="webp").endswith("_female.webp")


def test_words_that_do_not_fit_are_left_out_whole() -> None:
    long = Combination("kabc", tuple((f"d{n}", "a" * 40) for n in range(5)))
    assert file_name(long) == f"kabc_{'a' * 40}_{'a' * 40}.mp4"
    assert len(file_name(long)) <= LONGEST_NAME


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("Tarn Audio", "tarn-audio"),
        ("  Café Ü & Söhne! ", "cafe-u-sohne"),
        ("../../etc/passwd", "etc-passwd"),
        ("x" * 99, "x" * 60),
    ],
)
def test_a_slug_is_plain(text: str, folder: str) -> None:
    assert slug(text) == folder


@pytest.mark.parametrize("text", ["CON", "nul", "Com1", "lpt9"])
def test_a_reserved_name_is_kept_readable_but_changed(text: str) -> None:
    assert slug(text).startswith(f"{text.lower()}-x")


def test_names_in_another_script_still_differ() -> None:
    assert slug("日本") != slug("中国")
    assert slug("") == slug("")

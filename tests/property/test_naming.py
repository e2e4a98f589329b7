"""Names are safe on every file system, whatever they are made from."""

import re

from hypothesis import given
from hypothesis import strategies as st
from tests.property.briefs import briefs

from spotloom.creative.brief import Brief
from spotloom.creative.matrix import Combination, matrix
from spotloom.creative.naming import file_name, slug

RESERVED = {"con", "prn", "aux", "nul"} | {f"{p}{n}" for p in ("com", "lpt") for n in range(10)}


def safe(name: str) -> bool:
    """Plain ASCII, no edge characters, no device name, at most 120 bytes."""
    plain = re.fullmatch(r"[a-z0-9]([a-z0-9_.-]*[a-z0-9])?", name) is not None
    return plain and len(name.encode()) <= 120 and name.split(".")[0] not in RESERVED


@given(briefs())
def test_every_combinations_file_has_a_safe_name_of_its_own(asked: Brief) -> None:
    made = matrix(asked)
    names = [file_name(combination) for combination in made]
    assert all(map(safe, names))
    assert len(set(names)) == len(names)
    assert all(n.startswith(c.key) for n, c in zip(names, made, strict=True))


@given(st.text(), st.lists(st.tuples(st.text(), st.text()), max_size=12), st.text(max_size=10))
def test_even_a_strange_combination_has_a_safe_name(
    key: str, values: list[tuple[str, str]], suffix: str
) -> None:
    assert safe(file_name(Combination(key, tuple(values)), suffix=suffix))


@given(st.text() | st.sampled_from(sorted(RESERVED)).map(str.upper))
def test_every_slug_is_safe_and_stays_as_it_is(text: str) -> None:
    made = slug(text)
    assert safe(made)
    assert slug(made) == made

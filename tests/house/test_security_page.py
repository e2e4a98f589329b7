"""The security page's checklist names tests that exist, and forgets no item."""

import ast
import re
from collections.abc import Iterator

import pytest
from tests.house import tree

PAGE = (tree.ROOT / "docs" / "security.md").read_text()
CHECKLIST = PAGE.partition("## Checklist")[2]
# Every item of ASVS 5.0.0 at level 1 or 2.
ITEMS = """
    1.1.1-2 1.2.1-9 1.3.1-11 1.4.1-3 1.5.1-2 2.1.1-3 2.2.1-3 2.3.1-4 2.4.1 3.2.1-2 3.3.1-4
    3.4.1-6 3.5.1-5 3.7.1-2 4.1.1-3 4.2.1 4.3.1-2 4.4.1-4 5.1.1 5.2.1-3 5.3.1-2 5.4.1-3
    6.1.1-3 6.2.1-12 6.3.1-4 6.4.1-4 6.5.1-5 6.6.1-3 6.8.1-4 7.1.1-3 7.2.1-4 7.3.1-2 7.4.1-5
    7.5.1-2 7.6.1-2 8.1.1-2 8.2.1-3 8.3.1 8.4.1 9.1.1-3 9.2.1-4 10.1.1-2 10.2.1-2 10.3.1-4
    10.4.1-11 10.5.1-5 10.6.1-2 10.7.1-3 11.1.1-2 11.2.1-3 11.3.1-3 11.4.1-4 11.5.1 11.6.1
    12.1.1-3 12.2.1-2 12.3.1-4 13.1.1 13.2.1-5 13.3.1-2 13.4.1-5 14.1.1-2 14.2.1-4 14.3.1-3
    15.1.1-3 15.2.1-3 15.3.1-7 16.1.1 16.2.1-5 16.3.1-4 16.4.1-3 16.5.1-3 17.1.1 17.2.1-4
    17.3.1-2
"""


def expanded(ranges: str) -> Iterator[str]:
    for word in ranges.split():
        first, _, last = word.partition("-")
        section, _, number = first.rpartition(".")
        yield from (f"{section}.{n}" for n in range(int(number), int(last or number) + 1))


ALL = list(expanded(ITEMS))


def listed() -> list[str]:
    found = []
    for cell in re.findall(r"^\| ([\d., to]+) \|", CHECKLIST, re.MULTILINE):
        for word in cell.split(", "):
            first, _, last = word.partition(" to ")
            found += ALL[ALL.index(first) : ALL.index(last or first) + 1]
    return found


def there_are() -> set[str]:
    names: set[str] = set()
    for path in (tree.ROOT / "tests").rglob("test_*.py"):
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        names |= {n.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, functions)}
    return names


def test_every_item_is_answered_once():
    assert sorted(listed()) == sorted(ALL)


def test_every_named_test_exists():
    named = set(re.findall(r"`(test_\w+)`", CHECKLIST))
    assert len(named) > 80
    assert named - there_are() == set()


@pytest.mark.parametrize("path", re.findall(r"`(tests/[\w/.]+)`", CHECKLIST))
def test_every_named_file_exists(path):
    assert (tree.ROOT / path).is_file()

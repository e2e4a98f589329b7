"""Modules keep the sizes, names and docstrings of style.md sections 1, 6, 9 and 11."""

import json
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import PurePath

import grimp
import pytest
from tests.house import rules, tree

PRODUCT = ("src", "bench")
FOLDERS_OF = {
    rules.opens_with_one_sentence: PRODUCT,
    rules.documents_what_is_public: PRODUCT,
    rules.catches_narrowly: PRODUCT,
    rules.uses_one_word_per_thing: ("src",),
    rules.gives_reasons_for_exceptions: (),
    rules.is_short: (),
}
# A migration is a list of statements under Alembic's fixed names, never changed again; the
# module's sentence says what it does.
MIGRATIONS = "src/spotloom/campaigns/migrations/versions/"
NOT_OF_MIGRATIONS = {rules.documents_what_is_public, rules.is_short}

BAD = {
    rules.opens_with_one_sentence: ["", '"""Many things"""', '"""One. Two."""', '"""No\n\nend."""'],
    rules.documents_what_is_public: ["def act(): ...", "class Thing: ...", "async def act(): ..."],
    rules.catches_narrowly: [
        "try: ...\nexcept Exception: ...",
        "try: ...\nexcept: ...",
        "try: ...\nexcept (OSError, BaseException) as e: raise X from e",
        "with contextlib.suppress(Exception): ...",
        "try: ...\nexcept Exception: ...  # top of the process:",
    ],
    rules.uses_one_word_per_thing: [
        "combo = 1",
        "def send(helper): ...",
        "class StringUtils: ...",
    ],
    rules.gives_reasons_for_exceptions: [
        "x = 1  # type: ignore",
        "x = 1  # type: ignore[assignment]",
        "x = 1  # noqa",
        "x = 1  # noqa: S101",
        "x = 1  # type: ignore[assignment]  # noqa: S101 - a test",
    ],
    rules.is_short: ["x = 1\n" * 401, "def act():\n" + "    x = 1\n" * 50],
}
GOOD = {
    rules.opens_with_one_sentence: ['"""Says e.g. what for.\n\nMore. And more."""'],
    rules.documents_what_is_public: ['def act():\n    """Do."""', "def _act(): ..."],
    rules.catches_narrowly: [
        "try: ...\nexcept OSError: ...",
        "try: ...\nexcept BaseException:\n    undo()\n    raise",
        "try: ...\nexcept Exception: ...  # noqa: BLE001 # top of the process: it tells people",
    ],
    rules.uses_one_word_per_thing: ["combination = combo_of(1)", "x.utils = 1"],
    rules.gives_reasons_for_exceptions: [
        "x = 1  # type: ignore[assignment]  # its stubs lag",
        "x = 1  # noqa: S101, S102 - a test",
        "# The stubs lag behind.\nx = 1  # type: ignore[assignment]",
        'x = "# type: ignore"',
    ],
    rules.is_short: ["x = 1\n" * 400, 'def act():\n    """Do\n\n    it."""\n' + "    x = 1\n" * 49],
}


def named(rule):
    return rule.__name__


def problems(rule, text):
    try:
        return list(rule(text))
    except SyntaxError as error:  # the oldest Python we promise reads it otherwise
        return [f"{error.lineno}: {error.msg}"]


@pytest.mark.parametrize("rule", FOLDERS_OF, ids=named)
def test_every_module(rule):
    wrong = [
        f"{name}:{problem}"
        for name in tree.python(*FOLDERS_OF[rule])
        if not (rule in NOT_OF_MIGRATIONS and name.startswith(MIGRATIONS))
        for problem in problems(rule, tree.text(name))
    ]
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.parametrize("rule", FOLDERS_OF, ids=named)
def test_the_rule_tells_good_from_bad(rule):
    assert [text for text in BAD[rule] if not list(rule(text))] == []
    assert [text for text in GOOD[rule] if list(rule(text))] == []


def test_no_module_has_a_name_that_says_nothing():
    refused = [n for n in tree.python() if PurePath(n).stem.lower() in rules.REFUSED_MODULES]
    rooms = [n for n in tree.python() if rules.REFUSED_MODULES & set(PurePath(n).parts)]
    assert refused + rooms == []


def test_no_room_is_crowded():
    rooms = Counter(
        PurePath(name).parent.as_posix()
        for name in tree.python("src")
        if not name.endswith("/__init__.py") and not name.startswith(MIGRATIONS)
    )
    assert rooms["src/spotloom"] > 0
    assert {room: n for room, n in rooms.items() if n > rules.ROOM_MODULES} == {}


def test_imports_keep_the_contracts():
    main = "from importlinter.cli import lint_imports_command as main; main()"
    answer = subprocess.run(
        [sys.executable, "-c", main, "--no-logo"],
        cwd=tree.ROOT,
        env={"PYTHONPATH": "src", "PATH": "", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert " 0 broken" in answer.stdout


def test_no_module_imports_itself_by_a_detour():
    graph = grimp.build_graph("spotloom", cache_dir=None)
    circles = []
    for module in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(module)):
            back = imported != module and graph.find_shortest_chain(imported, module)
            if back:
                circles.append(" -> ".join([module, *back]))
    assert circles == []


def test_the_linters_are_strict():
    tool = tomllib.loads(tree.text("pyproject.toml"))["tool"]
    assert tool["mypy"]["strict"] is True
    assert tool["ruff"]["lint"]["mccabe"]["max-complexity"] <= 8


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("ASYNC251", "import time\n\n\nasync def act() -> None:\n    time.sleep(1)\n"),
        ("ASYNC230", 'async def act() -> None:\n    open("x").close()\n'),
        ("BLE001", "try:\n    x = 1\nexcept Exception:\n    x = 2\n"),
        ("DTZ005", "import datetime as dt\n\nx = dt.datetime.now()\n"),
        ("D100", "x = 1\n"),
    ],
)
def test_ruff_refuses(code, body):
    command = ["ruff", "check", "--output-format=json", "--stdin-filename=src/spotloom/x.py", "-"]
    answer = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=tree.ROOT,
        input=body,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert code in {found["code"] for found in json.loads(answer.stdout)}

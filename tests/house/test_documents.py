"""The documents say what is there: settings, errors, commands and links."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest
from tests.house import printed, rules, tree

from spotloom import errors

MOST_SETTINGS = 40


def settings() -> dict[str, str]:
    """Environment name of every setting, and its field."""
    if importlib.util.find_spec("spotloom.settings") is None:
        return {}
    from spotloom.settings import Settings

    prefix = Settings.model_config.get("env_prefix", "")
    names = {}
    for field, info in Settings.model_fields.items():
        alias = info.validation_alias
        choices = getattr(alias, "choices", [alias])
        names[str(choices[0]) if alias else f"{prefix}{field}".upper()] = field
    return names


def test_every_setting_is_documented_and_no_other():
    page = tree.text("docs/settings.md") if "docs/settings.md" in tree.files() else ""
    documented = set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)`", page, re.MULTILINE))
    assert documented == set(settings())


def test_the_settings_can_be_counted_on_four_hands():
    assert len(settings()) <= MOST_SETTINGS


def error_classes() -> dict[str, str]:
    """Every public error of the product, and the file it stands in."""
    stands, bases = {}, {}
    for name in tree.python("src"):
        for node in ast.walk(rules.parsed(tree.text(name))):
            if isinstance(node, ast.ClassDef):
                stands[node.name] = name
                bases[node.name] = {ast.unparse(b).rpartition(".")[2] for b in node.bases}
    ours = {errors.SpotloomError.__name__}
    while grown := {name for name, of in bases.items() if of & ours} - ours:
        ours |= grown
    return {name: stands[name] for name in ours if not name.startswith("_")}


def test_every_error_is_documented_and_no_other():
    page = tree.text("docs/errors.md") if "docs/errors.md" in tree.files() else ""
    documented = set(re.findall(r"^\| `([A-Z]\w+)`", page, re.MULTILINE))
    assert documented == set(error_classes())


def test_the_errors_of_the_tree_are_seen():
    tree_of_errors = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.SpotloomError)
    }
    assert tree_of_errors <= set(error_classes())


def test_the_readme_is_short():
    assert 0 < len(tree.text("README.md").splitlines()) <= 150


@pytest.mark.parametrize("page", tree.documents())
def test_the_program_takes_every_printed_command(page):
    refused = [
        f"{' '.join(command.words)}: {why}"
        for command in printed.commands(tree.text(page))
        if (why := printed.refusal(command))
    ]
    assert not refused, "\n".join(["", *refused])


@pytest.mark.parametrize("page", tree.documents())
def test_settings_in_printed_commands_exist(page):
    named = {name for command in printed.commands(tree.text(page)) for name in command.settings}
    assert named - set(settings()) - {"PYTHON", "SPOTLOOM_NO_BROWSER"} == set()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("```console\n$ ./run plan\nnot a command\n```", [("./run", "plan")]),
        ("```sh\n./run make a.yaml \\\n  --yes # so\n```", [("./run", "make", "a.yaml", "--yes")]),
        (
            "```sh\nA=1 ./run test && cd x | git y\n```",
            [("./run", "test"), ("cd", "x"), ("git", "y")],
        ),
        ("```python\n./run nothing\n```", []),
    ],
)
def test_commands_are_found_in_fences(body, words):
    assert [command.words for command in printed.commands(body)] == words


@pytest.mark.parametrize("line", ["./run --help", "./run check -x", "git status", "./run lock"])
def test_a_command_that_works_is_taken(line):
    assert printed.refusal(printed.Printed(tuple(line.split()), ())) is None


@pytest.mark.parametrize("line", ["./run nothing", "spotloom --nothing", "spotloom test", "wget x"])
def test_a_command_that_fails_is_refused(line):
    assert printed.refusal(printed.Printed(tuple(line.split()), ()))


@pytest.mark.parametrize("page", tree.documents())
def test_links_lead_to_files(page):
    folder = Path(page).parent
    text = tree.text(page)
    links = re.findall(r"\]\((?![a-z]+:|#)([^)#\s]+)[^)]*\)", text)
    links += re.findall(r'\s(?:src|srcset)="([^"]+)"', text)
    broken = [link for link in links if not (tree.ROOT / folder / link).exists()]
    assert broken == []

"""No committed file tells of the machine or the network it was written on."""

import re
import subprocess
import tomllib

import pytest
from tests.house import tree

# None of these patterns matches its own text.
TRACES = {
    "a folder of one machine": re.compile(r"(?<![\w.~$}/-])/(?:home|root|Users|work|mnt)/\w"),
    "a package registry": re.compile(
        r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|jfrog\.io|pkg\.dev)"
        r"|\b(?:artifactory|nexus)\.[a-z]|--(?:extra-)?index[-]url|--find[-]links"
    ),
}
COMMANDS = (name for name in tree.files() if name.startswith("scripts/") and name.count("/") == 1)
EXECUTABLE = {"run", ".ci/run", *COMMANDS}


@pytest.mark.parametrize("trace", TRACES)
def test_no_file_holds(trace):
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name in tree.files()
        for number, line in enumerate(tree.text(name).splitlines(), 1)
        if TRACES[trace].search(line)
    ]
    assert not found, "\n".join(["", *found])


@pytest.mark.parametrize(
    ("trace", "line"),
    [
        # Written with a gap, or this file would hold them.
        ("a folder of one machine", "x='/ho me/me/x'"),
        ("a folder of one machine", "/Us ers/me"),
        ("a package registry", "http://py pi.org/simple"),
        ("a package registry", "--in dex-url x"),
    ],
)
def test_a_trace_is_seen(trace, line):
    assert TRACES[trace].search(line.replace(" ", "", 1))


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_pins_by_hash_and_names_no_place(lock):
    text = tree.text(lock)
    assert "://" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [
        e for e in entries if not re.match(r"[\w.\[\],-]+==\S+.*--hash=sha256:", e, re.DOTALL)
    ] == []


def test_the_locks_hold_what_the_project_asks_for():
    project = tomllib.loads(tree.text("pyproject.toml"))
    runtime = project["project"]["dependencies"]
    for lock, asked in {
        "requirements.txt": runtime,
        "requirements-dev.txt": runtime + project["dependency-groups"]["dev"],
    }.items():
        names = {re.match(r"[\w.-]+", wish)[0].lower() for wish in asked}
        locked = set(re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==", tree.text(lock), re.MULTILINE))
        assert names - locked == set()


def test_commands_can_be_started():
    listing = ["git", "ls-files", "--stage", *sorted(EXECUTABLE)]
    staged = subprocess.run(
        listing, cwd=tree.ROOT, capture_output=True, text=True, check=True, timeout=30
    ).stdout
    assert {line.split()[0] for line in staged.splitlines()} == {"100755"}

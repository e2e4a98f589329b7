"""`./run` prepares a fresh machine, and says in one line what keeps it from doing so."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = "/usr/bin:/bin"
KEPT = ("UV_", "PIP_", "SSL_", "HTTP_", "HTTPS_", "http_", "https_", "NO_PROXY", "no_proxy")


@pytest.fixture
def clone(tmp_path) -> Path:
    """A checkout of what would be committed now, in a folder whose name has a space."""
    there = tmp_path / "a new folder"
    subprocess.run(["git", "clone", "-q", ROOT, there], check=True, timeout=60)
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, timeout=60)
    for name in names.stdout.decode().split("\0"):
        if name and (ROOT / name).exists():
            (there / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, there / name)
    return there


@pytest.fixture
def surroundings(tmp_path) -> dict[str, str]:
    """A new user's environment: an empty home, nothing on PATH but the system and a Python."""
    home, programs = tmp_path / "home", tmp_path / "programs"
    home.mkdir()
    programs.mkdir()
    # A wrapper, not a link: the Python of these tests is a virtual environment's.
    write_program(programs / "python3", f'exec "{sys.base_prefix}/bin/python3" "$@"')
    kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
    return kept | {"HOME": str(home), "PATH": f"{programs}:{SYSTEM}"}


def write_program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def run(clone: Path, env: Mapping[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [clone / "run", *args],
        cwd=clone.parent,
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def shared_cache() -> dict[str, str]:
    """The real user's uv cache, where there is one, so that nothing is fetched twice."""
    cache = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".cache" / "uv"
    return {"UV_CACHE_DIR": str(cache)} if cache.is_dir() and os.access(cache, os.W_OK) else {}


@pytest.mark.slow
def test_two_at_once_on_a_fresh_machine_prepare_it_once(clone, surroundings):
    env = shared_cache() | surroundings
    both = [
        subprocess.Popen(
            [clone / "run", "--help"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    said = [[text.decode() for text in process.communicate(timeout=600)] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert all("Usage: " in out for out, _ in said)
    assert sum("installing the locked packages" in errors for _, errors in said) == 1
    again = run(clone, env, "--help")
    assert (again.returncode, again.stderr) == (0, "")


def test_an_old_python_and_an_old_uv_are_passed_over(clone, surroundings):
    programs, used = clone.parent / "programs", clone.parent / "used"
    (programs / "python3").rename(programs / "python3.14")
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        write_program(programs / name, "exit 1")
    write_program(programs / "uv", f'[ "$1" = --version ] && echo uv 0.4.30 || touch "{used}"')
    answer = run(clone, surroundings | unreachable_index(), "--help")
    assert "fetching uv" in answer.stderr  # with the newer Python; only the network was missing
    assert not used.exists()


def test_no_python_that_fits_is_said(clone, surroundings):
    programs = clone.parent / "programs"
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14", "python"):
        write_program(programs / name, "echo Python 3.9.2; exit 1")
    answer = run(clone, surroundings, "--help")
    assert answer.returncode == 1
    assert "a Python from 3.11 to 3.14 is needed" in answer.stderr
    assert "found: Python 3.9.2" in answer.stderr


def test_the_python_that_was_asked_for_must_fit(clone, surroundings):
    answer = run(clone, surroundings | {"PYTHON": "/nowhere/python"}, "--help")
    assert answer.returncode == 1
    assert "PYTHON=/nowhere/python is not a Python from 3.11 to 3.14" in answer.stderr


def test_without_the_network_it_says_so(clone, surroundings):
    answer = run(clone, surroundings | unreachable_index(), "--help")
    assert answer.returncode == 1
    assert "Check the network" in answer.stderr.splitlines()[-1]
    assert not (clone / ".venv").exists()


def test_without_venv_and_pip_it_says_what_to_install(clone, surroundings):
    real = f"{sys.base_prefix}/bin/python3"
    bare = f'[ "$1" = -m ] && exit 1\nexec "{real}" "$@"'
    write_program(clone.parent / "programs" / "python3", bare)
    write_program(clone.parent / "programs" / "uv", "exit 1")
    answer = run(clone, surroundings, "--help")
    assert answer.returncode == 1
    assert "apt install python3-venv" in answer.stderr


def test_an_unknown_task_names_the_known_ones(clone, surroundings):
    (clone / "scripts" / "faults").unlink()
    answer = run(clone, surroundings, "faults")
    assert answer.returncode == 1
    assert "there is no task 'faults' yet; the tasks are: bench check" in answer.stderr


def test_ctrl_c_during_the_preparation_is_not_a_failed_download(clone, surroundings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        env = surroundings | unreachable_index(silent.getsockname()[1])
        process = subprocess.Popen(
            [clone / "run", "--help"], env=env, stderr=subprocess.PIPE, start_new_session=True
        )
        connection, _ = silent.accept()  # pip waits for an answer now
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=60)[1].decode()
        connection.close()
    assert process.returncode == 130
    assert "run: uv could not" not in said


def unreachable_index(port: int = 9) -> dict[str, str]:
    """Package indexes that answer nothing; port 9 is the closed discard port."""
    index = f"http://127.0.0.1:{port}/simple"
    offline = {"PIP_INDEX_URL": index, "UV_DEFAULT_INDEX": index, "PIP_EXTRA_INDEX_URL": ""}
    quiet = {"PIP_FIND_LINKS": "", "PIP_NO_CACHE_DIR": "1", "UV_NO_CACHE": "1"}
    return offline | quiet | {"PIP_CONFIG_FILE": os.devnull, "NO_PROXY": "127.0.0.1"}

"""The launcher finds or starts one sandbox for a home folder, and nothing outlives its users."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from tests.integration.sandbox_process import ENVIRONMENT, until

from spotloom.errors import SetupError
from spotloom.sandbox.launcher import Address, Running, ensure


def health(running: Running) -> dict[str, object]:
    url = running.base_url.removesuffix("/v1") + "/sandbox/health"
    return dict(httpx2.get(url, trust_env=False).json())


def gone(pid: object) -> bool:
    assert isinstance(pid, int)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        # A killed process stays in the table until its parent, here init, has taken it off.
        status = Path(f"/proc/{pid}/stat")
        return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z"
    return True


def test_users_share_one_server_that_ends_after_the_last(tmp_path: Path) -> None:
    home = tmp_path / "a home"
    with ThreadPoolExecutor(4) as threads:
        users = list(threads.map(lambda _: ensure(home, limit=4), range(4)))
    try:
        assert len({user.base_url for user in users}) == 1
        pid = health(users[0])["pid"]
        assert (home / "ready.json").stat().st_mode & 0o077 == 0
        for user in users[1:]:
            user.stop()
        assert health(users[0])["pid"] == pid
    finally:
        users[0].stop()
    until(lambda: gone(pid), what="the end of the server")
    assert not (home / "ready.json").exists()


def test_a_later_user_can_change_the_limit(tmp_path: Path) -> None:
    first = ensure(tmp_path, limit=4)
    try:
        second = ensure(tmp_path, limit=9)
        assert (second.base_url, health(first)["limit"]) == (first.base_url, 9)
        second.stop()
    finally:
        first.stop()


def test_a_killed_user_leaves_no_server(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib; from spotloom.sandbox.launcher import ensure;"
        "print(ensure(pathlib.Path(sys.argv[1]), limit=4).base_url, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as user:
        assert user.stdout is not None
        url = user.stdout.readline().strip().removesuffix("/v1")
        pid = httpx2.get(f"{url}/sandbox/health", trust_env=False).json()["pid"]
        user.kill()
    until(lambda: gone(pid), what="the end of the server")


def test_a_killed_server_is_replaced_with_its_ledger(tmp_path: Path) -> None:
    first = ensure(tmp_path, limit=4)
    httpx2.post(f"{first.base_url}/videos", json={"prompt": "Tea", "seconds": "1"}, timeout=30)
    pid = health(first)["pid"]
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    second = ensure(tmp_path, limit=4)
    try:
        assert health(second)["pid"] != pid
        listed = httpx2.get(f"{second.base_url}/videos", trust_env=False).json()["data"]
        assert [job["prompt"] for job in listed] == ["Tea"]
    finally:
        first.stop()
        second.stop()


def test_a_stranger_on_the_remembered_port_is_not_trusted(tmp_path: Path) -> None:
    other = ensure(tmp_path / "other", limit=4)
    home = tmp_path / "home"
    home.mkdir()
    Address(other.base_url.removesuffix("/v1"), "not its secret").write(home / "ready.json")
    own = ensure(home, limit=4)
    try:
        assert own.base_url != other.base_url
    finally:
        own.stop()
        other.stop()


@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps({"url": "ftp://x", "secret": "y"})])
def test_a_broken_ready_file_is_written_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "ready.json").write_text(content)
    running = ensure(tmp_path, limit=4)
    try:
        assert health(running)["status"] == "ok"
    finally:
        running.stop()


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="file"):
        ensure(tmp_path / "file", limit=4)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "sandbox.sqlite").write_text("no database, for certain" * 100)
    with pytest.raises(SetupError, match=r"did not start: .*cannot be opened"):
        ensure(tmp_path / "home", limit=4)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spotloom.sandbox", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=ENVIRONMENT, check=False
    )


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run("--home", str(tmp_path), "--port", str(port))
    assert ended.returncode == 1
    assert f"Port {port} is in use" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_wrong_script_stops_the_start(tmp_path: Path) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text("rules: [{where: moon, fault: drop}]")
    ended = run("--home", str(tmp_path / "home"), "--faults", str(script))
    assert ended.returncode == 1
    assert "rules.0.where" in ended.stderr

"""Leases count users across processes, and die with them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spotloom import leases

HOLD = """
import sys, pathlib
from spotloom import leases
folder = pathlib.Path(sys.argv[1])
{take}
print("held", flush=True)
sys.stdin.read()
"""
LEASE = "lease = leases.Lease(folder)"
LOCK = "lock = leases.exclusively(folder); lock.__enter__()"


@contextmanager
def another_process(folder: Path, take: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD.format(take=take), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(leases.__file__).parents[1])},
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_the_last_to_leave_is_told_so(tmp_path: Path) -> None:
    first, second = leases.Lease(tmp_path), leases.Lease(tmp_path)
    assert leases.in_use(tmp_path)
    assert not first.release()
    assert leases.in_use(tmp_path)
    assert second.release()
    assert not leases.in_use(tmp_path)


def test_another_process_counts_until_it_is_killed(tmp_path: Path) -> None:
    with another_process(tmp_path, LEASE) as other:
        assert not leases.Lease(tmp_path).release()
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert not leases.in_use(tmp_path)
        assert leases.Lease(tmp_path).release()


def test_only_one_process_starts_joins_or_leaves(
    tmp_path: Path, wait_until: Callable[..., Any]
) -> None:
    with (
        another_process(tmp_path, LOCK) as first,
        subprocess.Popen(
            [sys.executable, "-c", HOLD.format(take=LOCK), str(tmp_path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(leases.__file__).parents[1])},
        ) as second,
    ):
        assert leases.claim(tmp_path / "start.lock") is None
        assert second.poll() is None
        first.kill()
        assert second.stdout
        assert second.stdout.readline() == "held\n"
    wait_until(lambda: second.poll() is not None)


def test_a_claim_lives_as_long_as_the_child_it_was_handed_to(
    tmp_path: Path, wait_until: Callable[..., Any]
) -> None:
    claim = leases.claim(tmp_path / "alive")
    assert claim is not None
    with subprocess.Popen(["sleep", "60"], pass_fds=(claim,)) as child:
        os.close(claim)
        assert leases.claim(tmp_path / "alive") is None
        child.kill()
        child.wait()
        again = wait_until(lambda: leases.claim(tmp_path / "alive"))
        os.close(again)


def test_nobody_else_may_read_the_locks_and_so_hold_them(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        with leases.exclusively(tmp_path):
            leases.Lease(tmp_path).release()
    finally:
        os.umask(umask)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"start.lock": 0o600, "in-use.lock": 0o600}

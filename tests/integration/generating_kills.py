"""Kills a submitting process at random moments, and looks what it left behind."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.generating import Stage
from tests.integration.generating_provider import environment


@contextmanager
def submitter(stage: Stage, videos: int) -> Iterator["subprocess.Popen[str]"]:
    """A process that submits a batch of that many videos for each line it is told."""
    program = Path(__file__).with_name("generating_submitter.py")
    process = subprocess.Popen(
        [sys.executable, str(program), stage.url, stage.sandbox.url, str(videos)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert said(process) == "ready"
        yield process
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def submit_and_kill(process: "subprocess.Popen[str]", key: str, *, after_s: float | None) -> int:
    """Submit under that key, and kill it meanwhile; how the process ended (0: it was quicker)."""
    assert process.stdin is not None
    process.stdin.write(f"{key}\n")
    process.stdin.flush()
    child = int(said(process))
    if after_s is not None:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    process.stdin.write("reap\n")
    process.stdin.flush()
    return int(said(process))


def kill_many(stage: Stage, times: int, *, videos: int) -> tuple[int, int]:
    """Submit that often, each killed at a random moment: how many campaigns are whole, and gone.

    AssertionError when one is neither.
    """
    with submitter(stage, videos) as process:
        begun = time.monotonic()
        assert submit_and_kill(process, "undisturbed", after_s=None) == 0
        whole_s = time.monotonic() - begun
        for n in range(times):
            submit_and_kill(process, f"killed-{n}", after_s=random.uniform(0, 1.3 * whole_s))
    rows = stage.query(_STORED)
    for row in rows:
        stored = (row["combinations"], row["generations"], row["reserved"], row["queued"])
        assert stored == (videos,) * 4, row
    for table in ("combination", "generation", "ledger"):
        orphans = f"SELECT count(*) FROM spotloom.{table} WHERE campaign_id NOT IN (SELECT id FROM spotloom.campaign)"  # noqa: E501, S608 - our own words
        assert stage.count(orphans) == 0
    return len(rows) - 1, times - len(rows) + 1


_STORED = """
SELECT c.batch_key,
  (SELECT count(*) FROM spotloom.combination x WHERE x.campaign_id = c.id) AS combinations,
  (SELECT count(*) FROM spotloom.generation x WHERE x.campaign_id = c.id) AS generations,
  (SELECT count(*) FROM spotloom.generation x
    WHERE x.campaign_id = c.id AND status = 'queued') AS queued,
  (SELECT count(*) FROM spotloom.ledger x
    WHERE x.campaign_id = c.id AND kind = 'reserve') AS reserved
FROM spotloom.campaign c
"""

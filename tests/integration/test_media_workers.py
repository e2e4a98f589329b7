"""Worker processes look at files, survive what the files do, and never outlive us."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image
from tests.unit.media.videos import make_video

from spotloom.errors import Transient
from spotloom.media.inspected import BadFile, Unplayable
from spotloom.media.workers import Workers

ROOT = Path(__file__).parents[2]


@pytest.fixture
def workers() -> Iterator[Workers]:
    pool = Workers(2)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    return make_video(tmp_path_factory.mktemp("v") / "v.mp4", size=(72, 128), frames=24)


@pytest.fixture(scope="module")
def long_video(tmp_path_factory) -> Path:
    """Takes a worker a few seconds."""
    path = tmp_path_factory.mktemp("v") / "v.mp4"
    return make_video(path, size=(720, 1280), frames=600, sound=False)


def told(pid: int, what: str) -> str:
    """What the system says of a process."""
    return Path(f"/proc/{pid}/{what}").read_text()


def running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in told(pid, "status")
    except FileNotFoundError:
        return False


async def test_a_file_is_seen_by_another_process(workers, video, tmp_path):
    assert workers.pids == frozenset()
    seen = await workers.inspect(video, tmp_path / "stills")
    assert seen.video == video
    assert (seen.probe.width, seen.probe.height) == (72, 128)
    assert seen.probe.seconds == Decimal("1.000")
    with Image.open(seen.poster) as poster, Image.open(seen.sprite) as sprite:
        assert poster.size == (72, 128)
        assert sprite.size == (450, 800)
    assert len(workers.pids) == 1
    assert os.getpid() not in workers.pids


async def test_no_more_processes_than_asked_and_they_are_used_again(workers, video, tmp_path):
    for _ in range(2):
        await asyncio.gather(*(workers.inspect(video, tmp_path / str(i)) for i in range(6)))
        assert len(workers.pids) == 2


async def test_what_is_wrong_with_a_file_comes_back_as_our_error(workers, video, tmp_path):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(video.read_bytes()[:-100])
    with pytest.raises(BadFile, match="early"):
        await workers.inspect(cut, tmp_path / "stills")
    huge = make_video(
        tmp_path / "huge.mp4", size=(4100, 2400), frames=1, sound=False, codec="mpeg4"
    )
    with pytest.raises(Unplayable, match="4100x2400") as refused:
        await workers.inspect(huge, tmp_path / "stills")
    assert refused.value.code == "unplayable"
    with pytest.raises(Transient, match="FileNotFoundError"):
        await workers.inspect(tmp_path / "none.mp4", tmp_path / "stills")
    await workers.inspect(video, tmp_path / "stills")
    assert len(workers.pids) == 1  # none of this cost a process


async def test_a_worker_killed_at_rest_is_replaced(workers, video, tmp_path, wait_until_async):
    await workers.inspect(video, tmp_path)
    (pid,) = workers.pids
    os.kill(pid, signal.SIGKILL)
    await wait_until_async(lambda: not running(pid))
    await workers.inspect(video, tmp_path)
    assert pid not in workers.pids


async def test_a_worker_killed_at_work_is_replaced_and_the_file_seen(
    workers, long_video, tmp_path, wait_until_async
):
    looking = asyncio.create_task(workers.inspect(long_video, tmp_path))
    (pid,) = await wait_until_async(lambda: workers.pids)
    await wait_until_async(lambda: decoding(pid), 60)
    os.kill(pid, signal.SIGKILL)
    assert (await looking).probe.frames == 600
    assert pid not in workers.pids


def decoding(pid: int) -> bool:
    """Whether the worker has spent more processor time than its start takes."""
    fields = told(pid, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") > 0.6


async def test_a_file_that_kills_every_worker_is_given_up_alone(long_video, video, tmp_path):
    pool = Workers(2, patience_s=0.5)  # too short for the long one, whatever it does
    try:
        doomed = asyncio.create_task(pool.inspect(long_video, tmp_path / "a"))
        with pytest.raises(Transient, match=r"died twice over v\.mp4"):
            await doomed
        assert pool.pids == frozenset()
    finally:
        pool.close()


async def test_workers_let_the_pages_go_first(workers, video, tmp_path):
    await workers.inspect(video, tmp_path)
    (pid,) = workers.pids
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)


async def test_workers_hold_none_of_our_secrets(workers, video, tmp_path, monkeypatch):
    monkeypatch.setenv("SORA_API_KEY", "hunter2")
    await workers.inspect(video, tmp_path)
    (pid,) = workers.pids
    assert "hunter2" not in told(pid, "environ")


async def test_a_long_file_takes_bounded_memory(workers, long_video, tmp_path):
    await workers.inspect(long_video, tmp_path)
    (pid,) = workers.pids
    highest_kb = int(told(pid, "status").partition("VmHWM:")[2].split()[0])
    assert highest_kb < 150_000


async def test_closing_ends_the_processes_and_what_is_under_way(
    long_video, tmp_path, wait_until_async
):
    pool = Workers(1)
    tasks = [asyncio.create_task(pool.inspect(long_video, tmp_path)) for _ in range(3)]
    pids = await wait_until_async(lambda: pool.pids)
    await asyncio.to_thread(pool.close)
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, Transient) for end in ends)
    assert not any(running(pid) for pid in pids)
    with pytest.raises(Transient, match="clos"):
        await pool.inspect(long_video, tmp_path)


PARENT = """
import asyncio, sys
from pathlib import Path
from spotloom.media.workers import Workers

assert "av" not in sys.modules and "numpy" not in sys.modules  # the parent stays light

async def main(video, folder):
    pool = Workers(1)
    await pool.inspect(Path(video), Path(folder))
    print(*pool.pids, flush=True)
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


def test_a_killed_parent_leaves_no_workers(
    video: Path, tmp_path: Path, wait_until: Callable[..., object]
):
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), video, tmp_path],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        worker = int(parent.stdout.readline())
        assert running(worker)
        parent.kill()
    wait_until(lambda: not running(worker))

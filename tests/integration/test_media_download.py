"""Downloads survive what servers, lines and disks do to them."""

import asyncio
import contextlib
import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from spotloom.errors import Permanent, Transient
from spotloom.media.disk import Busy, DiskFull, PartFile
from spotloom.media.download import Downloaded, NotVideo, TooLarge, download
from spotloom.providers.provider import Content

FTYP = (24).to_bytes(4) + b"ftypisom" + bytes(12)
BODY = FTYP + os.urandom(3_000_000)
MOST = 10_000_000


@dataclass
class Answer:
    """How the server treats one request."""

    body: bytes = BODY
    status: int | None = None
    kind: str = "video/mp4"
    ranges: bool = True
    length: bool = True
    cut_at: int | None = None  # byte of the file after which the line drops
    stall_at: int | None = None


@dataclass
class Server:
    """A real HTTP server that misbehaves as told, one answer after the other."""

    answers: list[Answer]
    asked: list[int] = field(default_factory=list)  # the offset of every request
    port: int = 0
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            found = re.search(r"(?i)range: bytes=(\d+)-", head)
            offset = int(found[1]) if found else 0
            answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
            self.asked.append(offset)
            await self._send(writer, answer, offset)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _send(self, writer: asyncio.StreamWriter, answer: Answer, offset: int) -> None:
        start = offset if answer.ranges else 0
        status = answer.status or (206 if start else 200)
        lines = [f"HTTP/1.1 {status} X", f"Content-Type: {answer.kind}", "Connection: close"]
        if start:
            lines.append(f"Content-Range: bytes {start}-{len(answer.body) - 1}/{len(answer.body)}")
        if answer.length:
            lines.append(f"Content-Length: {len(answer.body) - start}")
        writer.write("\r\n".join([*lines, "", ""]).encode())
        end = min(e for e in (answer.cut_at, answer.stall_at, len(answer.body)) if e is not None)
        writer.write(answer.body[start:end])
        await writer.drain()
        if answer.stall_at is not None:
            await self.hold.wait()

    def open(self, offset: int) -> contextlib.AbstractAsyncContextManager[Content]:
        return opened(f"http://127.0.0.1:{self.port}/video", offset)


@contextlib.asynccontextmanager
async def opened(url: str, offset: int) -> AsyncIterator[Content]:
    """What a provider's adapter does: ask for a range, and turn the client's errors into ours."""
    headers = {"Range": f"bytes={offset}-"} if offset else {}
    try:
        async with (
            httpx2.AsyncClient(trust_env=False) as client,
            client.stream("GET", url, headers=headers) as reply,
        ):
            if reply.status_code == 410:
                raise Permanent("The file is gone.", code="expired")
            if reply.status_code >= 400:
                raise Transient(f"answer {reply.status_code}", retry_after_s=7)
            told = re.match(r"bytes (\d+)-\d+/(\d+)", reply.headers.get("content-range", ""))
            plain = reply.headers.get("content-length")
            yield Content(
                offset=int(told[1]) if told else 0,
                length=int(told[2]) if told else plain and int(plain),
                content_type=reply.headers["content-type"],
                chunks=reply.aiter_raw(),
            )
    except httpx2.HTTPError as error:
        raise Transient(f"the line dropped: {type(error).__name__}") from error


@pytest.fixture
async def serving() -> AsyncIterator[Callable]:
    """`await serving(Answer(), …)` starts a server; the last answer repeats."""
    running: list[tuple[asyncio.Server, Server]] = []

    async def start(*answers: Answer) -> Server:
        server = Server(list(answers))
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        running.append((listening, server))
        return server

    yield start
    for listening, server in running:
        server.hold.set()
        listening.close()
        await listening.wait_closed()


def same(got: Downloaded, path: Path, body: bytes = BODY) -> bool:
    assert path.read_bytes() == body
    assert got == Downloaded(path, len(body), hashlib.sha256(body).hexdigest(), "video/mp4")
    assert not path.with_name(path.name + ".part").exists()
    return True


async def test_a_plain_download_is_whole_and_hashed(serving, tmp_path):
    server = await serving(Answer())
    path = tmp_path / "new" / "v.mp4"
    assert same(await download(server.open, path, max_bytes=MOST), path)


async def test_a_cut_is_resumed_where_it_happened(serving, tmp_path):
    server = await serving(Answer(cut_at=1_000_000), Answer(cut_at=2_500_000), Answer())
    path = tmp_path / "v.mp4"
    assert same(await download(server.open, path, max_bytes=MOST), path)
    assert server.asked == [0, 1_000_000 - 4096, 2_500_000 - 4096]


async def test_a_server_without_ranges_is_read_again_from_the_start(serving, tmp_path):
    server = await serving(Answer(cut_at=1_000_000), Answer(ranges=False))
    path = tmp_path / "v.mp4"
    assert same(await download(server.open, path, max_bytes=MOST), path)


async def test_a_file_that_changed_under_way_is_begun_again(serving, tmp_path):
    other = FTYP + os.urandom(2_000_000)
    server = await serving(Answer(cut_at=1_000_000), Answer(body=other))
    path = tmp_path / "v.mp4"
    assert same(await download(server.open, path, max_bytes=MOST), path, other)


async def test_a_file_that_became_shorter_is_begun_again(serving, tmp_path):
    other = BODY[:500_000]
    server = await serving(Answer(cut_at=1_000_000), Answer(status=416), Answer(body=other))
    path = tmp_path / "v.mp4"
    assert same(await download(server.open, path, max_bytes=MOST), path, other)


async def test_cuts_that_persist_are_transient_and_what_came_is_kept(serving, tmp_path):
    server = await serving(Answer(cut_at=1_000_000))
    path = tmp_path / "v.mp4"
    with pytest.raises(Transient, match=r"stopped 3 times, last at 1,000,000 of 3,000,024 bytes"):
        await download(server.open, path, max_bytes=MOST, tries=3)
    assert not path.exists()
    server.answers = [Answer()]
    server.asked.clear()
    assert same(await download(server.open, path, max_bytes=MOST), path)
    assert server.asked == [1_000_000 - 4096]


async def test_a_part_that_is_already_whole_needs_its_last_bytes_only(serving, tmp_path):
    server = await serving(Answer())
    path = tmp_path / "v.mp4"
    path.with_name("v.mp4.part").write_bytes(BODY)
    assert same(await download(server.open, path, max_bytes=MOST), path)
    assert server.asked == [len(BODY) - 4096]


async def test_an_outage_loses_nothing_of_what_came_before(serving, tmp_path):
    path = tmp_path / "v.mp4"
    path.with_name("v.mp4.part").write_bytes(BODY[:2_000_000])
    server = await serving(Answer(status=503))
    with pytest.raises(Transient, match="503") as stopped:
        await download(server.open, path, max_bytes=MOST)
    assert stopped.value.retry_after_s == 7
    assert path.with_name("v.mp4.part").stat().st_size == 2_000_000


async def test_nobody_listening_is_transient(serving, tmp_path, unused_tcp_port):
    def nobody(offset: int) -> contextlib.AbstractAsyncContextManager[Content]:
        return opened(f"http://127.0.0.1:{unused_tcp_port}/", offset)

    with pytest.raises(Transient, match="ConnectError"):
        await download(nobody, tmp_path / "v.mp4", max_bytes=MOST)


async def test_a_line_that_goes_quiet_is_left_and_resumed(serving, tmp_path):
    server = await serving(Answer(stall_at=1_000_000), Answer())
    path = tmp_path / "v.mp4"
    assert same(await download(server.open, path, max_bytes=MOST, stall_s=0.3), path)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!doctype html><title>Sign in</title>" * 9, "text/html"),
        (b'{"error": {"message": "not yet"}}', "application/json"),
        (b"<html>" + bytes(3_000_000), "video/mp4"),
        (b"", "video/mp4"),
        (b"\0\0", "video/mp4"),
    ],
)
async def test_what_is_no_video_is_refused_and_not_kept(body, kind, serving, tmp_path):
    server = await serving(Answer(body=body, kind=kind))
    with pytest.raises(NotVideo):
        await download(server.open, tmp_path / "v.mp4", max_bytes=MOST)
    assert list(tmp_path.iterdir()) == []
    assert len(server.asked) == 1


async def test_a_cut_within_the_first_bytes_is_a_cut_not_a_wrong_type(serving, tmp_path):
    server = await serving(Answer(cut_at=3), Answer())
    path = tmp_path / "v.mp4"
    assert same(await download(server.open, path, max_bytes=MOST), path)


async def test_an_announced_excess_is_refused_before_it_is_sent(serving, tmp_path):
    server = await serving(Answer())
    with pytest.raises(TooLarge, match="3,000,024 bytes; 1,000,000"):
        await download(server.open, tmp_path / "v.mp4", max_bytes=1_000_000)
    assert list(tmp_path.iterdir()) == []


async def test_an_endless_body_is_refused_at_the_limit(tmp_path):
    @contextlib.asynccontextmanager
    async def endless(offset: int) -> AsyncIterator[Content]:
        async def chunks() -> AsyncIterator[bytes]:
            yield FTYP
            while True:
                yield bytes(65_536)

        yield Content(offset=0, length=None, content_type="video/mp4", chunks=chunks())

    with pytest.raises(TooLarge, match="more"):
        await download(endless, tmp_path / "v.mp4", max_bytes=5_000_000)
    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_is_gone_is_permanent(serving, tmp_path):
    server = await serving(Answer(status=410))
    with pytest.raises(Permanent, match="gone"):
        await download(server.open, tmp_path / "v.mp4", max_bytes=MOST)
    assert len(server.asked) == 1


async def test_without_a_length_the_end_is_believed(serving, tmp_path):
    server = await serving(Answer(length=False))
    path = tmp_path / "v.mp4"
    assert same(await download(server.open, path, max_bytes=MOST), path)


async def test_two_processes_do_not_write_one_file(serving, tmp_path):
    server = await serving(Answer())
    path = tmp_path / "v.mp4"
    with PartFile(path), pytest.raises(Busy):
        await download(server.open, path, max_bytes=MOST)
    assert same(await download(server.open, path, max_bytes=MOST), path)


async def test_a_disk_without_room_is_named_before_anything_is_written(tmp_path):
    free = shutil.disk_usage(tmp_path).free

    @contextlib.asynccontextmanager
    async def huge(offset: int) -> AsyncIterator[Content]:
        async def chunks() -> AsyncIterator[bytes]:
            yield BODY

        yield Content(offset=0, length=free * 2, content_type="video/mp4", chunks=chunks())

    with pytest.raises(DiskFull, match=re.escape(str(tmp_path))) as full:
        await download(huge, tmp_path / "v.mp4", max_bytes=free * 3)
    assert 0 < full.value.free <= free * 1.1
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 1 MB, where this account may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk; the next test needs no rights")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_disk_that_fills_up_is_named_and_left_clean(small_disk, serving, tmp_path):
    server = await serving(Answer(length=False))
    with pytest.raises(DiskFull, match=r"small is full: .* bytes are free"):
        await download(server.open, small_disk / "v.mp4", max_bytes=MOST)
    assert list(small_disk.iterdir()) == []
    short = await serving(Answer(body=BODY[:500_000]))
    path = small_disk / "v.mp4"
    assert same(await download(short.open, path, max_bytes=MOST), path, BODY[:500_000])


async def test_the_systems_word_for_no_room_becomes_disk_full(tmp_path):
    # /dev/full answers every write with ENOSPC, for every account.
    (tmp_path / "v.mp4.part").symlink_to("/dev/full")
    file = PartFile(tmp_path / "v.mp4")
    with file, pytest.raises(DiskFull) as full:
        file.write(BODY)
    assert isinstance(full.value.__cause__, OSError)
    assert full.value.__cause__.errno == errno.ENOSPC


PROGRAM = """
import asyncio, contextlib, hashlib, resource, sys
from pathlib import Path
from spotloom.media.download import download
from spotloom.providers.provider import Content

SIZE = 300_000_000
ZEROS = bytes(65_536)

@contextlib.asynccontextmanager
async def zeros(offset):
    async def chunks():
        yield (24).to_bytes(4) + b"ftypisom" + bytes(12)
        left = SIZE - 24
        while left:
            yield ZEROS[:left]
            left -= min(left, len(ZEROS))
    yield Content(offset=0, length=SIZE, content_type="video/mp4", chunks=chunks())

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
got = asyncio.run(download(zeros, Path(sys.argv[1]), max_bytes=SIZE))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(got.bytes, after - before)
"""


def test_300_megabytes_pass_through_constant_memory(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path / "v.mp4")],
        env=os.environ | {"PYTHONPATH": "src"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    size, grown = map(int, run.stdout.split())
    (tmp_path / "v.mp4").unlink()
    unit = 1 if sys.platform == "darwin" else 1024
    assert size == 300_000_000
    assert grown * unit < 20_000_000

"""Finished files are kept whole, in a folder and in a bucket."""

import asyncio
import contextlib
import http.server
import os
import re
import subprocess
import sys
import textwrap
import threading
import urllib.parse
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from spotloom.errors import NotFound, SetupError, Transient
from spotloom.media.disk import DiskFull
from spotloom.media.store import Store, key_for

KEY = key_for("campaign", "combination", 1, "video.mp4")


class Bucket(http.server.ThreadingHTTPServer):
    """A small server of the S3 protocol: whole and multipart puts, ranges, deletes."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, str]] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.kinds: dict[str, str] = {}
        self.refusing = 0  # the status that every request gets
        super().__init__(("127.0.0.1", 0), _Request)


class _Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Bucket

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _read(self) -> tuple[str, dict[str, str], bytes]:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return path, dict(urllib.parse.parse_qsl(query, keep_blank_values=True)), body

    def do_PUT(self) -> None:
        path, query, body = self._read()
        if self.server.refusing:
            return self._answer(self.server.refusing)
        if "partNumber" in query:
            self.server.parts[query["uploadId"]][int(query["partNumber"])] = body
        else:
            self.server.kept[path] = body, self.headers.get("Content-Type", "")
        return self._answer(200, ETag='"e"')

    def do_POST(self) -> None:
        path, query, body = self._read()
        if self.server.refusing:
            return self._answer(self.server.refusing)
        if "delete" in query:
            keys = re.findall(r"<Key>(.*?)</Key>", body.decode())
            for key in keys:
                self.server.kept.pop(f"{path}/{key}", None)
            said = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
            return self._answer(200, f"<DeleteResult>{said}</DeleteResult>".encode())
        if "uploads" in query:
            upload = uuid.uuid4().hex
            self.server.parts[upload] = {}
            self.server.kinds[upload] = self.headers.get("Content-Type", "")
            xml = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId>"
            return self._answer(200, f"{xml}</InitiateMultipartUploadResult>".encode())
        parts = self.server.parts.pop(query["uploadId"])
        whole = b"".join(parts[number] for number in sorted(parts))
        self.server.kept[path] = whole, self.server.kinds[query["uploadId"]]
        xml = b"<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"
        return self._answer(200, xml)

    def do_GET(self) -> None:
        path, _, _ = self._read()
        if self.server.refusing or path not in self.server.kept:
            return self._answer(self.server.refusing or 404)
        body, kind = self.server.kept[path]
        dated = {"Last_Modified": "Tue, 24 Nov 2026 00:00:00 GMT", "ETag": '"e"'}
        if found := self.headers.get("Range"):
            start, _, end = found.removeprefix("bytes=").partition("-")
            part = body[int(start) : int(end or len(body)) + 1]
            where = f"bytes {start}-{int(start) + len(part) - 1}/{len(body)}"
            return self._answer(206, part, Content_Range=where, **dated)
        if self.command == "HEAD":
            return self._answer(200, Content_Length=str(len(body)), Content_Type=kind, **dated)
        return self._answer(200, body, Content_Type=kind, **dated)

    def do_HEAD(self) -> None:
        self.do_GET()


@pytest.fixture
def bucket(monkeypatch) -> Iterator[Bucket]:
    server = Bucket()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_REGION", "auto")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["folder", "bucket"])
def store(request, tmp_path) -> Store:
    if request.param == "folder":
        return Store.open(str(tmp_path / "kept files"))
    request.getfixturevalue("bucket")
    return Store.open("s3://films/spotloom")


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# One file below and one above the size at which uploads are made in parts.
@pytest.mark.parametrize("size", [1, 20_000_000])
async def test_a_file_comes_back_as_it_went(size, store, tmp_path):
    data = os.urandom(size)
    await store.put_file(KEY, written(tmp_path / "in", data), content_type="video/mp4")
    assert await store.exists(KEY)
    assert await store.size(KEY) == size
    await store.fetch(KEY, tmp_path / "deep" / "out")
    assert (tmp_path / "deep" / "out").read_bytes() == data
    assert await store.read_range(KEY, 0, 1) == data[:1]
    assert await store.read_range(KEY, size // 2, size // 2 + 100) == data[size // 2 :][:100]


async def test_the_same_key_again_replaces_the_file(store, tmp_path):
    for text in (b"first, longer", b"second"):
        await store.put_file(KEY, written(tmp_path / "in", text), content_type="video/mp4")
    assert await store.size(KEY) == 6
    await store.fetch(KEY, tmp_path / "in")
    assert (tmp_path / "in").read_bytes() == b"second"


async def test_what_is_not_there_is_not_found(store, tmp_path):
    assert not await store.exists(KEY)
    for call in (store.size(KEY), store.fetch(KEY, tmp_path / "out"), store.read_range(KEY, 0, 5)):
        with pytest.raises(NotFound, match=KEY):
            await call
    assert not (tmp_path / "out").exists()
    with pytest.raises(NotFound, match="missing"):
        await store.put_file(KEY, tmp_path / "missing", content_type="video/mp4")
    assert not await store.exists(KEY)


async def test_a_deleted_file_is_gone_and_deleting_again_is_fine(store, tmp_path):
    await store.put_file(KEY, written(tmp_path / "in", b"x"), content_type="video/mp4")
    await store.delete(KEY)
    await store.delete(KEY)
    assert not await store.exists(KEY)


async def test_a_folder_tells_where_the_file_lies_and_leaves_no_halves(tmp_path):
    store = Store.open(str(tmp_path / "kept"))
    source = written(tmp_path / "in", os.urandom(20_000_000))
    puts = (store.put_file(KEY, source, content_type="video/mp4") for _ in range(4))
    await asyncio.gather(*puts)
    path = store.local_path(KEY)
    assert path == tmp_path / "kept" / KEY
    assert path.read_bytes() == source.read_bytes()
    assert list(path.parent.iterdir()) == [path]


async def test_a_bucket_keeps_the_content_type_and_the_prefix(bucket, tmp_path):
    store = Store.open("s3://films/spotloom")
    assert store.local_path(KEY) is None
    small, large = b"x", os.urandom(9_000_000)
    for name, data in (("poster.webp", small), ("video.mp4", large)):
        key = key_for("campaign", "combination", 1, name)
        kind = "image/webp" if data is small else "video/mp4"
        await store.put_file(key, written(tmp_path / "in", data), content_type=kind)
        assert bucket.kept[f"/films/spotloom/{key}"] == (data, kind)


async def test_a_bucket_that_refuses_us_names_what_to_mend_and_no_secret(bucket, tmp_path):
    store = Store.open("s3://films/spotloom")
    bucket.refusing = 403
    with pytest.raises(SetupError, match="credentials") as refused:
        await store.put_file(KEY, written(tmp_path / "in", b"x"), content_type="video/mp4")
    assert "hunter2" not in str(refused.value)


async def test_a_bucket_that_nobody_serves_is_transient(monkeypatch, unused_tcp_port, tmp_path):
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unused_tcp_port}"),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "auto"),
        ("AWS_SKIP_SIGNATURE", "true"),
    ):
        monkeypatch.setenv(name, value)
    with pytest.raises(Transient, match="s3://films"):
        await Store.open("s3://films").size(KEY)


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(command, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("size", [2_000_000, 20_000_000])
async def test_a_full_disk_is_named_and_left_clean(size, small_disk, tmp_path):
    store = Store.open(str(small_disk))
    source = written(tmp_path / "in", bytes(size))
    with pytest.raises(DiskFull, match="small is full"):
        await store.put_file(KEY, source, content_type="video/mp4")
    assert [p for p in small_disk.rglob("*") if p.is_file()] == []
    elsewhere = Store.open(str(tmp_path / "kept"))
    await elsewhere.put_file(KEY, source, content_type="video/mp4")
    with pytest.raises(DiskFull, match="small is full"):
        await elsewhere.fetch(KEY, small_disk / "out")
    assert not (small_disk / "out").exists()


UPLOAD = """
import asyncio, resource, sys
from pathlib import Path
from spotloom.media.store import Store

async def main(target, source):
    store = Store.open(target)
    await store.put_file("a/b", Path(source).with_name("tiny"), content_type="video/mp4")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await store.put_file("a/c", Path(source), content_type="video/mp4")
    await store.fetch("a/c", Path(source).with_name("back"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)

asyncio.run(main(*sys.argv[1:]))
"""


def test_200_megabytes_pass_through_a_folder_in_constant_memory(tmp_path):
    (tmp_path / "tiny").write_bytes(b"x")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(200_000_000)
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(UPLOAD), tmp_path / "kept", tmp_path / "large"],
        env=os.environ | {"PYTHONPATH": "src"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    unit = 1 if sys.platform == "darwin" else 1024
    assert (tmp_path / "back").stat().st_size == 200_000_000
    for name in ("large", "back", "kept/a/c"):
        with contextlib.suppress(FileNotFoundError):
            (tmp_path / name).unlink()
    assert int(run.stdout) * unit < 80_000_000

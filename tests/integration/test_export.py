"""A campaign's folder is complete, exact and safe to write twice, whatever lies in it."""

import asyncio
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from tests.unit.cli import made

from spotloom.cli.export import export
from spotloom.creative.status import Status
from spotloom.errors import SetupError
from spotloom.media.store import Store, key_for

AESTHETICS = ("ugc", "cinema", "professional")


@pytest.fixture
def store(tmp_path):
    return Store.open(str(tmp_path / "store"))


async def kept(store: Store, key: str, content: bytes, tmp: Path):
    path = tmp / "incoming"
    path.write_bytes(content)
    await store.put_file(key, path, content_type="video/mp4")
    return made.file(url=key, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


@pytest.fixture
async def videos(store, tmp_path):
    """Three finished videos whose files are in the store, with their stills."""
    finished = []
    for number, option in enumerate(AESTHETICS):
        video = made.video(chosen={"aesthetic": option})
        files = {}
        for kind, name in (("video", "a.mp4"), ("poster", "a.webp"), ("sprite", "b.webp")):
            content = f"{kind} {number} ".encode() * (300_000 if kind == "video" else 10)
            key = key_for("campaign", video.combination_id, 1, name)
            files[kind] = await kept(store, key, content, tmp_path)
        finished.append(video.model_copy(update={"files": files}))
    return finished


def put_out(videos, store, folder, **changes):
    campaign = made.campaign(**changes)
    return export(campaign, videos, fetch=lambda f, to: store.fetch(f.url, to), folder=folder)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


async def test_the_folder_holds_every_file_and_what_it_says_is_true(videos, store, tmp_path):
    folder = tmp_path / "new" / "out"
    exported = await put_out(videos, store, folder)
    assert (exported.videos, exported.copied, exported.folder) == (3, 3, folder)
    written = json.loads((folder / "manifest.json").read_bytes())
    assert written == exported.manifest
    for entry, video in zip(written["videos"], videos, strict=True):
        assert entry["file"].startswith(
            f"{video.combination_id}_problem-aware_{dict(video.values)['aesthetic']}"
        )
        content = (folder / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    expected = {entry["file"] for entry in written["videos"]}
    expected |= {
        f"{kind}s/{v.combination_id}.webp" for v in videos for kind in ("poster", "sprite")
    }
    assert set(snapshot(folder)) == expected | {"manifest.json", "manifest.csv", "index.html"}


async def test_a_second_export_changes_nothing(videos, store, tmp_path):
    folder = tmp_path / "out"
    await put_out(videos, store, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = await put_out(videos, store, folder)
    assert (again.videos, again.copied) == (3, 0)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


async def test_a_finished_folder_needs_the_store_no_more(videos, store, tmp_path):
    folder = tmp_path / "out"
    await put_out(videos, store, folder)
    for video in videos:
        for file in video.files.values():
            await store.delete(file.url)
    assert (await put_out(videos, store, folder)).videos == 3


async def test_a_growing_campaign_adds_to_its_folder(videos, store, tmp_path):
    folder = tmp_path / "out"
    waiting = videos[2].model_copy(
        update={"status": Status.GENERATING, "files": {}, "actual_cost": None}
    )
    first = await put_out([*videos[:2], waiting], store, folder)
    assert (first.videos, first.copied) == (2, 2)
    assert first.manifest["videos"][2]["file"] is None
    second = await put_out(videos, store, folder)
    assert (second.videos, second.copied) == (3, 1)


@pytest.mark.parametrize("damage", [b"", b"half", "same size"])
async def test_a_damaged_copy_is_replaced(damage, videos, store, tmp_path):
    folder = tmp_path / "out"
    exported = await put_out(videos, store, folder)
    whole = snapshot(folder)
    path = folder / exported.manifest["videos"][1]["file"]
    path.write_bytes(bytes(path.stat().st_size) if damage == "same size" else damage)
    again = await put_out(videos, store, folder)
    assert again.copied == 1
    assert snapshot(folder) == whole


KILLED = """
import asyncio, pickle, resource, signal, sys
from pathlib import Path
from spotloom.cli.export import export
from spotloom.media.store import Store

campaign, videos = pickle.load(sys.stdin.buffer)
store = Store.open(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the kernel ends us in the middle of a film
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
asyncio.run(export(
    campaign, videos, fetch=lambda f, to: store.fetch(f.url, to), folder=Path(sys.argv[2])
))
"""


async def test_an_export_killed_half_way_is_finished_by_the_next(videos, store, tmp_path):
    whole, folder = tmp_path / "whole", tmp_path / "out"
    await put_out(videos, store, whole)
    small = await kept(store, videos[0].files["video"].url, b"a short film", tmp_path)
    videos[0] = videos[0].model_copy(update={"files": {**videos[0].files, "video": small}})
    killed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, store.name, str(folder)],
        input=pickle.dumps((made.campaign(), videos)),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGXFSZ
    assert any(path.name.endswith(".arriving.part") for path in folder.iterdir())
    assert not (folder / "manifest.json").exists()
    (folder / ".index.html.arriving").write_bytes(b"<!doc")
    await put_out(videos, store, folder)
    await put_out(videos, store, whole)
    assert snapshot(folder) == snapshot(whole)


@pytest.mark.parametrize("end", ["missing", "changed"])
async def test_a_file_lost_by_the_store_is_told_and_the_others_are_there(
    end, videos, store, tmp_path
):
    uri = videos[1].files["video"].url
    if end == "missing":
        await store.delete(uri)
    else:
        await kept(store, uri, b"another film", tmp_path)
    folder = tmp_path / "out"
    exported = await put_out(videos, store, folder)
    assert exported.videos == 2
    entry = exported.manifest["videos"][1]
    assert (entry["file"], entry["sha256"]) == (None, None)
    assert entry["error"]["code"] == {"missing": "file_missing", "changed": "file_damaged"}[end]
    assert uri in entry["error"]["message"]
    assert not any(
        path.name.startswith(f"{videos[1].combination_id}_") for path in folder.iterdir()
    )
    assert [path for path in folder.rglob(".*") if path.is_file()] == []
    assert "File missing" in (folder / "index.html").read_text()


async def test_a_picture_lost_by_the_store_costs_only_the_picture(videos, store, tmp_path):
    await store.delete(videos[0].files["poster"].url)
    exported = await put_out(videos, store, tmp_path / "out")
    assert exported.videos == 3
    assert exported.manifest["videos"][0]["error"] is None


async def test_files_of_others_stay_as_they_are(videos, store, tmp_path):
    folder = tmp_path / "out"
    (folder / "posters").mkdir(parents=True)
    theirs = {"notes.txt": b"mine", "posters/me.webp": b"me", "film.mp4": b"film", ".env": b"x=1"}
    for name, content in theirs.items():
        (folder / name).write_bytes(content)
    await put_out(videos, store, folder)
    assert {name: (folder / name).read_bytes() for name in theirs} == theirs


@pytest.mark.parametrize("name", ["index.html", "manifest.json", "manifest.csv"])
async def test_a_page_of_somebody_else_is_not_overwritten(name, videos, store, tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / name).write_text("<!doctype html><title>My shop</title>")
    with pytest.raises(SetupError, match=rf"site already has a file {name}"):
        await put_out(videos, store, folder)
    assert snapshot(folder) == {name: b"<!doctype html><title>My shop</title>"}


async def test_the_copy_is_not_the_stored_file(videos, store, tmp_path):
    folder = tmp_path / "out"
    exported = await put_out(videos, store, folder)
    copy = folder / exported.manifest["videos"][0]["file"]
    with copy.open("ab") as file:
        file.write(b"edited by a client")
    assert await store.size(videos[0].files["video"].url) == videos[0].files["video"].bytes


async def test_a_file_where_the_folder_should_be_is_named(videos, store, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(SetupError, match=r"/out cannot (hold|be written)"):
        await put_out(videos, store, tmp_path / "out")


async def test_a_folder_where_a_file_should_be_is_named(videos, store, tmp_path):
    (tmp_path / "out" / "index.html").mkdir(parents=True)
    with pytest.raises(SetupError, match=r"/out cannot hold the export: .*index\.html"):
        await put_out(videos, store, tmp_path / "out")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
async def test_a_closed_folder_is_named(videos, store, tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    with pytest.raises(SetupError, match="closed cannot be written to"):
        await put_out(videos, store, folder)


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(command, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk_is_named_and_room_is_enough_to_go_on(
    videos, store, small_disk, tmp_path
):
    with pytest.raises(SetupError, match=r"The disk of .*small is full"):
        await put_out(videos, store, small_disk)
    assert not (small_disk / "manifest.json").exists()
    grow = ["mount", "-o", "remount,size=30m", str(small_disk)]
    await asyncio.to_thread(subprocess.run, grow, check=True)
    assert (await put_out(videos, store, small_disk)).videos == 3


async def test_money_under_way_and_in_doubt_is_said(videos, store, tmp_path):
    stands = made.spend(reserved=Decimal(5), unknown=Decimal("0.0125"))
    folder = tmp_path / "out"
    exported = await put_out(videos, store, folder, spend=stands)
    assert (exported.manifest["reservedCost"], exported.manifest["unknownCost"]) == (5.0, 0.0125)
    page = (folder / "index.html").read_text()
    assert "$5.00 charged" in page
    assert "$5.00 set aside for videos under way" in page
    assert "$0.0125 possibly charged" in page

"""`spotloom demo` from end to end: twelve real animatics, a manifest, a contact sheet."""

import contextlib
import csv
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote

import av
import httpx2
import pytest
from tests.integration.command_line import PROGRAM, data_folder
from tests.integration.sandbox_process import serving

ROOT = Path(__file__).resolve().parents[2]
SECONDS, RATE = 10, 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """What the demo leaves, in a folder of a name with a space."""
    out = tmp_path_factory.mktemp("demo") / "first look"
    # Its sandbox ends by itself, a moment after its last user, and writes until then.
    with tempfile.TemporaryDirectory(prefix="spotloom-demo-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o711)  # root's database runs as another account
        settings = {"SPOTLOOM_HOME": f"{home}/data", "PYTHONPATH": str(ROOT / "src")}
        said = subprocess.run(
            [sys.executable, "-m", "spotloom", "demo", "--no-serve", "--out", str(out)],
            env=os.environ | settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
        assert said.returncode == 0, said
        assert "2 × 3 × 2 = 12 videos" in said.stdout
        assert f"12 of 12 videos are in {out}" in said.stdout
        assert said.stdout.splitlines()[-1] == f"Contact sheet: {out / 'index.html'}"
    return out


@pytest.fixture(scope="module")
def manifest(folder) -> dict:
    return json.loads((folder / "manifest.json").read_text())


@pytest.mark.slow
def test_the_demo_makes_twelve_playable_videos_of_the_exact_length(folder, manifest):
    assert len(manifest["videos"]) == 12
    for video in manifest["videos"]:
        file = folder / video["file"]
        with av.open(str(file)) as opened:
            stream = opened.streams.video[0]
            assert (stream.width, stream.height) == (720, 1280)
            assert stream.average_rate == Fraction(RATE)
            frames = sum(1 for _ in opened.decode(stream))
        assert frames == SECONDS * RATE
        with av.open(str(file)) as opened:
            heard = sum(frame.samples / frame.sample_rate for frame in opened.decode(audio=0))
        assert heard == pytest.approx(SECONDS, abs=0.1)
        assert (video["seconds"], video["width"], video["height"]) == (SECONDS, 720, 1280)
        assert hashlib.sha256(file.read_bytes()).hexdigest() == video["sha256"]
        assert file.stat().st_size <= 1_000_000


@pytest.mark.slow
def test_no_two_videos_of_the_demo_are_the_same(manifest):
    for what in ("sha256", "file", "combinationId", "prompt", "providerJobId"):
        assert len({video[what] for video in manifest["videos"]}) == 12, what


@pytest.mark.slow
def test_the_manifest_says_what_it_would_cost_and_that_nothing_was_charged(folder, manifest):
    assert (manifest["estimatedCost"], manifest["actualCost"]) == (60.0, 0.0)
    assert {video["status"] for video in manifest["videos"]} == {"completed"}
    assert "not AI footage" in manifest["notice"]
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["combinationId"] for row in rows] == [
        video["combinationId"] for video in manifest["videos"]
    ]


@pytest.mark.slow
def test_the_contact_sheet_shows_every_video(folder, manifest):
    page = unquote((folder / "index.html").read_text())
    for video in manifest["videos"]:
        assert page.count(video["file"]) >= 1
        assert (folder / "posters" / f"{video['combinationId']}.webp").stat().st_size > 1000
    assert "not AI footage" in page


LINK = re.compile(r"(http://127\.0\.0\.1:(\d+))/sign-in#(\S+)")


@contextlib.contextmanager
def taken(port: int) -> Iterator[None]:
    """Somebody listens at that port: we, or whoever was there before."""
    with socket.socket() as somebody, contextlib.suppress(OSError):
        somebody.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        somebody.bind(("127.0.0.1", port))
        somebody.listen()
        yield
        return
    yield


@pytest.fixture
def quick_home() -> Iterator[Path]:
    """A data folder whose sandbox is at work already, and yields stock clips."""
    with (
        data_folder() as home,
        serving(home / "sandbox", "--instant-seconds", "0.5", "--warm", "720x1280:10"),
    ):
        yield home


def test_the_demo_serves_the_studio_while_it_works_and_until_it_is_stopped(
    quick_home, tmp_path, wait_until
):
    said, told = tmp_path / "said", tmp_path / "told"
    settings = {"SPOTLOOM_HOME": str(quick_home), "PYTHONPATH": str(ROOT / "src")}
    with taken(8765), said.open("wb") as out, told.open("wb") as err:
        # Not a terminal: it serves all the same.
        process = subprocess.Popen(
            [*PROGRAM, "demo", "--out", str(tmp_path / "files")],
            env=os.environ | settings,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        try:
            found = wait_until(lambda: LINK.search(said.read_text()), deadline_s=120)
            address, port, secret = found.groups()
            assert "Contact sheet" not in said.read_text()  # the link comes before the films
            assert port != "8765"
            assert f"Port 8765 is taken; the studio is at {address} instead." in told.read_text()
            _look(address, secret)
            wait_until(lambda: "Ctrl-C stops it" in said.read_text(), deadline_s=120)
            assert "12 of 12 videos are in" in said.read_text()
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0, told.read_text()
        finally:
            process.kill()
            process.wait()
    assert f"login-link --url {address}" in said.read_text()


def _look(address: str, secret: str) -> None:
    """Sign in by the link, and find the campaign in the studio."""
    with httpx2.Client(base_url=address, trust_env=False, timeout=30) as browser:
        entered = browser.post("/auth/link", json={"secret": secret}, headers={"origin": address})
        assert entered.status_code == 200, entered.text
        page = browser.get("/", headers={"accept": "text/html"})
        assert page.status_code == 200
        assert "Tarn Audio" in page.text
        (campaign,) = browser.get("/api/campaigns").json()["items"]
        assert campaign["totalVideos"] == 12

"""`spotloom demo` from end to end: twelve real animatics, a manifest, a contact sheet."""

import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote

import av
import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS, RATE = 10, 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """What the demo leaves, in a folder of a name with a space."""
    out = tmp_path_factory.mktemp("demo") / "first look"
    with tempfile.TemporaryDirectory(prefix="spotloom-demo-") as home:
        Path(home).chmod(0o711)  # root's database runs as another account
        settings = {"SPOTLOOM_HOME": f"{home}/data", "PYTHONPATH": str(ROOT / "src")}
        said = subprocess.run(
            [sys.executable, "-m", "spotloom", "demo", "--no-serve", "--out", str(out)],
            env=os.environ | settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=400,
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

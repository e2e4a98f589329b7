"""Finished animatics, decoded again: their length, their loop, their label, their failures."""

import itertools
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from spotloom.sandbox.animatic import Play, render, thumbnail
from spotloom.sandbox.film.captions import LABEL, label
from spotloom.sandbox.storyboard import Order, Storyboard

ORDER = Order(
    prompt="Idea: A bottle that keeps cold for a day. No ice. Close: “Try one”",
    seconds=3,
    width=360,
    height=640,
    loop=False,
    brand="Fell & Fjord",
    values=(
        ("funnelLevel", "problem-aware"),
        ("aesthetic", "ugc"),
        ("type", "listicle"),
        ("intention", "educate"),
        ("mood", "wholesome"),
        ("audioStyle", "music-light-upbeat"),
        ("lifeStage", "parents"),
    ),
    seed="job-1",
)


def _with(order: Order, **values: str) -> Order:
    return replace(order, values=tuple((dict(order.values) | values).items()))


def _pictures(path: Path) -> list[np.ndarray]:
    with av.open(path) as film:
        return [f.to_ndarray(format="gray").astype(np.int16) for f in film.decode(video=0)]


@pytest.mark.parametrize("seconds", [1, 2, 5])
@pytest.mark.parametrize("size", [(360, 640), (640, 360), (512, 512)])
def test_every_whole_second_has_exactly_its_frames(tmp_path, seconds, size):
    path = tmp_path / "film.mp4"
    render(replace(ORDER, seconds=seconds, width=size[0], height=size[1]), path)
    with av.open(path) as film:
        video, audio = film.streams.video[0], film.streams.audio[0]
        assert (video.width, video.height, video.average_rate) == (*size, 24)
        assert (video.codec_context.name, video.pix_fmt, audio.codec_context.name) == (
            "h264",
            "yuv420p",
            "aac",
        )
        assert float(video.duration * video.time_base) == pytest.approx(seconds, abs=1e-6)
        assert float(audio.duration * audio.time_base) == pytest.approx(seconds, abs=1 / 24)
        assert film.duration / av.time_base == pytest.approx(seconds, abs=1 / 24)
        assert "Spotloom sandbox" in film.metadata["comment"]
        assert film.metadata["title"] == "Animatic: Fell & Fjord"
        assert sum(1 for _ in film.decode(video=0)) == seconds * 24
    head = path.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")


def test_the_same_order_gives_the_same_file(tmp_path):
    for name in ("one", "two"):
        render(ORDER, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one", "two"]


@pytest.mark.parametrize("mood", ["wholesome", "shocking", "unhinged"])
def test_a_loop_ends_where_it_begins(tmp_path, mood):
    path = tmp_path / "film.mp4"
    render(replace(_with(ORDER, mood=mood), loop=True, seconds=6), path)
    frames = _pictures(path)
    steps = [np.abs(b - a).mean() for a, b in itertools.pairwise(frames)]
    seam = np.abs(frames[0] - frames[-1]).mean()
    # Around the seam the first beat is arriving, as every beat does: no step there is a cut.
    assert seam <= 1.5 * max(*steps[:3], *steps[-3:]) + 1
    assert seam <= max(steps)


def test_a_film_that_does_not_loop_ends_on_the_call_to_action(tmp_path):
    path = tmp_path / "film.mp4"
    render(replace(ORDER, seconds=6), path)
    frames = _pictures(path)
    assert np.abs(frames[-1] - frames[-3]).mean() < 2
    assert np.abs(frames[-1] - frames[0]).mean() > 10


@pytest.mark.parametrize(
    "values",
    [{"aesthetic": "cinema", "mood": "intense"}, {"mood": "unhinged"}, {"type": "vintage-80s-ad"}],
)
def test_the_label_stands_on_every_frame(values):
    order = replace(_with(ORDER, **values), width=720, height=1280, seconds=1)
    play = Play(Storyboard(order))
    assert LABEL == "ANIMATIC · drawn locally, not AI footage"
    sign = label(1.0)
    ink = np.asarray(sign.convert("L")) * (np.asarray(sign.getchannel("A")) == 255)
    left, top = (720 - sign.width) // 2, 1280 - 64 - sign.height
    assert left >= 36
    for canvas in play.frames():
        picture = canvas.frame.to_ndarray(format="gray")
        seen = picture[top : top + sign.height, left : left + sign.width]
        assert seen[ink > 240].mean() > 225
        assert seen[(ink > 10) & (ink < 40)].mean() < 60


def test_different_combinations_look_different():
    base = replace(ORDER, seconds=2)
    orders = [
        base,
        _with(base, aesthetic="cinema"),
        _with(base, aesthetic="animated-2d"),
        _with(base, mood="shocking"),
        _with(base, type="vintage-90s-ad"),
        _with(base, funnelLevel="most-aware"),
        replace(base, brand="Zed"),
    ]
    stills = []
    for order in orders:
        play = Play(Storyboard(order))
        frames = [canvas.frame.to_ndarray(format="rgb24") for canvas in play.frames()]
        stills.append(np.stack(frames[10::12]).astype(np.int16))
    for n, still in enumerate(stills):
        for other in stills[n + 1 :]:
            assert np.abs(still - other).mean() > 2


@pytest.mark.parametrize("prompt", ["", "\u6771\u4eac \U0001f525", "x" * 4000, "\x00\ufffd"])
def test_any_text_can_be_drawn(tmp_path, prompt):
    order = replace(ORDER, prompt=prompt, brand=prompt[:300], values=(), seconds=1)
    render(order, tmp_path / "film.mp4")
    assert len(_pictures(tmp_path / "film.mp4")) == 24


def test_silence_is_silent_and_music_is_not(tmp_path):
    for style, quiet in (("silence", True), ("music-tension", False)):
        path = tmp_path / f"{style}.mp4"
        render(replace(_with(ORDER, audioStyle=style), seconds=2), path)
        with av.open(path) as film:
            peak = max(np.abs(f.to_ndarray()).max() for f in film.decode(audio=0))
        assert bool(peak < 1e-4) is quiet
        assert peak < 0.7


def test_the_thumbnail_is_a_webp_of_the_whole_picture(tmp_path):
    path = tmp_path / "still.webp"
    path.write_bytes(thumbnail(ORDER))
    with Image.open(path) as still:
        assert (still.format, still.size) == ("WEBP", (360, 640))


_FULL_DISK = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_animatic import ORDER
from spotloom.sandbox.animatic import render
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    render(ORDER, Path(sys.argv[2]))
except OSError as error:
    print("OSError", error.errno)
"""


@pytest.mark.parametrize("room", [0, 20_000, 60_000])
def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path, room):
    path = tmp_path / "film.mp4"
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", _FULL_DISK, here, str(path), str(room)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.startswith("OSError"), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        render(ORDER, tmp_path / "nowhere" / "film.mp4")


def test_a_film_of_ten_seconds_is_small(tmp_path):
    path = tmp_path / "film.mp4"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    render(replace(_with(ORDER, mood="unhinged"), width=720, height=1280, seconds=10), path)
    spent = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
    assert path.stat().st_size <= 1_000_000
    assert spent < 12  # a third of the pace that the bench measures: machines differ

"""Measuring and picturing real files, whole, odd and damaged."""

import hashlib
import itertools
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from tests.unit.media.videos import make_video

from spotloom.media.inspected import BadFile, Unplayable
from spotloom.media.probe import probe
from spotloom.media.stills import inspect


def test_a_video_is_measured_not_believed(tmp_path):
    path = make_video(tmp_path / "v.mp4", size=(72, 128), frames=48, fps=24)
    seen = probe(path)
    assert (seen.width, seen.height, seen.frames) == (72, 128, 48)
    assert seen.seconds == Decimal("2.000")
    assert seen.fps == 24.0
    assert (seen.video_codec, seen.audio_codec) == ("h264", "aac")
    assert seen.bytes == path.stat().st_size
    assert seen.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_video_without_sound_says_so(tmp_path):
    assert probe(make_video(tmp_path / "v.mp4", sound=False)).audio_codec is None


def test_a_variable_frame_rate_is_measured_by_time(tmp_path):
    times = [0, 40, 80, 500, 540, 1000, 1900, 1940]
    path = make_video(tmp_path / "v.mp4", frames=8, fps=25, sound=False, codec="mpeg4", times=times)
    seen = probe(path)
    assert seen.frames == 8
    assert Decimal("1.940") <= seen.seconds <= Decimal("2.840")
    assert seen.fps == pytest.approx(8 / float(seen.seconds), abs=0.01)


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (1, 200), (641, 359), (256, 256)])
def test_odd_sizes_are_measured_and_drawn(size, tmp_path):
    path = make_video(
        tmp_path / "v.mp4", size=size, frames=3, sound=False, codec="libx264", pixels="yuv444p"
    )
    seen = inspect(path, tmp_path / "stills")
    assert (seen.probe.width, seen.probe.height) == size
    with Image.open(seen.sprite) as sprite, Image.open(seen.poster) as poster:
        assert max(sprite.size) == 5 * 160
        assert poster.size == size
        assert (sprite.format, poster.format) == ("WEBP", "WEBP")


def test_a_large_picture_gets_a_poster_of_720(tmp_path):
    path = make_video(tmp_path / "v.mp4", size=(1280, 720), frames=2, sound=False)
    with Image.open(inspect(path, tmp_path / "stills").poster) as poster:
        assert poster.size == (720, 405)


def test_the_poster_is_not_the_black_beginning(tmp_path):
    path = make_video(tmp_path / "v.mp4", frames=24, blank=12, sound=False)
    with Image.open(inspect(path, tmp_path / "stills").poster) as poster:
        assert np.asarray(poster.convert("L")).std() > 10


def test_a_turned_video_is_measured_and_drawn_as_it_is_shown(tmp_path):
    path = tmp_path / "v.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=24)
        video.width, video.height, video.pix_fmt = 128, 64, "yuv420p"
        picture = np.zeros((64, 128, 3), np.uint8)
        picture[:32] = 255  # white above
        container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
    one, none, w = (0x10000).to_bytes(4), bytes(4), (0x40000000).to_bytes(4)
    minus = (0xFFFF0000).to_bytes(4)
    upright = one + none * 3 + one + none * 3 + w
    clockwise = none + one + none + minus + none * 4 + w
    data = path.read_bytes()
    track = data.index(b"tkhd")
    path.write_bytes(data[:track] + data[track:].replace(upright, clockwise, 1))
    seen = inspect(path, tmp_path / "stills")
    assert (seen.probe.width, seen.probe.height) == (64, 128)
    with Image.open(seen.poster) as poster:
        grey = np.asarray(poster.convert("L"))
    assert grey.shape == (128, 64)
    assert grey[:, 40:].mean() > 200  # above has become right
    assert grey[:, :24].mean() < 50


def rewritten(
    source: Path, target: Path, *, earlier: Fraction = Fraction(0), options: dict[str, str]
) -> Path:
    """The same pictures in a file of another layout, moved to an earlier time."""
    with av.open(str(source)) as old, av.open(str(target), "w", options=options) as new:
        video = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                packet.pts -= int(earlier / packet.time_base)
                packet.dts -= int(earlier / packet.time_base)
                new.mux(packet)
    return target


def test_frames_that_an_edit_list_hides_do_not_count_as_damage(tmp_path):
    source = make_video(tmp_path / "whole.mp4", frames=48, sound=False)
    path = rewritten(source, tmp_path / "v.mp4", earlier=Fraction(1, 2), options={})
    seen = probe(path)
    assert (seen.frames, seen.seconds) == (36, Decimal("1.500"))


def test_a_file_in_fragments_is_whole_too_and_bad_when_cut(tmp_path):
    source = make_video(tmp_path / "whole.mp4", frames=48, sound=False)
    flags = {"movflags": "frag_every_frame+empty_moov+default_base_moof"}
    path = rewritten(source, tmp_path / "v.mp4", options=flags)
    seen = probe(path)
    assert (seen.frames, seen.seconds) == (48, Decimal("2.000"))
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(BadFile):
        probe(path)


@pytest.mark.parametrize("chunk", ["first", "last"])
def test_an_index_that_points_outside_the_file_is_damage(chunk, tmp_path):
    path = make_video(tmp_path / "v.mp4", frames=96, sound=True)
    data = path.read_bytes()
    table = data.index(b"stco") + 12  # where the chunks of pictures lie, between those of sound
    chunks = int.from_bytes(data[table - 4 : table])
    assert chunks > 1
    place = table if chunk == "first" else table + 4 * (chunks - 1)
    path.write_bytes(data[:place] + len(data).to_bytes(4) + data[place + 4 :])
    with pytest.raises(BadFile):
        probe(path)


def rising(path: Path, frames: int) -> Path:
    """A video whose brightness tells the time."""
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=24)
        video.width = video.height = 32
        video.pix_fmt = "yuv420p"
        for number in range(frames):
            grey = np.full((32, 32, 3), 20 + 200 * number // frames, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(video.encode())
    return path


@pytest.mark.parametrize("frames", [1, 7, 25, 26, 99, 100, 101, 240, 450])
def test_the_sprite_walks_evenly_through_the_video(frames, tmp_path):
    seen = inspect(rising(tmp_path / "v.mp4", frames), tmp_path / "stills")
    with Image.open(seen.sprite) as sprite:
        assert sprite.size == (800, 800)
        grey = np.asarray(sprite.convert("L")).astype(float)
    cells = [
        grey[row * 160 + 60 : row * 160 + 100, column * 160 + 60 : column * 160 + 100].mean()
        for row in range(5)
        for column in range(5)
    ]
    asked = [20 + 200 * ((2 * cell + 1) * frames // 50) // frames for cell in range(25)]
    step = 200 / min(frames, 50)  # a kept sample is at most one step of 50 off
    assert np.abs(np.array(cells) - asked).max() <= step + 6
    assert all(later >= earlier - 3 for earlier, later in itertools.pairwise(cells))


NOISE = np.random.default_rng(3).integers(0, 255, 1500).astype(np.uint8).tobytes()
PICTURES, INDEX = b"mdat", b"moov"  # in the order in which they lie in these files


def overwritten(data: bytes, *, box: bytes, after: int, by: bytes) -> bytes:
    start = data.index(box) + after
    return data[:start] + by + data[start + len(by) :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "half": lambda data: data[: len(data) // 2],
    "one byte short": lambda data: data[:-1],
    "no index": lambda data: data.replace(INDEX, b"free"),
    "zeroed pictures": lambda data: overwritten(data, box=PICTURES, after=4000, by=bytes(1500)),
    "scrambled pictures": lambda data: overwritten(data, box=PICTURES, after=4000, by=NOISE),
    "scrambled index": lambda data: overwritten(data, box=INDEX, after=60, by=NOISE[:300]),
    "html": lambda _: b"<!doctype html><title>502</title>" * 50,
    "type only": lambda data: data[:28],
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_bad_and_leaves_no_stills(kind, tmp_path):
    path = make_video(tmp_path / "v.mp4", size=(160, 160), frames=24, sound=False)
    path.write_bytes(DAMAGE[kind](path.read_bytes()))
    # A mangled index may also describe something that is no video.
    with pytest.raises((BadFile, Unplayable) if kind == "scrambled index" else BadFile):
        inspect(path, tmp_path / "stills")
    assert not (tmp_path / "stills").exists()


def test_sound_alone_is_no_video(tmp_path):
    with av.open(str(tmp_path / "v.mp4"), "w", format="mp4") as container:
        voice = container.add_stream("aac", rate=44_100, layout="mono")
        tone = np.zeros((1, 4096), np.float32)
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.sample_rate = 44_100
        container.mux(voice.encode(frame))
        container.mux(voice.encode())
    with pytest.raises(Unplayable, match="no video stream"):
        probe(tmp_path / "v.mp4")


def test_a_picture_beyond_the_cap_is_refused_before_it_is_decoded(tmp_path):
    path = make_video(tmp_path / "v.mp4", size=(4100, 2400), frames=1, sound=False, codec="mpeg4")
    with pytest.raises(Unplayable, match="4100x2400"):
        probe(path)


def test_endless_frames_are_refused(tmp_path):
    with pytest.raises(Unplayable, match="more than 20 frames"):
        probe(make_video(tmp_path / "v.mp4", frames=24, sound=False), most_frames=20)


def test_a_playlist_cannot_make_us_open_other_files(tmp_path):
    secret = make_video(tmp_path / "secret.mp4")
    (tmp_path / "v.mp4").write_text(f"#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n")
    with pytest.raises(BadFile):
        probe(tmp_path / "v.mp4")

"""Measures a video file by decoding every frame of it; runs in a worker process only."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
from av.container import InputContainer
from av.stream import Stream

from spotloom.media.boxes import check_whole
from spotloom.media.inspected import BadFile, Probe, Unplayable

# What a hostile or broken file may cost. The largest videos on offer have a quarter of it.
MOST_PIXELS = 4096 * 2304
MOST_FRAMES = 36_000
MOST_STREAMS = 16
VIDEO_CODECS = frozenset({"h264", "hevc", "av1", "vp8", "vp9", "mpeg4", "prores"})
AUDIO_CODECS = frozenset({"aac", "mp3", "opus", "ac3", "eac3", "flac", "alac", "vorbis"})


class Watcher(Protocol):
    """Sees every decoded frame once, in order."""

    def see(self, frame: av.VideoFrame) -> None: ...


def probe(path: Path, watcher: Watcher | None = None, *, most_frames: int = MOST_FRAMES) -> Probe:
    """Measure the file; BadFile when it is cut or damaged, Unplayable when it is no video."""
    check_whole(path)
    with _readable(path), _opened(path) as container:
        video, audio = _streams(container)
        clock = _Clock(video, most_frames=most_frames)
        for packet in container.demux((video,) if audio is None else (video, audio)):
            _decode(packet, clock, watcher)
        clock.check(video)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return Probe(
            width=clock.width,
            height=clock.height,
            seconds=clock.seconds,
            fps=round(clock.frames / float(clock.seconds), 3),
            frames=clock.frames,
            video_codec=video.codec_context.name,
            audio_codec=audio.codec_context.name if audio else None,
            bytes=path.stat().st_size,
            sha256=sha256,
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadFile(f"{path.name} cannot be read as a video: {reason}.") from error


def _opened(path: Path) -> InputContainer:
    # The format is fixed and only plain files may be opened: FFmpeg's playlists would otherwise
    # read any file or address that the video's author names.
    return av.open(
        str(path),
        mode="r",
        format="mov",
        options={"protocol_whitelist": "file", "max_streams": str(MOST_STREAMS)},
        metadata_errors="replace",
    )


def _streams(container: InputContainer) -> tuple[av.VideoStream, av.AudioStream | None]:
    pictures = [
        s for s in container.streams.video if not s.disposition & s.disposition.attached_pic
    ]
    if not pictures:
        raise Unplayable("The file holds no video stream.")
    video = pictures[0]
    audio = next(iter(container.streams.audio), None)
    if _codec(video) not in VIDEO_CODECS:
        raise Unplayable(f"The pictures are in a codec that we do not play: {_codec(video)}.")
    if audio is not None and not _known_sound(_codec(audio)):
        raise Unplayable(f"The sound is in a codec that we do not play: {_codec(audio)}.")
    _check_size(video.codec_context.width, video.codec_context.height)
    for stream in (video, audio):
        if stream is not None:
            stream.codec_context.thread_count = 1  # one process per core is enough threads
    return video, audio


def _codec(stream: av.VideoStream | av.AudioStream) -> str:
    # PyAV's types promise a context; a stream of an unknown codec has none.
    return str(getattr(getattr(stream, "codec_context", None), "name", "unknown"))


def _known_sound(codec: str) -> bool:
    return codec in AUDIO_CODECS or codec.startswith("pcm_")


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1 or width * height > MOST_PIXELS:
        raise Unplayable(f"The picture is {width}x{height}; at most {MOST_PIXELS:,} pixels are.")


def _decode(packet: "av.Packet[Stream]", clock: "_Clock", watcher: Watcher | None) -> None:
    if packet.is_corrupt:
        raise BadFile(f"The file is damaged: a packet is incomplete after {clock.frames} frames.")
    clock.packets += packet.size > 0 and packet.stream.type == "video"
    for frame in packet.decode():
        if not isinstance(frame, av.VideoFrame):
            continue
        if frame.is_corrupt:
            raise BadFile(f"The file is damaged: frame {clock.frames + 1} does not decode.")
        clock.tick(frame)
        if watcher is not None:
            watcher.see(frame)


class _Clock:
    """Counts frames and the time they fill."""

    def __init__(self, video: av.VideoStream, *, most_frames: int) -> None:
        self._most_frames = most_frames
        self.frames = self.packets = 0
        self.width = self.height = 0
        self._rate = video.average_rate or video.guessed_rate or Fraction(25)
        self._starts: Fraction | None = None
        self._ends = Fraction(0)

    def tick(self, frame: av.VideoFrame) -> None:
        if not self.frames:
            turned = frame.rotation % 180 != 0
            self.width, self.height = frame.width, frame.height
            if turned:
                self.width, self.height = frame.height, frame.width
        _check_size(frame.width, frame.height)  # it may change on the way
        self.frames += 1
        if self.frames > self._most_frames:
            raise Unplayable(f"The video has more than {self._most_frames:,} frames.")
        base = frame.time_base or Fraction(1, 90_000)
        at = self._ends if frame.pts is None else frame.pts * base
        self._starts = at if self._starts is None else min(self._starts, at)
        lasts = frame.duration * base if frame.duration > 0 else 1 / self._rate
        self._ends = max(self._ends, at + lasts)

    def check(self, video: av.VideoStream) -> None:
        if not self.frames:
            raise BadFile("The file is damaged: not one frame decodes.")
        # Packets, not frames: an edit list may hide frames of a file that is as it should be.
        promised = len(video.index_entries)
        if self.packets < promised:
            raise BadFile(
                f"The file is damaged: its index names {promised} packets, it holds {self.packets}."
            )

    @property
    def seconds(self) -> Decimal:
        length = self._ends - (self._starts or 0)
        return round(Decimal(length.numerator) / Decimal(length.denominator), 3)


__all__ = ["BadFile", "Probe", "Unplayable", "probe"]

"""Makes small real videos for the tests."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SOUND_RATE = 44_100


def make_video(
    path: Path,
    *,
    size: tuple[int, int] = (72, 128),
    frames: int = 24,
    fps: int = 24,
    sound: bool = True,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    blank: int = 0,
    times: list[int] | None = None,
) -> Path:
    """Write an MP4 of moving noise; the first `blank` frames are black, `times` are in ms."""
    width, height = size
    noise = np.random.default_rng(7).integers(0, 255, (height, width, 3)).astype(np.uint8)
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream(codec, rate=fps)
        video.width, video.height, video.pix_fmt = width, height, pixels
        if codec == "libx264":
            video.options = {"preset": "ultrafast"}
        if times:
            video.codec_context.time_base = Fraction(1, 1000)
        voice = container.add_stream("aac", rate=SOUND_RATE, layout="mono") if sound else None
        for number in range(frames):
            picture = np.zeros_like(noise) if number < blank else np.roll(noise, number, axis=1)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if times:
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if voice:
            tone = 0.2 * np.sin(np.arange(SOUND_RATE * frames // fps) / 20)
            heard = av.AudioFrame.from_ndarray(
                tone.astype(np.float32)[None], format="fltp", layout="mono"
            )
            heard.sample_rate = SOUND_RATE
            container.mux(voice.encode(heard))
            container.mux(voice.encode())
    return path

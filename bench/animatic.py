"""Measures the animatic: files a minute, bytes and memory, beside the naive way of drawing.

The naive way composes every frame in RGB with Pillow from the same drawn pictures and gives it to
the same encoder. Prints JSON. `--files N` (default 8) and `--processes N` (default 2) set the load.
"""

import argparse
import json
import multiprocessing
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from spotloom.sandbox import animatic
from spotloom.sandbox.film import layout
from spotloom.sandbox.film.encode import OPAQUE, Box, Canvas
from spotloom.sandbox.storyboard import Order

BASE = Order(
    prompt=(
        "Idea: The headphones you mend with a coin. Eight parts, one kind of screw, no last day.\n"
        "Look: Hand-held, in available light. Show this: A coin turns the screw on the ear cup.\n"
        "Story: One person tells what happened to them, with a beginning, a turn and an end.\n"
        "Sound: Light music. Let us hear: Yours can be mended, by you, tonight.\n"
        "Close: End on the name Tarn Audio with the words “See inside”."
    ),
    seconds=10,
    width=720,
    height=1280,
    loop=False,
    brand="Tarn Audio",
    values=(),
    seed="bench",
)
LOOKS = ("ugc", "cinema", "animated-2d", "animated-3d", "professional")
MOODS = ("wholesome", "intense", "unhinged", "shocking", "professional")
TYPES = ("storytime", "listicle", "broll-visual-narrative", "skit", "vintage-80s-ad", "vsl")
SOUNDS = ("music-light-upbeat", "vo-conversational", "dialog", "sfx-only", "music-tension")


def order(number: int) -> Order:
    """One of many different combinations."""
    values = (
        ("funnelLevel", "problem-aware"),
        ("aesthetic", LOOKS[number % 5]),
        ("type", TYPES[number % 6]),
        ("intention", "educate"),
        ("mood", MOODS[(number // 2) % 5]),
        ("audioStyle", SOUNDS[number % 5]),
        ("lifeStage", "parents"),
    )
    return replace(BASE, values=values, seed=f"bench-{number}")


class RgbCanvas(Canvas):
    """The naive canvas: one RGB picture, turned into YUV when it is full."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width, height)
        self.picture = Image.new("RGB", (width, height))


class RgbLayer:
    """The naive layer: Pillow pastes it into the RGB picture."""

    def __init__(self, picture: Image.Image) -> None:
        self.picture = picture.convert("RGBA")
        self.width, self.height = picture.size

    def lay(
        self, canvas: RgbCanvas, x: int, y: int, *, opacity: int = OPAQUE, clip: Box | None = None
    ) -> None:
        clip = clip or canvas.box
        left, top = max(x, clip.left), max(y, clip.top)
        right, bottom = min(x + self.width, clip.right), min(y + self.height, clip.bottom)
        if left >= right or top >= bottom:
            return
        part = self.picture.crop((left - x, top - y, right - x, bottom - y))
        mask = part.getchannel("A")
        if opacity < OPAQUE:
            mask = mask.point(lambda v: v * opacity // OPAQUE)
        canvas.picture.paste(part.convert("RGB"), (left, top), mask)


class NaivePlay(animatic.Play):
    """The same film, every frame composed in RGB."""

    def frames(self) -> Iterator[Canvas]:
        for number in range(self.total):
            canvas = self.canvas()
            self.paint(canvas, number)
            rgb = np.asarray(canvas.picture)
            canvas.frame = type(canvas.frame).from_ndarray(rgb).reformat(format="yuv420p")
            yield canvas


def draw(number: int, folder: str, naive: bool) -> dict[str, float]:
    """Draw one film in this process and say what it cost."""
    if naive:  # this process draws nothing else afterwards
        animatic.Canvas, layout.Layer, animatic.Play = RgbCanvas, RgbLayer, NaivePlay
    path = Path(folder) / f"{'naive' if naive else 'ours'}-{number}.mp4"
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    animatic.render(order(number), path)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return {
        "wall_s": time.perf_counter() - begun,
        "cpu_s": cpu,
        "bytes": path.stat().st_size,
        "rss_mb": after.ru_maxrss / 1024,
    }


def measure(files: int, processes: int, *, naive: bool) -> dict[str, float]:
    """Draw the films with a warm pool."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(processes, context) as pool:
        warm = [pool.submit(draw, 1000 + n, folder, naive) for n in range(processes)]
        for one in warm:
            one.result()
        begun = time.perf_counter()
        done = [pool.submit(draw, n, folder, naive) for n in range(files)]
        results = [one.result() for one in done]
        wall = time.perf_counter() - begun
    return {
        "files": files,
        "files_per_minute": round(files / wall * 60, 1),
        "cpu_s_per_file": round(statistics.mean(r["cpu_s"] for r in results), 2),
        "files_per_minute_by_cpu": round(
            60 * processes / statistics.mean(r["cpu_s"] for r in results), 1
        ),
        "bytes_mean": round(statistics.mean(r["bytes"] for r in results)),
        "bytes_max": max(r["bytes"] for r in results),
        "rss_mb_max": round(max(r["rss_mb"] for r in results), 1),
    }


def main() -> None:
    """Measure both ways and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    ours = measure(asked.files, asked.processes, naive=False)
    naive = measure(max(2, asked.files // 2), asked.processes, naive=True)
    report = {
        "what": "animatics of 10 s, 720x1280, 24 frames a second",
        "processes": asked.processes,
        "python": platform.python_version(),
        "ours": ours,
        "naive": naive,
        "naive_to_ours_cpu": round(naive["cpu_s_per_file"] / ours["cpu_s_per_file"], 2),
        "bars": {"files_per_minute": 30, "bytes_max": 1_000_000, "rss_mb_max": 200},
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()

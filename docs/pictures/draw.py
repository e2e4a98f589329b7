"""Draws the pictures of the documents: a real demo, a served studio, a home of their own."""  # noqa: INP001 - a script, no package

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import av
import studio
import yaml
from PIL import Image
from playwright.sync_api import Browser, Error, sync_playwright

from spotloom.forms import load_vocabulary

PICTURES = Path(__file__).resolve().parent
SOURCE = PICTURES.parents[1] / "src" / "spotloom"
SAMPLE = SOURCE / "sample" / "brief.yaml"
FONTS = SOURCE / "sandbox" / "film" / "fonts"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OURS = ("SPOTLOOM_", "SORA_", "DATABASE_URL")  # settings of this shell that would change the run
MOST_BYTES = 250_000

# Four variations side by side: what differs, and the frames in which each beat stands still.
SHOWN = (
    ("ugc", "broll-visual-narrative"),
    ("cinema", "storytime"),
    ("ugc", "listicle"),
    ("cinema", "broll-visual-narrative"),
)
SOUND = "vo-conversational"
BEATS_S = (2.1, 4.6, 7.1, 9.6)


def main() -> None:
    """Make the demo's videos beside a served studio, and write every picture."""
    with tempfile.TemporaryDirectory(prefix="spotloom-docs-") as name, _chromium() as browser:
        folder = Path(name)
        folder.chmod(0o711)  # root's database runs as another account, which passes through
        with studio.served(folder / "new", _environment(folder / "new")) as place:
            studio.first_run(browser, place)
        home = folder / "home"
        plan = json.loads(_spotloom(home, "plan", str(SAMPLE), "--json"))
        _spotloom(home, "demo", "--no-serve", "--out", str(folder / "demo"))
        calm = _environment(home) | {
            "SPOTLOOM_AUTOMATIC_RETRIES": "0"
        }  # a failure stays to be seen
        with studio.served(home, calm) as place:
            studio.screens(browser, place)
        sheet = folder / "demo" / "index.html"
        manifest = json.loads(sheet.with_name("manifest.json").read_text(encoding="utf-8"))
        _say("drawing")
        _shoot(browser, sheet, folder / "sheet.png", (1280, 1500), scale=1)
        _draw(browser, folder, "hero", size=(1600, 1180), **_hero(plan, manifest))
        _draw(browser, folder, "variations", size=(1600, 826), groups=_groups(folder, manifest))


def _spotloom(home: Path, *words: str) -> str:
    """Run the program with no settings but that home; what it printed."""
    _say(f"spotloom {words[0]}")
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "spotloom", *words],
        env=_environment(home),
        cwd=home.parent,  # no .env is read here
        stdout=subprocess.PIPE,
        text=True,
        timeout=900,
        check=False,
    )
    if done.returncode:
        sys.exit(f"docs: 'spotloom {words[0]}' ended with exit code {done.returncode}; see above.")
    return done.stdout


def _environment(home: Path) -> dict[str, str]:
    """Nothing of this shell's settings but that home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return kept | {"SPOTLOOM_HOME": str(home), "PYTHONPATH": str(SOURCE.parent)}


@contextmanager
def _chromium() -> Iterator[Browser]:
    found = next((path for name in CHROMIUMS if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, chromium_sandbox=False)
        except Error as error:
            sys.exit(
                f"docs: no chromium could be started ({found or 'none on PATH'}): "
                f"{error.message.splitlines()[0]}\nInstall one (on Debian: apt install chromium), "
                "or let Playwright fetch its own: .venv/bin/python -m playwright install chromium"
            )
        yield browser
        browser.close()


def _hero(plan: dict[str, Any], manifest: dict[str, Any]) -> dict[str, str]:
    """The brief as it is written, what the plan says of it, and one of the files."""
    brief = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
    rows = "".join(
        f"<dt>{escape(dimension.label)}</dt><dd>{_chips(dimension.key, chosen)}</dd>"
        for dimension in load_vocabulary().dimensions
        if isinstance(chosen := brief["dimensions"].get(dimension.key), list)
    )
    return {
        "brand": escape(brief["brand"]),
        "idea": escape(brief["bigIdea"]),
        "rows": rows,
        "equation": escape(plan["equation"]),
        "cost": f"${float(plan['estimatedCost']):,.2f}",
        "file": escape(manifest["videos"][0]["file"]).replace("_", "_<wbr>"),
        "rate": f"planned for {escape(plan['model'])}, {brief['duration']} s",
    }


def _chips(dimension: str, options: Sequence[str]) -> str:
    """The options of one dimension as a person reads them."""
    labels = {
        (d.key, option.key): option.label
        for d in load_vocabulary().dimensions
        for option in d.options
    }
    return "".join(f"<b>{escape(labels[dimension, option])}</b>" for option in options)


def _groups(folder: Path, manifest: dict[str, Any]) -> str:
    return "".join(
        f"<section><h2>{_chips('aesthetic', [aesthetic])}{_chips('type', [type_])}</h2><p>"
        + "".join(f'<img src="{name}">' for name in _frames(folder, manifest, aesthetic, type_))
        + "</p></section>"
        for aesthetic, type_ in SHOWN
    )


def _frames(folder: Path, manifest: dict[str, Any], aesthetic: str, type_: str) -> Sequence[str]:
    """The four beats of one video as files beside the page."""
    wanted = {"aesthetic": aesthetic, "type": type_, "audioStyle": SOUND}
    file = next(v["file"] for v in manifest["videos"] if wanted.items() <= v["values"].items())
    names = []
    with av.open(str(folder / "demo" / file)) as film:
        left = list(BEATS_S)
        for frame in film.decode(video=0):
            if left and frame.time is not None and frame.time >= left[0]:
                names.append(f"{aesthetic}-{type_}-{left.pop(0)}.png")
                frame.to_image().save(folder / names[-1])
    return names


def _draw(
    browser: Browser, folder: Path, name: str, *, size: tuple[int, int], **parts: str
) -> None:
    """Fill the page of that name and keep its picture as WebP beside it."""
    page = folder / f"{name}.html"
    template = Template((PICTURES / f"{name}.html").read_text(encoding="utf-8"))
    page.write_text(template.substitute(parts, fonts=FONTS.as_uri()), encoding="utf-8")
    _shoot(browser, page, folder / f"{name}.png", size, scale=1)
    target = PICTURES / f"{name}.webp"
    with Image.open(folder / f"{name}.png") as picture:
        picture.convert("RGB").save(target, quality=84, method=6)
    _say(f"docs/pictures/{target.name}: {target.stat().st_size:,} bytes")
    if target.stat().st_size > MOST_BYTES:
        sys.exit(f"docs: {target.name} is larger than the {MOST_BYTES:,} bytes a page may carry.")


def _shoot(
    browser: Browser, page: Path, target: Path, size: tuple[int, int], *, scale: int
) -> None:
    tab = browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        device_scale_factor=scale,
        color_scheme="light",
        reduced_motion="reduce",
    )
    tab.goto(page.as_uri())
    tab.wait_for_load_state("networkidle")
    tab.evaluate("document.fonts.ready")
    tab.screenshot(path=target)
    tab.close()


def _say(words: str) -> None:
    sys.stderr.write(f"docs: {words}\n")


if __name__ == "__main__":
    main()

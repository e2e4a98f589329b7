"""Every example of docs/api.md does what the page says, at a served Spotloom."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.integration.command_line import PATIENCE_S, ROOT
from tests.integration.serving import served_elsewhere

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
FENCE = re.compile(
    r"(?:Save this as `(?P<file>[\w.]+)`:\n\n)?^```(?P<kind>sh|python|json)\n(?P<text>.*?)^```",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Example:
    """One block of the page, and the file that it is to be saved as."""

    kind: str
    text: str
    file: str | None


EXAMPLES = [Example(m["kind"], m["text"], m["file"]) for m in FENCE.finditer(PAGE)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with served_elsewhere(tmp_path_factory.mktemp("served"), role="editor") as settings:
        yield settings


def run(example: Example, folder: Path, server: dict[str, str]) -> str:
    """What the example says, done in that folder."""
    if example.kind == "json":
        assert example.file
        (folder / example.file).write_text(example.text, encoding="utf-8")
        return ""
    command = {
        "sh": ["bash", "-eu", "-c", example.text],
        "python": [sys.executable, "-W", "error", "-c", example.text],
    }
    done = subprocess.run(
        command[example.kind],
        cwd=folder,
        env=os.environ | server | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, f"{example.text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_the_page_can_be_followed_from_top_to_bottom(
    server: dict[str, str], tmp_path: Path
) -> None:
    assert shutil.which("curl"), "the page's examples need curl: install it"
    said = {}
    for number, example in enumerate(EXAMPLES):
        if "export SPOTLOOM_SERVER" not in example.text:
            said[number] = run(example, tmp_path, server)
    shown = "\n".join(said.values())
    assert '"equation":"2 videos"' in shown
    assert '"batchId":"spring","totalVideos":2,"status":"queued"' in shown
    assert "event: over" in shown
    assert '"percent":100.0' in shown
    assert "over {'completed': 2}" in shown
    assert len((tmp_path / "spring.csv").read_text(encoding="utf-8").splitlines()) > 2
    with zipfile.ZipFile(tmp_path / "spring.zip") as archive:
        assert len(archive.namelist()) == 3
    assert len(list((tmp_path / "videos").glob("*.mp4"))) == 2
    assert {example.kind for example in EXAMPLES} == {"sh", "python", "json"}
    assert len(EXAMPLES) > 8

"""`spotloom make`: the whole job, again, at once, interrupted, killed, and asked about first."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.command_line import (
    PATIENCE_S,
    PROGRAM,
    Place,
    Said,
    continuing,
    data_folder,
    ended,
    written,
)
from tests.integration.generating_provider import Sandbox

JOB_S = 1.0
LARGER = {"aesthetic": ["cinema", "ugc"], "intention": ["educate", "inspire"]}  # 24 videos


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One data folder for the module, its database and its sandbox up between the commands."""
    with data_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def sandbox(home) -> Iterator[Sandbox]:
    sandbox = Sandbox(home / "sandbox", instant_s=JOB_S, limit=4)
    yield sandbox
    sandbox.close()


@pytest.fixture
def place(home, sandbox, tmp_path) -> Place:
    return Place(home=home, cwd=tmp_path)


@pytest.fixture
def brief(tmp_path, request) -> Path:
    """A brief of 6 videos that no other test has."""
    return written(tmp_path / "brief.yaml", brand=f"Tarn {request.node.name[:60]}")


@pytest.fixture
def large(tmp_path, request) -> Path:
    """A brief of 24 videos that no other test has."""
    name = f"Tarn {request.node.name[:60]}"
    return written(tmp_path / "large.yaml", brand=name, dimensions=LARGER)


def bought(sandbox: Sandbox, file: Path) -> Counter[str]:
    """How often the sandbox took an order of each prompt of that brief's brand."""
    brand = re.search(r"^brand: (.+)$", file.read_text(), re.MULTILINE)
    assert brand
    return Counter(s.prompt for s in sandbox.sold() if brand[1].strip("'") in s.prompt)


def complete(said: Said, videos: int) -> dict:
    assert said.code == 0, said
    manifest = said.json
    assert [v["status"] for v in manifest["videos"]] == ["completed"] * videos
    assert len({v["providerJobId"] for v in manifest["videos"]}) == videos
    return manifest


def test_the_manifest_is_the_answer_and_lies_beside_the_files(place, sandbox, brief, tmp_path):
    manifest = complete(place.run("make", brief, "--batch-id", "first", "--json"), 6)
    folder = tmp_path / "out" / "first"  # the default
    assert manifest == json.loads((folder / "manifest.json").read_text())
    assert (manifest["batchId"], manifest["estimatedCost"]) == ("first", 12.0)
    for video in manifest["videos"]:
        assert (folder / video["file"]).stat().st_size > 0
    assert "Contact sheet" not in (folder / "manifest.json").read_text()
    assert (folder / "index.html").exists()
    assert set(bought(sandbox, brief).values()) == {1}


def test_the_same_batch_id_makes_nothing_new(place, sandbox, brief):
    words = ("make", brief, "--batch-id", "again", "--json")
    first = complete(place.run(*words), 6)
    before = len(sandbox.sold())
    assert complete(place.run(*words), 6) == first
    assert len(sandbox.sold()) == before
    said = place.run(*words[:-1])
    assert said.code == 0
    assert "Continuing batch again." in said.err
    assert "6 of 6 videos are in out/again" in said.words


def test_export_copies_what_is_finished_of_any_campaign(place, sandbox, brief, tmp_path):
    assert place.run("make", brief, "--batch-id", "spring", "--yes").code == 0
    said = place.run("export", "spring", "--out", "morning", "--json")
    assert said.code == 0
    assert said.json == json.loads((tmp_path / "out" / "spring" / "manifest.json").read_text())
    for video in said.json["videos"]:
        assert (tmp_path / "morning" / video["file"]).stat().st_size > 0
    missing = place.run("export", "summer", "--json")
    assert (missing.code, missing.json["error"]["kind"]) == (2, "NotFound")
    assert not (tmp_path / "out" / "summer").exists()


def test_another_brief_under_the_same_batch_id_is_refused(place, sandbox, brief, tmp_path):
    complete(place.run("make", brief, "--batch-id", "taken", "--json"), 6)
    before = len(sandbox.sold())
    other = written(tmp_path / "other.yaml", bigIdea="Something else.")
    said = place.run("make", other, "--batch-id", "taken", "--json", "--out", "elsewhere")
    assert (said.code, said.json["error"]["kind"]) == (2, "Conflict")
    assert "'taken' already belongs to a different brief" in said.json["error"]["message"]
    assert len(sandbox.sold()) == before
    assert not (tmp_path / "elsewhere").exists()


def test_ten_seconds_of_24_videos_are_estimated_at_120_dollars(place, tmp_path):
    file = written(tmp_path / "ten.yaml", dimensions=LARGER, duration=10)
    answer = place.run("plan", file, "--json").json
    assert (answer["totalVideos"], answer["estimatedCost"]) == (24, 120.0)


def test_progress_in_a_pipe_is_plain_lines(place, brief):
    said = place.run("make", brief, "--batch-id", "piped", FORCE_COLOR="1", NO_COLOR="1")
    assert said.code == 0
    assert "Started batch piped." in said.err
    assert "6 of 6: 6 done" in said.err
    assert "spent $0.00" in said.err
    moves = re.findall(r"\x1b\[[0-9;?]*[A-HJKf-hl]|\r", said.out + said.err)
    assert moves == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_make_says_how_to_continue_and_continues(place, sandbox, large, number):
    started = place.start("make", large, "--json", "--out", "a folder")
    _until(lambda: len(bought(sandbox, large)) >= 5)
    started.send_signal(number)
    stopped_at = time.monotonic()
    said = ended(started)
    assert time.monotonic() - stopped_at < 30
    assert (said.code, said.json["error"]["kind"]) == (130, "Interrupted")
    assert "Traceback" not in said.err
    assert len(bought(sandbox, large)) < 24
    words = continuing(said.json["error"]["message"])
    assert words[:2] == ["make", "--batch-id"]
    assert words[3:] == [str(large), "--json", "--out", "a folder"]
    complete(place.run(*words), 24)
    assert sorted(bought(sandbox, large).values()) == [1] * 24


def test_a_killed_make_continues_without_buying_twice(place, sandbox, large):
    words = ("make", large, "--json", "--batch-id", "killed")
    started = place.start(*words)
    _until(lambda: len(bought(sandbox, large)) >= 5)
    os.killpg(started.pid, signal.SIGKILL)
    started.communicate(timeout=30)
    complete(place.run(*words), 24)
    assert sorted(bought(sandbox, large).values()) == [1] * 24


def test_two_at_once_with_the_same_batch_id_are_one_batch(place, sandbox, large):
    words = ("make", large, "--json", "--batch-id", "both")
    both = [place.start(*words, "--out", name) for name in ("one", "two")]
    one, two = (complete(ended(process), 24) for process in both)
    assert one["campaign"] == two["campaign"]
    assert sorted(bought(sandbox, large).values()) == [1] * 24


def test_two_batches_at_once_share_the_limit(place, sandbox, large, tmp_path):
    other = written(tmp_path / "other.yaml", brand="Tarn the other", dimensions=LARGER)
    both = [place.start("make", file, "--json") for file in (large, other)]
    for process in both:
        complete(ended(process), 24)
    for file in (large, other):
        assert sorted(bought(sandbox, file).values()) == [1] * 24
    assert sandbox.peak == 4


def test_a_folder_without_room_is_refused_before_anything_is_stored(
    place, sandbox, large, tmp_path
):
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, timeout=30, check=False).returncode:
        pytest.skip("this machine does not let us mount")
    try:
        said = place.run("make", large, "--json", "--batch-id", "no-room", "--out", small / "out")
    finally:
        subprocess.run(["umount", str(small)], check=True, timeout=30)
    assert said.code == 1
    assert "has 2 MB left; 24 videos need about 24 MB" in said.json["error"]["message"]
    assert place.run("status", "no-room", "--json").code == 2  # there is no such campaign
    assert not bought(sandbox, large)


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_stored(place, brief, tmp_path):
    (tmp_path / "file").write_text("x")
    said = place.run("make", brief, "--json", "--batch-id", "no-folder", "--out", "file/out")
    assert said.code == 1
    assert "--out file/out cannot be written: Not a directory." in said.json["error"]["message"]
    assert place.run("status", "no-folder", "--json").json["error"]["kind"] == "NotFound"


def test_status_tells_how_campaigns_stand(place, brief):
    complete(place.run("make", brief, "--batch-id", "stands", "--json"), 6)
    state = place.run("status", "stands", "--json").json
    assert (state["totalVideos"], state["over"], state["counts"]) == (6, 6, {"completed": 6})
    assert (state["estimatedCost"], state["actualCost"]) == (12.0, 0.0)
    assert "stands" in [s["batchId"] for s in place.run("status", "--json").json]
    said = place.run("status", "stands")
    assert "6 of 6" in said.words
    assert "sandbox: 0 of 4 slots" in said.words
    said = place.run("status", "stands", "--money")
    assert "stands $12.00 $0.00 $0.00 $0.00" in said.words
    assert place.run("watch", "stands").code == 0
    said = place.run("status", "nothing-of-that-name")
    assert said.code == 2
    assert "There is no campaign 'nothing-of-that-name'. The latest are: stands" in said.words


def test_in_a_terminal_of_80_columns_no_line_is_wider(place, large):
    screen, code = _in_terminal(place, "make", str(large), "--batch-id", "seen")
    assert code == 0
    assert "24 of 24" in screen
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen).replace("\r", "\n").split("\n")
    assert max(len(line) for line in lines if "--batch-id" not in line and "/" not in line) <= 80
    assert screen.rstrip().endswith("index.html")
    assert screen.count("\x1b[?25l") == screen.count("\x1b[?25h")  # the cursor is shown again


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 2), (b"\x04", 130), (b"\x03", 130)])
def test_a_provider_that_charges_is_asked_about_first(place, brief, answer, code, tmp_path):
    words = ("make", str(brief), "--provider", "openai-videos")
    url = "http://127.0.0.1:9/v1"
    screen, ended_with = _in_terminal(place, *words, answer=answer, SORA_BASE_URL=url)
    assert "Generate 6 videos · $12.00? [y/N]:" in screen
    assert ended_with == code
    assert not (tmp_path / "out").exists()


def test_without_a_terminal_spending_needs_yes(place, brief):
    words = ("make", brief, "--provider", "openai-videos", "--json")
    said = place.run(*words, SORA_BASE_URL="http://127.0.0.1:9/v1")
    assert said.code == 2
    assert said.json["error"]["problems"] == [
        {"field": "--yes", "message": "is needed to spend $12.00 without being asked."}
    ]


def _until(condition, deadline_s: float = PATIENCE_S) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "it never came so far"
        time.sleep(0.05)


def _in_terminal(place: Place, *words: str, answer: bytes = b"", **settings: str):
    """The command in a terminal of 80 columns; what it showed, and its exit code."""
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - the child becomes the command
        os.chdir(place.cwd)
        shown = {"COLUMNS": "80", "LINES": "24", "TERM": "xterm-256color"}
        environment = place.environment(shown | settings)
        os.execvpe(PROGRAM[0], [*PROGRAM, *words], environment)  # noqa: S606 - no shell is the point
    screen, end = b"", time.monotonic() + PATIENCE_S
    with contextlib.closing(os.fdopen(terminal, "rb", buffering=0)) as reading:
        while time.monotonic() < end:
            # A Ctrl-C that comes just as the reading begins is not seen; a person presses again.
            if not select.select([reading], [], [], 3)[0]:
                if b"[y/N]" in screen:
                    os.write(terminal, answer)
                continue
            try:
                screen += (more := os.read(terminal, 65536))
            except OSError:  # the terminal's other end is closed
                break
            if b"[y/N]" in more:
                os.write(terminal, answer)
        else:
            os.kill(pid, signal.SIGKILL)
    return screen.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

"""Every command does at a server what it does here, and needs nothing of this machine."""

import csv
import hashlib
import json
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.integration.command_line import Place, Said, ended, written
from tests.integration.serving import served_elsewhere


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with served_elsewhere(tmp_path_factory.mktemp("served"), role="admin") as settings:
        yield settings


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A machine that has nothing of Spotloom's but the program."""
    one = Place(home=tmp_path / "home", cwd=tmp_path)
    yield one
    assert not one.home.exists(), "a command for a server opened the data folder here"


@pytest.fixture
def brief(tmp_path: Path) -> Path:
    return written(tmp_path / "brief.yaml")


def complete(said: Said, count: int, folder: Path) -> None:
    """All were made, and lie in the folder as the manifest says."""
    assert said.code == 0, said
    manifest = json.loads((folder / "manifest.json").read_text())
    assert len(manifest["videos"]) == count
    for video in manifest["videos"]:
        content = (folder / video["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == video["sha256"]
    assert (folder / "index.html").is_file()
    assert (folder / "manifest.csv").is_file()


def test_a_brief_is_planned_made_and_fetched(place, brief, server, tmp_path):
    address = server["SPOTLOOM_SERVER"]
    options = ("--server", address, "--key", server["SPOTLOOM_KEY"])
    plan = place.run("plan", brief, *options, "--csv", "matrix.csv")
    assert (plan.code, plan.err) == (0, "")
    assert "6 × sora-2, 4 s, 720x1280 = 6 × $2.00 = $12.00" in plan.out
    with (tmp_path / "matrix.csv").open(newline="") as matrix:
        assert len(list(csv.reader(matrix))) == 7
    words = ("make", brief, "--batch-id", "far", "--out", "files")
    unasked = place.run(*words, "--json", *options)
    assert (unasked.code, unasked.json["error"]["problems"][0]["field"]) == (2, "--yes")
    said = place.run(*words, "--yes", *options)
    complete(said, 6, tmp_path / "files")
    assert server["SPOTLOOM_KEY"] not in said.words
    exported = place.run("export", "far", "--out", "morning", *options)
    complete(exported, 6, tmp_path / "morning")
    assert "6 of 6 videos are in morning" in exported.words
    assert "Started batch far." in said.err
    assert "6 of 6 videos are in files" in said.words
    again = place.run(*words, "--yes", *options)
    complete(again, 6, tmp_path / "files")
    assert "Continuing batch far." in again.err
    here = {"SPOTLOOM_PROVIDER": "openai-videos"}
    local = place.run("plan", brief, "--json", **here).json | {"expectedFinish": None}
    far = place.run("plan", brief, "--json", *options).json | {"expectedFinish": None}
    assert local == far


def test_work_under_way_is_seen_and_steered(place, brief, server):
    first = place.run("make", brief, "--batch-id", "steered", "--yes", "--json", **server)
    assert first.json["batchId"] == "steered"
    state = place.run("status", "steered", "--json", **server).json
    assert (state["over"], state["counts"]) == (6, {"completed": 6})
    assert "steered" in place.run("status", **server).words
    assert "steered $12.00" in place.run("status", "--money", **server).words
    assert place.run("watch", "steered", **server).code == 0
    (lane,) = place.run("lanes", "--json", **server).json
    assert (lane["provider"], lane["held"]) == ("openai-videos", 0)
    slower = place.run("lanes", "openai-videos", "--limit", "2", "--json", **server).json
    assert [each["limit"] for each in slower] == [2]
    caps = place.run("budget", "--day", "500", "--json", **server).json
    assert (caps["dailyBudget"], caps["budget"]) == (500.0, None)
    assert place.run("budget", "--day", "none", "--json", **server).json["dailyBudget"] is None
    assert place.run("pause", "steered", **server).code == 0
    assert place.run("resume", "steered", "--json", **server).json["state"] == "active"
    hurried = place.run("priority", "steered", "high", "--json", **server).json
    assert hurried == {"moved": 0, "priority": "high"}
    assert place.run("retry", "steered", **server).out == "0 queued again.\n"
    assert place.run("cancel", "steered", "--json", **server).json == {
        "cancelled": 0,
        "askedToStop": 0,
    }
    key = first.json["videos"][0]["combinationId"]
    refused = place.run("resolve", "steered", key, "--give-up", **server)
    assert (refused.code, "does not wait for a decision" in refused.err) == (2, True)


def test_its_metrics_tell_of_every_call_to_the_provider(place, brief, server):
    made = place.run("make", brief, "--batch-id", "counted", "--yes", "--json", **server)
    assert made.code == 0
    figures = httpx2.get(f"{server['SPOTLOOM_SERVER']}/metrics", trust_env=False).text
    told = re.findall(
        r'spotloom_provider_call_seconds_count\{call="submit",outcome="ok",provider="openai-videos"\}'
        r" ([0-9.]+)",
        figures,
    )
    assert [float(count) >= 6 for count in told] == [True]
    assert "spotloom_lane_held{account=" in figures


def test_what_is_wrong_is_said_as_it_is_here(place, server, tmp_path):
    wrong = written(tmp_path / "wrong.yaml", moody="yes", dimensions={"mood": ["happy"]})
    here = place.run("plan", wrong, "--json")
    there = place.run("plan", wrong, "--json", **server)
    assert (here.code, there.code) == (2, 2)
    assert there.json == here.json
    dear = written(tmp_path / "dear.yaml", budget=1)
    refused = place.run("make", dear, "--json", **server)
    assert (refused.code, refused.json["error"]["kind"]) == (3, "BudgetRefused")
    missing = place.run("status", "nothing-of-that-name", "--json", **server)
    assert (missing.code, missing.json["error"]["kind"]) == (2, "NotFound")
    other = place.run("plan", dear, "--provider", "sandbox", "--json", **server)
    assert other.json["error"]["problems"][0]["field"] == "--provider"


def test_a_server_that_is_none_or_lets_nobody_in_is_named(place, brief, server):
    address = server["SPOTLOOM_SERVER"]
    keyless = place.run("status", "--server", address, "--json")
    assert (keyless.code, keyless.json["error"]["problems"][0]["field"]) == (2, "--key")
    nowhere = place.run("status", "--key", "spk_x", "--json")
    assert (nowhere.code, nowhere.json["error"]["problems"][0]["field"]) == (2, "--key")
    stranger = place.run("status", "--server", address, "--key", "spk_x", "--json")
    assert (stranger.code, stranger.json["error"]["kind"]) == (1, "NotAllowed")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{closed.getsockname()[1]}"
        away = place.run("plan", brief, "--server", gone, "--key", "spk_x", "--json")
    assert (away.code, away.json["error"]["kind"]) == (1, "Transient")
    assert gone in away.json["error"]["message"]


def test_a_stop_loses_nothing_and_the_same_words_go_on(place, server, tmp_path, wait_until):
    chosen = {"aesthetic": ["cinema", "ugc"], "intention": ["educate", "inspire"]}
    large = written(tmp_path / "large.yaml", dimensions=chosen)
    words = ("make", large, "--batch-id", "stopped", "--out", "files", "--yes", "--json")
    started = place.start(*words, **server)
    asked = {"Authorization": f"Bearer {server['SPOTLOOM_KEY']}"}  # a `status` takes too long
    batch = f"{server['SPOTLOOM_SERVER']}/api/batch/stopped"
    wait_until(lambda: httpx2.get(batch, headers=asked, trust_env=False).is_success, deadline_s=60)
    started.send_signal(signal.SIGINT)
    said = ended(started)
    assert (said.code, said.json["error"]["kind"]) == (130, "Interrupted")
    complete(place.run(*words, **server), 24, tmp_path / "files")

"""Notion from the command line: set up, made with, told again, swept, and left."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.command_line import Place, data_folder, written
from tests.integration.notion_peer import running
from tests.integration.notion_peer.running import Peer


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Iterator[Place]:
    with data_folder() as home:
        yield Place(home=home, cwd=tmp_path_factory.mktemp("notion-cli"))


@pytest.fixture(scope="module")
def peer(tmp_path_factory) -> Iterator[Peer]:
    with running.running(tmp_path_factory.mktemp("notion")) as one:
        yield one


def test_a_batch_is_made_and_shown_and_the_mirror_is_left_again(
    place: Place, peer: Peer, tmp_path: Path
) -> None:
    told = {"NOTION_API_KEY": peer.token, "NOTION_BASE_URL": peer.url}
    without = place.run("notion", "setup", "--page", peer.home)
    assert (without.code, "NOTION_API_KEY" in without.err) == (1, True)
    assert place.run("notion", "status").out.startswith("Not connected.")
    nowhere = place.run("notion", "setup", **told)
    assert (nowhere.code, "page" in nowhere.err) == (2, True)
    assert "1,000 blocks" in nowhere.err  # said before the first page
    link = f"https://www.notion.so/Videos-{peer.home.replace('-', '')}?pvs=4"
    done = place.run("notion", "setup", "--page", link, "--json", **told)
    assert done.code == 0, done.err
    assert done.json["done"][0].startswith("Made the database 'Spotloom Videos'")
    one = {"funnelLevel": ["unaware"], "type": ["storytime"]}  # drawn for real, so one alone
    brief = written(tmp_path / "brief.yaml", dimensions=one)
    made = place.run(
        *("make", brief, "--out", tmp_path / "out", "--batch-id", "spring", "--yes"), **told
    )
    assert made.code == 0, made.err
    pages = peer.pages()
    assert [page["values"]["Status"] for page in pages] == ["Completed"]
    status = place.run("notion", "status", "spring", "--json", **told).json
    assert (status["upToDate"], status["pending"], status["blockedPages"]) == (1, 0, [])
    assert place.run("notion", "resync", "spring", "--json").json == {"videos": 1}
    swept = place.run("notion", "sweep", "--json", **told).json
    assert (swept["pages"], swept["duplicates"], swept["orphans"]) == (1, [], [])
    looked = place.run("doctor", "--json", **told).json
    (notion,) = [each for each in looked if each["thing"] == "Notion"]
    assert notion["well"], notion
    assert "Spotloom Videos" in notion["says"]
    wrong = place.run("doctor", "--json", **told | {"NOTION_API_KEY": "ntn_wrong"}).json
    (notion,) = [each for each in wrong if each["thing"] == "Notion"]
    assert (notion["well"], "NOTION_API_KEY" in notion["says"]) == (False, True)
    assert "ntn_wrong" not in str(wrong)
    assert place.run("notion", "disconnect").code == 0
    assert place.run("notion", "pair").code == 2
    assert peer.ledger()["problems"] == []

"""The mirror against the peer's faults: every page once, in few requests, whatever is killed."""

import statistics

import pytest
from tests.integration import generating
from tests.integration.notion_peer import measuring, running, stock
from tests.integration.notion_peer.mirroring import QUICK, REAL, Mirrored, hard

VIDEOS = 120


@pytest.fixture(scope="module")
def scenery(database_url):
    with generating.scenery(database_url) as shared:
        yield shared


@pytest.fixture
async def mirrored(scenery, tmp_path):
    with scenery.stage(tmp_path) as stage, running.running(tmp_path) as peer:
        one = Mirrored(stage, peer)
        await one.connect()
        yield one


@pytest.mark.timed
async def test_every_page_is_there_once_in_few_requests(mirrored, tmp_path_factory):
    faults = hard(requests=60, seconds=2)
    mirrored.peer.faults(**faults)
    told = await mirrored.drain(VIDEOS, deadline_s=240, timing=QUICK)
    assert (told.pages, told.doubled, told.problems) == (VIDEOS, 0, ())
    assert told.over_minimum <= 1.15, told
    with running.running(tmp_path_factory.mktemp("stock")) as other:
        other.faults(**faults)
        beside = await stock.fill(other, VIDEOS)
    assert beside.unknown > 0, "the faults did not bite"
    assert beside.doubled > 0


async def test_killed_again_and_again_it_makes_each_page_once(mirrored):
    mirrored.peer.faults(**hard(requests=60, seconds=2, seed=1), latencySeconds=0.05)
    told = await mirrored.drain(VIDEOS, deadline_s=240, timing=QUICK, kills=3, every_s=1.0)
    assert told.kills == 3
    assert (told.pages, told.doubled, told.problems) == (VIDEOS, 0, ())


@pytest.mark.timed
async def test_a_page_says_a_change_within_seconds_at_rest(mirrored):
    await mirrored.drain(6, deadline_s=240, timing=REAL)
    tries: list[float] = []
    with mirrored.lives(REAL):
        while len(tries) < 3 and not (tries and tries[-1] < 5):
            tries.append(measuring.percentile(await measuring.lags(mirrored, 8), 0.95))
    assert min(tries) < 5, tries


@pytest.mark.timed
async def test_submitting_takes_no_longer_whatever_notion_does(mirrored, scenery, tmp_path):
    with scenery.stage(tmp_path / "plain") as plain, mirrored.lives(QUICK):
        taken = await measuring.submits(mirrored, plain, videos=200, rounds=3)
    usual = statistics.median(taken.pop("none"))
    longer = {mood: min(times) / usual for mood, times in taken.items()}
    assert max(longer.values()) < 1.5, longer

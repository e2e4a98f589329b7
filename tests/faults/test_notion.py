"""A whole batch on its way to Notion: limits, lost answers, overload, and many kills."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tests.faults import tally
from tests.faults.crew import Crew
from tests.faults.tally import Run
from tests.integration.notion_peer import measuring, running, stock
from tests.integration.notion_peer.mirroring import REAL, Drained, Mirrored, hard

VIDEOS = 660
DEADLINE_S = 1800.0

Begin = Callable[[float], Run]


@pytest.fixture
async def mirrored(stage_of: Callable[[], Any], tmp_path: Path) -> AsyncIterator[Mirrored]:
    with stage_of() as stage, running.running(tmp_path) as peer:
        one = Mirrored(stage, peer)
        await one.connect()
        yield one


def once(told: Drained) -> None:
    """Every page is there once, and few requests were needed."""
    tally.notes.append(f"notion: {told}")
    assert (told.pages, told.doubled, told.problems) == (told.videos, 0, ())
    assert told.over_minimum <= 1.15, told


async def test_a_batch_goes_to_notion_beside_the_stock_client(
    mirrored: Mirrored, tmp_path_factory: pytest.TempPathFactory
) -> None:
    script = hard(requests=180, seconds=60)
    mirrored.peer.faults(**script)
    with running.running(tmp_path_factory.mktemp("stock")) as other:
        other.faults(**script)
        ours, theirs = await asyncio.gather(
            mirrored.drain(VIDEOS, deadline_s=DEADLINE_S, timing=REAL), stock.fill(other, VIDEOS)
        )
    tally.notes.append(f"notion, stock client: {asdict(theirs)}")
    once(ours)
    assert theirs.unknown > 0, "the faults did not bite"


async def test_the_mirror_is_killed_every_two_seconds(mirrored: Mirrored) -> None:
    mirrored.peer.faults(**hard(requests=180, seconds=60, seed=1))
    once(await mirrored.drain(VIDEOS, deadline_s=DEADLINE_S, timing=REAL, kills=100_000))


async def test_notion_is_away_and_everything_is_made_and_told_afterwards(
    mirrored: Mirrored, run: Begin
) -> None:
    under_way = run(0)
    stage = mirrored.stage
    mirrored.peer.stop()
    told = {"NOTION_API_KEY": mirrored.peer.token, "NOTION_BASE_URL": mirrored.peer.url}
    await stage.submit(stage.order(40))
    for _ in range(2):
        stage.spawn(**told).wait_ready()
    await stage.finished(600)
    under_way.struck("Notions stopped")
    await under_way.weigh(stage)
    assert stage.statuses() == {"completed": 40}
    mirrored.peer.start()
    await mirrored.settled(600)
    pages = mirrored.peer.pages()
    assert [page["values"]["Status"] for page in pages] == ["Completed"] * 40
    assert mirrored.peer.ledger()["duplicates"] == []


async def test_workers_are_killed_while_they_make_and_tell(mirrored: Mirrored, run: Begin) -> None:
    under_way = run(0)
    stage = mirrored.stage
    mirrored.peer.faults(**hard(requests=180, seconds=60, seed=2))
    told = {"NOTION_API_KEY": mirrored.peer.token, "NOTION_BASE_URL": mirrored.peer.url}
    await stage.submit(stage.order(60))
    crew = Crew(stage, 2, lambda: stage.spawn(**told))
    for _ in range(15):
        await asyncio.sleep(2)
        crew.kill_one()
        under_way.struck("workers killed")
    await crew.finish(600)
    await under_way.weigh(stage)
    await mirrored.settled(600)
    pages = mirrored.peer.pages()
    assert [page["values"]["Status"] for page in pages] == ["Completed"] * 60
    assert mirrored.peer.ledger()["duplicates"] == []
    assert mirrored.peer.ledger()["problems"] == []


async def test_pages_are_less_than_five_seconds_behind_at_rest(mirrored: Mirrored) -> None:
    await mirrored.drain(20, deadline_s=600, timing=REAL)
    with mirrored.lives(REAL):
        lags = await measuring.lags(mirrored, 60)
    tally.notes.append(f"notion, lag: p95 {measuring.percentile(lags, 0.95):.2f} s of {len(lags)}")
    assert measuring.percentile(lags, 0.95) < 5, lags

"""The change feed: whatever commits, and however late, is told once."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from tests.integration import live_stage
from tests.integration.live_stage import Campaign, Ground

from spotloom.campaigns import changes
from spotloom.campaigns.changes import LONGEST, Changes, Position
from spotloom.campaigns.database import Role, Sessions, connect


@pytest.fixture
def ground(database_url: str) -> Iterator[Ground]:
    with live_stage.ground(database_url) as one:
        yield one


@pytest.fixture
async def web(ground: Ground) -> AsyncIterator[Sessions]:
    engine, sessions = connect(ground.url, pool=4, role=Role.WEB)
    yield sessions
    await engine.dispose()


async def read(web: Sessions, campaign: Campaign, last: Position | None = None) -> Changes:
    found = await read_any(web, campaign, last)
    assert found is not None
    return found


async def read_any(
    web: Sessions, campaign: Campaign, last: Position | None = None
) -> Changes | None:
    async with changes.moment(web, campaign.workspace_id) as session:
        return await changes.since(session, campaign.workspace_id, campaign.id, last=last)


SET = "UPDATE spotloom.generation SET progress = %s WHERE id = %s"


async def test_the_first_look_tells_everything_in_the_order_of_the_matrix(ground, web):
    campaign = ground.campaign(5)
    found = await read(web, campaign)
    assert found.whole
    assert [video.key for video in found.videos] == campaign.keys
    assert {(v.status, v.attempt, v.review, v.winner) for v in found.videos} == {
        ("queued", 1, "none", False)
    }


async def test_what_did_not_change_is_not_told(ground, web):
    campaign, other = ground.campaign(5), ground.campaign(5)
    first = await read(web, campaign)
    ground.run(SET, 7, other.generations[other.keys[0]])
    again = await read(web, campaign, first.at)
    assert not again.whole
    assert again.videos == ()
    assert first.at.sees(again.campaign_changed)


async def test_a_change_of_either_row_is_told_once(ground, web):
    campaign = ground.campaign(5)
    first = await read(web, campaign)
    ground.run(SET, 7, campaign.generations[campaign.keys[1]])
    ground.run(
        "UPDATE spotloom.combination SET review = 'approved', winner = true WHERE id = %s",
        campaign.combinations[campaign.keys[3]],
    )
    second = await read(web, campaign, first.at)
    assert [(v.key, v.progress, v.review, v.winner) for v in second.videos] == [
        (campaign.keys[1], 7, "none", False),
        (campaign.keys[3], None, "approved", True),
    ]
    assert (await read(web, campaign, second.at)).videos == ()


async def test_a_transaction_that_commits_late_is_told_then(ground, web):
    campaign = ground.campaign(3)
    early, late, _ = campaign.keys
    with ground.connect() as slow:
        slow.execute(SET, (1, campaign.generations[late]))  # has its number, and waits
        ground.run(SET, 2, campaign.generations[early])
        first = await read(web, campaign)
        ground.run(SET, 3, campaign.generations[early])
        second = await read(web, campaign, first.at)
        assert [(v.key, v.progress) for v in second.videos] == [(early, 3)]
        slow.commit()
    third = await read(web, campaign, second.at)
    assert [(v.key, v.progress) for v in third.videos] == [(late, 1)]
    since_first = await read(web, campaign, first.at)
    assert [(v.key, v.progress) for v in since_first.videos] == [(early, 3), (late, 1)]


async def test_savepoints_and_what_was_undone_change_nothing(ground, web):
    campaign = ground.campaign(2)
    kept, undone = campaign.keys
    first = await read(web, campaign)
    with ground.connect() as hand, hand.transaction():
        hand.execute(SET, (1, campaign.generations[kept]))
        with contextlib.suppress(ZeroDivisionError), hand.transaction():
            hand.execute(SET, (1, campaign.generations[undone]))
            raise ZeroDivisionError
        with hand.transaction():
            hand.execute(SET, (2, campaign.generations[kept]))
    second = await read(web, campaign, first.at)
    assert [(v.key, v.progress) for v in second.videos] == [(kept, 2)]


async def test_a_new_attempt_replaces_the_old_one(ground, web):
    campaign = ground.campaign(2)
    key = campaign.keys[1]
    ground.run(
        "UPDATE spotloom.generation SET status = 'failed' WHERE id = %s", campaign.generations[key]
    )
    first = await read(web, campaign)
    assert [(v.status, v.attempt) for v in first.videos] == [("queued", 1), ("failed", 1)]
    ground.again(campaign, key)
    second = await read(web, campaign, first.at)
    assert [(v.key, v.status, v.attempt) for v in second.videos] == [(key, "queued", 2)]
    # Late words about the old attempt do not bring it back.
    ground.run(
        "UPDATE spotloom.generation SET error_code = 'late' WHERE id = %s",
        campaign.generations[key],
    )
    third = await read(web, campaign, second.at)
    assert [(v.status, v.attempt, v.error_code) for v in third.videos] == [("queued", 2, None)]


async def test_a_deleted_campaign_and_a_strangers_are_not_there(ground, web):
    campaign = ground.campaign(2)
    first = await read(web, campaign)
    async with changes.moment(web, uuid4()) as session:
        assert await changes.since(session, campaign.workspace_id, campaign.id, last=None) is None
    ground.run("ALTER TABLE spotloom.ledger DISABLE TRIGGER USER")
    ground.run("DELETE FROM spotloom.ledger")
    ground.run("DELETE FROM spotloom.campaign WHERE id = %s", campaign.id)
    assert await read_any(web, campaign, first.at) is None


async def test_a_position_of_elsewhere_or_the_future_tells_everything(ground, web):
    campaign = ground.campaign(3)
    here = (await read(web, campaign)).at
    strangers = [
        Position.of("1", here.snapshot),  # another server, or this one before a restore
        Position.of(here.server, f"{here.xmax + 9}:{here.xmax + 9}:"),
        Position.of(here.server, f"{here.xmin}:{here.xmax + 9}:"),
    ]
    for stranger in strangers:
        found = await read(web, campaign, stranger)
        assert found.whole
        assert len(found.videos) == 3
    with ground.connect() as slow:  # a position that sees what has not ended here
        slow.execute(SET, (1, campaign.generations[campaign.keys[0]]))
        ground.run(SET, 1, campaign.generations[campaign.keys[1]])
        with_one_open = (await read(web, campaign)).at
        assert with_one_open.running
        ahead = Position.of(here.server, f"{with_one_open.xmax}:{with_one_open.xmax}:")
        assert (await read(web, campaign, ahead)).whole


async def test_rows_restored_from_a_server_far_ahead_are_not_news_for_ever(ground, web):
    campaign = ground.campaign(3)
    ground.run("ALTER TABLE spotloom.generation DISABLE TRIGGER USER")
    ground.run("UPDATE spotloom.generation SET changed = '9000000000'")
    ground.run("ALTER TABLE spotloom.generation ENABLE TRIGGER USER")
    first = await read(web, campaign)
    assert len(first.videos) == 3
    assert all(first.at.sees(each) for video in first.videos for each in video.changed)
    assert (await read(web, campaign, first.at)).videos == ()
    ground.run(SET, 5, campaign.generations[campaign.keys[2]])
    assert [v.progress for v in (await read(web, campaign, first.at)).videos] == [5]


@pytest.mark.parametrize(
    "written",
    [
        *("", "x", "1.2:3", "g.1:1:", "1.1:1:1", "1.0:1:", "1.5:4:", "1.3:9:2", "1.3:9:9"),
        *("1.3:9:4,", "1.3:9:,4", "1.3:9:4;5", "-1.3:9:", "1.\uff13:9:", "1.3:9:\n", "1.3:9:4\x00"),
        "1.3:9:" + ",".join(["4"] * LONGEST),
    ],
)
def test_what_is_no_position_is_none(written):
    assert Position.parse(written) is None


def test_a_position_is_its_text():
    for written in ("5f.3:3:", "5f.3:9:4,7", f"{'f' * 13}.3:99999999999999999999:"):
        position = Position.parse(written)
        assert position is not None
        assert str(position) == written


async def test_a_position_too_long_to_send_is_written_empty_and_works_here(ground, web):
    campaign = ground.campaign(2)
    with contextlib.ExitStack() as stack:
        hands = [stack.enter_context(ground.connect()) for _ in range(12)]
        for hand in hands:
            hand.execute("SELECT pg_current_xact_id()")
        ground.run(SET, 1, campaign.generations[campaign.keys[0]])
        found = await read(web, campaign)
        assert len(found.at.running) >= 12
        many = Position.of(
            found.at.server,
            f"1000000000:2000000000:{','.join(str(1_000_000_000 + n) for n in range(100))}",
        )
        assert str(many) == ""
        assert str(found.at) != ""


async def test_concurrent_writers_leave_no_gap_and_no_double(ground, web):
    """Many hands in transactions that overlap; a reader that follows, and sums up."""
    campaign = ground.campaign(40)
    done = asyncio.Event()
    following = asyncio.create_task(follow(web, campaign, done))
    hands = (asyncio.to_thread(scribble, ground, campaign, seed=seed) for seed in range(5))
    await asyncio.gather(*hands)
    done.set()
    known, told = await following
    rows = ground.run(
        "SELECT k.key, g.progress FROM spotloom.generation g"
        " JOIN spotloom.combination k ON k.id = g.combination_id"
    )
    assert known == {row["key"]: row["progress"] for row in rows}
    assert sum(row["progress"] or 0 for row in rows) == 5 * 40 * 3
    assert told > 100


def scribble(ground: Ground, campaign: Campaign, *, seed: int) -> None:
    """Forty transactions of three changes each, some of them slow to commit."""
    chance = random.Random(seed)
    with ground.connect() as connection:
        for n in range(40):
            with connection.transaction():
                for key in sorted(chance.sample(campaign.keys, 3)):
                    connection.execute(
                        "UPDATE spotloom.generation SET progress = coalesce(progress, 0) + 1"
                        " WHERE id = %s",
                        (campaign.generations[key],),
                    )
                if n % 3:
                    connection.execute("SELECT pg_sleep(%s)", (chance.random() / 100,))


async def follow(
    web: Sessions, campaign: Campaign, done: asyncio.Event
) -> tuple[dict[str, int | None], int]:
    """What a reader knows who is only told the changes, and how many videos it was told of."""
    last, known, told = None, {}, 0
    while True:
        ending = done.is_set()
        found = await read(web, campaign, last)
        for video in found.videos:
            # A row that comes again without a change would be a double.
            assert known.get(video.key, -1) != video.progress
            known[video.key] = video.progress
            told += 1
        last = found.at
        if ending:
            return known, told

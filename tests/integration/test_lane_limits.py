"""A lane's limit and its pauses: the settings begin it, a person and the provider go before us."""

import uuid

import pytest
from sqlalchemy import text
from tests.integration import live_stage
from tests.integration.generating import order

from spotloom import wiring
from spotloom.campaigns import database, submit
from spotloom.campaigns.submit import LaneKey
from spotloom.generation import lanes
from spotloom.settings import Settings

FULL = "The disk is full."


@pytest.fixture(scope="module")
def ground(database_url):
    with live_stage.ground(database_url) as one:
        yield one


@pytest.fixture
async def sessions(ground):
    engine, sessions = database.connect(ground.url, pool=2, role=database.Role.WORKER)
    yield sessions
    await engine.dispose()


@pytest.fixture
async def lane_id(ground, sessions):
    lane = LaneKey(provider="openai-videos", account=uuid.uuid4().hex, slot_limit=4)
    async with sessions.begin() as session:
        return await submit.ensure_lane(session, ground.workspace(), lane)


async def stood(sessions, lane_id):
    """Seconds until it opens by itself."""
    async with sessions() as session:
        return await lanes.opens_in_s(session, lane_id)


def told(ground, lane_id):
    (row,) = ground.run("SELECT reason, blocked FROM spotloom.lane WHERE id = %s", lane_id)
    return row["reason"], row["blocked"]


async def test_a_submit_leaves_the_limit_that_an_admin_set(ground, sessions, tmp_path):
    """Also where the setting was said: it is for lanes that are not there yet."""
    settings = Settings(_env_file=None, sora_base_url="http://127.0.0.1:9/v1", max_concurrent=4)
    workspace_id = ground.workspace()
    async with wiring.providers(settings, tmp_path, names={"openai-videos"}) as [provider]:
        lane = wiring.lane_key(settings, provider)
    for number, limit in enumerate((4, 2)):
        planned = order(1)
        async with sessions.begin() as session:
            await submit.submit(
                session,
                planned.plan,
                batch_key=f"b-{number}",
                brief=planned.written,
                lane=lane,
                workspace_id=workspace_id,
            )
        (row,) = ground.run(
            "SELECT id, slot_limit FROM spotloom.lane WHERE account = %s", lane.account
        )
        assert row["slot_limit"] == limit
        async with sessions.begin() as session:
            await lanes.set_limits(session, row["id"], limit=2, starts_a_minute=None)


async def test_a_full_disk_does_not_shorten_the_providers_pause(ground, sessions, lane_id):
    async with sessions.begin() as session:
        await lanes.pause(session, lane_id, reason="429", retry_after_s=300)
        await lanes.hold_back(session, lane_id, reason=FULL, for_s=5)
    assert await stood(sessions, lane_id) > 200
    assert told(ground, lane_id) == ("429", False)


async def test_a_full_disk_takes_no_persons_word_away(ground, sessions, lane_id):
    async with sessions.begin() as session:
        await lanes.block(session, lane_id, reason="paused by Ann")
        await lanes.hold_back(session, lane_id, reason=FULL, for_s=5)
    assert told(ground, lane_id) == ("paused by Ann", True)


async def test_a_full_disk_closes_an_open_lane_and_one_that_opens_sooner(ground, sessions, lane_id):
    async with sessions.begin() as session:
        await lanes.hold_back(session, lane_id, reason=FULL, for_s=60)
    assert 50 < await stood(sessions, lane_id) <= 60
    async with sessions.begin() as session:
        await lanes.hold_back(session, lane_id, reason="Still full.", for_s=90)
    assert await stood(sessions, lane_id) > 80
    assert told(ground, lane_id) == ("Still full.", False)


@pytest.fixture
async def pair(ground, sessions):
    """Two workspaces' lanes at one account."""
    workspaces = [ground.workspace(uuid.uuid4()) for _ in range(2)]
    lane = LaneKey(provider="openai-videos", account=uuid.uuid4().hex, slot_limit=4)
    async with sessions.begin() as session:
        return [await submit.ensure_lane(session, each, lane) for each in workspaces]


async def test_what_the_provider_says_to_one_lane_holds_for_all_of_the_account(
    ground, sessions, pair, wait_until_async
):
    first, second = pair
    async with sessions.begin() as session:
        await lanes.pause(session, first, reason="429", retry_after_s=2)
    assert told(ground, second) == ("429", False)
    assert await stood(sessions, second) > 0

    async def healed():
        async with sessions.begin() as session:
            await lanes.well(session, second)
        return told(ground, first) == (None, False)

    await wait_until_async(healed)


async def test_a_lane_that_a_person_paused_keeps_that_reason(ground, sessions, pair):
    first, second = pair
    async with sessions.begin() as session:
        await lanes.block(session, second, reason="paused by Ann")
        await lanes.pause(session, first, reason="429", retry_after_s=300)
    assert told(ground, second) == ("paused by Ann", True)


async def test_a_server_that_asks_for_no_pause_again_and_again_gets_longer_ones(sessions, lane_id):
    for least in (0.1, 0.7, 1.4):
        async with sessions.begin() as session:
            await lanes.pause(session, lane_id, reason="429", retry_after_s=0)
        assert await stood(sessions, lane_id) > least
        async with sessions.begin() as session:
            await session.execute(text("UPDATE spotloom.lane SET paused_until = now()"))

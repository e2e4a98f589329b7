"""When a batch will be done: by its last minutes, by its videos so far, by the plan."""

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.integration import live_stage
from tests.integration.live_stage import Campaign, Ground

from spotloom.campaigns import database, reads


@pytest.fixture(scope="module")
def ground(database_url: str) -> Iterator[Ground]:
    with live_stage.ground(database_url) as one:
        yield one


@pytest.fixture
async def sessions(ground: Ground) -> AsyncIterator[database.Sessions]:
    engine, sessions = database.connect(ground.url, pool=1, role=database.Role.WORKER)
    yield sessions
    await engine.dispose()


def makes(ground: Ground, campaign: Campaign, first: int, many: int, *, begun: int) -> None:
    """So many of its videos are being made since that many minutes."""
    for key in campaign.keys[first : first + many]:
        ground.run(
            "UPDATE spotloom.generation SET status = 'generating',"
            " admitted_at = clock_timestamp() - make_interval(mins => %s) WHERE id = %s",
            *(begun, campaign.generations[key]),
        )


def made(ground: Ground, campaign: Campaign, many: int, *, begun: int, ended: int) -> None:
    """Its first videos were begun and ended so many minutes ago."""
    makes(ground, campaign, 0, many, begun=begun)
    for key in campaign.keys[:many]:
        ground.run(
            "UPDATE spotloom.generation SET status = 'completed',"
            " over_at = clock_timestamp() - make_interval(mins => %s) WHERE id = %s",
            *(ended, campaign.generations[key]),
        )


async def told(
    sessions: database.Sessions, campaign: Campaign
) -> tuple[float | None, float | None]:
    async with sessions() as session:
        now = await reads.progress(session, campaign.id, workspace_id=campaign.workspace_id)
    return now.finished_a_minute, now.left_s


async def test_a_slow_model_has_a_finish_time_though_few_ended_just_now(ground, sessions):
    campaign = ground.campaign(24)
    made(ground, campaign, 12, begun=30, ended=20)  # ten minutes each, and none since
    makes(ground, campaign, 12, 4, begun=1)
    pace, left_s = await told(sessions, campaign)
    assert pace == pytest.approx(0.4, rel=0.01)  # four at once
    assert left_s == pytest.approx(30 * 60, rel=0.01)


async def test_videos_that_end_together_are_no_pace_of_the_last_minutes(ground, sessions):
    campaign = ground.campaign(8)
    made(ground, campaign, 4, begun=10, ended=0)
    makes(ground, campaign, 4, 4, begun=0)
    pace, left_s = await told(sessions, campaign)
    assert pace == pytest.approx(0.4, rel=0.05)
    assert left_s == pytest.approx(10 * 60, rel=0.05)


async def test_a_quick_batch_goes_by_its_last_minutes(ground, sessions):
    campaign = ground.campaign(24)
    made(ground, campaign, 12, begun=4, ended=1)
    makes(ground, campaign, 12, 4, begun=1)
    pace, left_s = await told(sessions, campaign)
    assert pace == pytest.approx(3, rel=0.02)
    assert left_s == pytest.approx(4 * 60, rel=0.02)


async def test_before_the_first_video_the_plan_says_when(ground, sessions):
    campaign = ground.campaign(9)
    makes(ground, campaign, 0, 4, begun=1)
    assert await told(sessions, campaign) == (None, 3 * 4 * 60)
    ground.run(
        "UPDATE spotloom.lane SET provider = 'sandbox' WHERE workspace_id = %s",
        campaign.workspace_id,
    )
    try:
        assert await told(sessions, campaign) == (None, None)
    finally:
        ground.run(
            "UPDATE spotloom.lane SET provider = %s WHERE workspace_id = %s",
            *(live_stage.PROVIDER, campaign.workspace_id),
        )


async def test_a_closed_lane_has_no_finish_time(ground, sessions):
    campaign = ground.campaign(3)
    ground.run(
        "UPDATE spotloom.lane SET blocked = true WHERE workspace_id = %s", campaign.workspace_id
    )
    assert await told(sessions, campaign) == (None, None)

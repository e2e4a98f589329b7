"""What the tests of the mirror share: a database, a Notion, and a workspace that is shown there."""

import pytest
from tests.integration import live_stage, notion_stage
from tests.integration.notion_peer import running


@pytest.fixture(scope="module")
def ground(database_url):
    with live_stage.ground(database_url) as one:
        yield one


@pytest.fixture(scope="module")
def notion(tmp_path_factory):
    with running.running(tmp_path_factory.mktemp("notion")) as one:
        yield one


@pytest.fixture
def peer(notion):
    notion.faults()
    notion.reset()
    return notion


@pytest.fixture
async def stage(ground, peer):
    """A workspace that is not connected yet."""
    async with notion_stage.stage(ground, peer) as one:
        yield one
        assert peer.ledger()["problems"] == []


@pytest.fixture
async def video(stage, wait_until_async):
    """The one video of a batch, shown in Notion."""
    await stage.connect()
    batch = await stage.batch(1)
    (row,) = stage.run(
        "SELECT key FROM spotloom.combination WHERE campaign_id = %s", batch.campaign_id
    )
    one = notion_stage.Video(stage, batch, row["key"], wait_until_async)
    async with stage.mirroring(poll_s=600, trash_s=600):
        await one.told()
    return one

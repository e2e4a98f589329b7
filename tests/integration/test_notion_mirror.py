"""One Notion page a video: made once, true within seconds, never in the way."""

import pytest
from tests.integration import live_stage, notion_stage
from tests.integration.notion_peer import running


@pytest.fixture(scope="module")
def ground(database_url):
    with (
        live_stage.template(database_url) as like,
        live_stage.ground(database_url, like=like) as one,
    ):
        yield one


@pytest.fixture
def peer(tmp_path):
    with running.running(tmp_path) as one:
        yield one


@pytest.fixture
async def stage(ground, peer):
    async with notion_stage.stage(ground, peer) as one:
        yield one
        assert peer.ledger()["problems"] == []


async def test_a_submitted_batch_has_a_page_for_each_video(stage, wait_until_async):
    await stage.connect()
    batch = await stage.batch(6, key="spring")
    async with stage.mirroring():
        await wait_until_async(lambda: not stage.untold())
    pages = stage.pages()
    assert len(pages) == 6
    assert {len(each) for each in pages.values()} == {1}
    assert {batch_id for batch_id, _ in pages} == {"spring"}
    for row in stage.outbox():
        page = stage.page(row["key"])
        video = await stage.video(batch, row["key"])
        assert video.notion_page_id == page["id"]

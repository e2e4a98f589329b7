"""Pages that go and come back, copies, and what a sweep finds."""

from tests.integration.notion_stage import text

from spotloom.campaigns.mirrors import outbox
from spotloom.generation.mirrors.notion import TARGET, sweep


async def test_a_trashed_page_is_unlinked_and_the_video_stays(video):
    page_id = video.page["id"]
    async with video.stage.mirroring(poll_s=2.0, trash_s=3.0):
        video.stage.peer.trash(page_id)
        await video.wait(lambda: video.stage.outbox()[0]["state"] == "unlinked", 120)
        assert (await video.stored()).notion_page_id is None
        video.stage.move(video.batch, "failed")  # it stays away
        await video.told()
        assert video.stage.pages() == {}
        assert (await video.stored()).status == "failed"
        video.stage.peer.trash(page_id, restore=True)
        await video.wait(lambda: video.stage.outbox()[0]["page_id"] == page_id, 120)
        await video.told()
    assert video.shown["Status"] == "Failed"
    assert video.page["id"] == page_id


async def test_a_page_that_was_put_away_is_made_again_when_a_person_asks(video):
    page_id = video.page["id"]
    video.stage.peer.trash(page_id)
    video.stage.move(video.batch, "failed")
    async with video.stage.mirroring(poll_s=600, trash_s=600):
        await video.wait(lambda: video.stage.outbox()[0]["state"] == "unlinked", 120)
        async with video.stage.sessions.begin() as session:
            await outbox.append(session, TARGET, kind="anew", workspace_id=video.stage.workspace_id)
        await video.told()
    assert video.page["id"] != page_id


async def test_a_page_that_is_gone_for_ever_is_unlinked(video):
    page_id = video.page["id"]
    video.stage.peer.trash(page_id)
    video.stage.peer.empty_trash(page_id)
    video.stage.move(video.batch, "failed")
    async with video.stage.mirroring(poll_s=600, trash_s=600):
        await video.wait(lambda: video.stage.outbox()[0]["state"] == "unlinked", 120)


async def test_a_sweep_finds_copies_orphans_and_lost_links(video):
    stage, source = video.stage, video.stage.source
    page_id = video.page["id"]
    title = {"title": [{"text": {"content": "x"}}]}
    batch_key = stage.run("SELECT batch_key FROM spotloom.campaign ORDER BY id DESC")[0]
    ids = {"Batch ID": text(batch_key["batch_key"]), "Combination ID": text(video.key)}
    stage.peer.advance(60)  # of two of the same minute, either may be kept
    copy = stage.peer.write(source, {"Video": title, **ids})
    orphan = stage.peer.write(
        source, {"Video": title, "Batch ID": text("gone"), "Combination ID": text("k")}
    )
    own = stage.peer.write(source, {"Video": title})
    found = await sweep.sweep(stage.desk, stage.scope, fix=False)
    assert (found.pages, found.duplicates, found.orphans) == (4, (copy,), (orphan,))
    assert (found.unlinked, found.trashed) == ((), 0)
    stage.run("UPDATE spotloom.combination SET notion_page_id = NULL WHERE key = %s", video.key)
    fixed = await sweep.sweep(stage.desk, stage.scope, fix=True)
    assert (fixed.unlinked, fixed.trashed, fixed.linked) == ((page_id,), 2, 1)
    assert (await video.stored()).notion_page_id == page_id
    left = {p["id"] for p in stage.peer.pages() if p["dataSource"] == source and not p["inTrash"]}
    assert left == {page_id, own}


async def test_a_sweep_goes_on_where_a_query_ends(video):
    stage = video.stage
    for number in range(5):
        stage.peer.write(stage.source, {"Video": {"title": [{"text": {"content": str(number)}}]}})
        stage.peer.advance(60)
    stage.peer.faults(queryCap=3)
    found = await sweep.sweep(stage.desk, stage.scope, fix=False)
    assert found.pages == 6

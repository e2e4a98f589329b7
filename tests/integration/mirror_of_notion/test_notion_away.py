"""Pages that go and come back, copies, and what a sweep finds."""

import asyncio

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


async def test_a_page_that_was_put_away_is_made_again_by_the_same_wish(video):
    """The wish may come before anybody has noticed that the page was put away."""
    page_id = video.page["id"]
    video.stage.peer.trash(page_id)
    async with video.stage.sessions.begin() as session:
        await outbox.append(session, TARGET, kind="anew", workspace_id=video.stage.workspace_id)
    async with video.stage.mirroring(poll_s=600, trash_s=600):
        await video.told()
    assert video.page["id"] != page_id
    assert [(row["state"], row["anew"]) for row in video.stage.outbox()] == [("settled", False)]


async def test_two_words_of_one_edit_make_no_page_for_what_was_put_away(video):
    """Webhooks of an edit and of the deletion come within a second, in any order."""
    video.stage.peer.trash(video.page["id"])
    async with video.stage.mirroring(poll_s=600, trash_s=600):
        for _ in range(2):
            await video.stage.look(video.batch, video.key)
            await video.told()
            assert [row["state"] for row in video.stage.outbox()] == ["unlinked"]
    assert video.stage.pages() == {}


async def test_a_page_taken_out_of_the_trash_erases_nothing(video):
    page_id = video.page["id"]
    async with video.stage.mirroring(poll_s=1.0, trash_s=2.0):
        video.stage.peer.trash(page_id)
        await video.wait(lambda: video.stage.outbox()[0]["state"] == "unlinked", 120)
        await video.here(review="approved", notes="The best one.", winner=True)
        video.stage.peer.trash(page_id, restore=True)
        await video.wait(lambda: video.stage.outbox()[0]["page_id"] == page_id, 120)
        await video.told()
    stored = await video.stored()
    assert (stored.review, stored.notes, stored.winner) == ("approved", "The best one.", True)
    shown = video.shown
    assert (shown["Review"], shown["Notes"], shown["Winner"]) == ("Approved", "The best one.", True)


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


async def test_a_sweep_leaves_what_is_made_while_it_walks(video):
    stage = video.stage
    slow = {"where": "queryDataSource", "fault": "slow", "seconds": 1.5}
    stage.peer.faults(rules=[slow])
    walking = asyncio.create_task(sweep.sweep(stage.desk, stage.scope, fix=True))
    await video.wait(stage.peer.count, 30)
    batch = await stage.batch(1, key="meanwhile")
    (row,) = stage.run(
        "SELECT key FROM spotloom.combination WHERE campaign_id = %s", batch.campaign_id
    )
    ids = {"Batch ID": text("meanwhile"), "Combination ID": text(row["key"])}
    made = stage.peer.write(stage.source, {"Video": {"title": []}, **ids})
    found = await walking
    assert (found.pages, found.orphans, found.trashed) == (2, (), 0)
    assert made in [p["id"] for (p,) in stage.pages().values()]


async def test_a_sweep_goes_on_where_a_query_ends(video):
    stage = video.stage
    for number in range(5):
        stage.peer.write(stage.source, {"Video": {"title": [{"text": {"content": str(number)}}]}})
        stage.peer.advance(60)
    stage.peer.faults(queryCap=3)
    found = await sweep.sweep(stage.desk, stage.scope, fix=False)
    assert found.pages == 6

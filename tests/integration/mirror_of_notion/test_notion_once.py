"""What was taken over is remembered with it: nothing is done twice, whatever fails next."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tests.integration.notion_stage import choice, text, tick

from spotloom.campaigns import database
from spotloom.campaigns.mirrors import claims, outbox, places
from spotloom.generation.mirrors.notion import TARGET, Mirror, writing
from spotloom.notion.api import Key, Notion

REFUSED = {"where": "updatePage", "fault": "status", "status": 503}


async def test_one_tick_buys_once_though_the_box_could_not_be_unticked(video):
    stage = video.stage
    fail(video, attempt=1)
    async with stage.mirroring(poll_s=600, trash_s=600):
        await video.told()
        video.there(Retry_Request=tick(True))
        stage.peer.faults(rules=[REFUSED])
        await stage.look(video.batch, video.key)

        async def bought():
            return (await video.stored()).attempt == 2

        await video.wait(bought, 120)
        fail(video, attempt=2)
        stage.peer.faults()
        await video.told()
    assert (await video.stored()).attempt == 2
    assert (video.shown["Answer"], video.shown["Retry Request"]) == ("It is tried again.", False)
    assert [action for _, action in video.audited()] == ["video.retried"]


async def test_what_was_taken_over_does_not_undo_a_later_decision(video):
    stage = video.stage
    async with stage.mirroring(poll_s=600, trash_s=600):
        video.there(Review=choice("Approved"))
        stage.move(video.batch, "generating")  # so that there is something to write
        stage.peer.faults(rules=[REFUSED])
        await stage.look(video.batch, video.key)

        async def taken():
            return (await video.stored()).review == "approved"

        await video.wait(taken, 120)
        await video.here(review="rejected")
        stage.peer.faults()
        await video.told()
    assert (await video.stored()).review == "rejected"
    assert video.shown["Review"] == "Rejected"


async def test_a_process_that_lost_its_claim_unlinks_nothing(video):
    stage = video.stage
    stage.move(video.batch, "failed")
    async with stage.sessions.begin() as session:
        await outbox.fold(session, TARGET)
        old = await outbox.claim(session, TARGET, lease_s=0)
    async with stage.sessions.begin() as session:
        new = await outbox.claim(session, TARGET, lease_s=60)
        await claims.unlink(session, old)
    assert (await video.stored()).notion_page_id == new.page_id
    assert [row["state"] for row in stage.outbox()] == ["pending"]


async def test_a_process_that_lost_its_claim_takes_nothing_over(video):
    """It would do what the page asks for, and nobody would remember that it was done."""
    stage = video.stage
    fail(video, attempt=1)
    video.there(Retry_Request=tick(True))
    await stage.look(video.batch, video.key)
    async with stage.sessions.begin() as session:
        await outbox.fold(session, TARGET)
        place = await places.of_any(session, TARGET)
        old = await outbox.claim(session, TARGET, lease_s=0)
    async with stage.sessions.begin() as session:
        new = await outbox.claim(session, TARGET, lease_s=60)
    await writing.write(stage.desk, place, old)
    assert (await video.stored()).attempt == 1
    await writing.write(stage.desk, place, new)
    assert (await video.stored()).attempt == 2


async def test_an_edit_that_our_own_writing_hid_is_under_no_ones_name(video):
    """Its page says that we edited last; who had, it does not say any more."""
    video.there(Notes=text("Keep the first shot."))
    video.stage.move(video.batch, "generating")
    async with video.stage.mirroring(poll_s=600, trash_s=600):
        await video.told()

        async def taken():
            return (await video.stored()).notes == "Keep the first shot."

        await video.wait(taken, 120)
    assert video.audited() == [("notion", "video.edited")]


async def test_a_cancelled_video_is_not_tried_again_from_notion(video):
    fail(video, attempt=1, status="cancelled")
    async with video.stage.mirroring(poll_s=1.0, trash_s=600):
        video.there(Retry_Request=tick(True))
        await video.wait(lambda: video.shown["Answer"], 120)
    assert video.shown["Answer"] == "Not tried again: the video is cancelled."
    assert (await video.stored()).attempt == 1


def fail(video, *, attempt, status="failed"):
    """The attempt ends without a file, and nothing is charged."""
    video.stage.run(
        "INSERT INTO spotloom.ledger (id, workspace_id, campaign_id, generation_id, kind, amount)"
        " SELECT gen_random_uuid(), workspace_id, campaign_id, id, 'release', 0"
        " FROM spotloom.generation WHERE campaign_id = %s AND attempt = %s",
        *(video.batch.campaign_id, attempt),
    )
    video.stage.move(video.batch, status, error_text="Gave up.")


async def test_a_process_that_slept_before_it_sent_makes_no_second_page(
    stage, peer, wait_until_async
):
    """Stopped between its note and its request, while another looks in vain and makes the page."""
    await stage.connect()
    await stage.batch(1)
    async with stage.sessions.begin() as session:
        await outbox.fold(session, TARGET)
        place = await places.place(session, TARGET, stage.workspace_id)
        claim = await outbox.claim(session, TARGET, lease_s=0)
    looked = []

    def clock():
        looked.append(None)
        if len(looked) == 1:
            return 0.0
        with ThreadPoolExecutor(1) as thread:  # meanwhile this very thread stands still
            thread.submit(asyncio.run, another(stage, peer, wait_until_async)).result(timeout=150)
        return 200.0

    await writing.write(replace(stage.desk, clock=clock), place, claim)
    assert len(looked) == 2
    assert [len(pages) for pages in stage.pages().values()] == [1]
    assert peer.ledger()["byKind"]["createPage"] == 1


async def another(stage, peer, wait_until_async):
    """A mirror of another process, until it has made the page."""
    engine, sessions = database.connect(stage.ground.url, pool=5, role=database.Role.WORKER)
    async with Notion(Key(token=peer.token, address=peer.url, timeout_s=10)) as notion:
        desk = replace(stage.desk, sessions=sessions, notion=notion)
        running = asyncio.create_task(Mirror(desk).run())
        await wait_until_async(lambda: not stage.untold(), 120)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await engine.dispose()

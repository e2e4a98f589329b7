"""Short faults of our own database, and whose clock and whose word counts."""

import psycopg
import pytest

from spotloom.campaigns.mirrors import claims, outbox
from spotloom.generation.mirrors.notion import TARGET


async def test_a_database_that_hung_up_delays_a_page_by_a_moment(stage, peer, wait_until_async):
    await stage.connect()
    await stage.batch(1)
    errors = set()

    def told():
        errors.update(row["error"] for row in stage.outbox())
        return not stage.untold()

    async with stage.mirroring(poll_s=600, trash_s=600, delays_s=(0.2, 600.0), lease_s=600.0):
        with psycopg.connect(stage.ground.url) as busy:
            busy.execute("SELECT FROM spotloom.campaign FOR NO KEY UPDATE")
            await wait_until_async(lambda: stage.run(_WAITS), 30)
            for waiting in stage.run(_WAITS):
                stage.run("SELECT pg_terminate_backend(%s)", waiting["pid"])
        await wait_until_async(told, 30)
    assert errors == {None, "Our own database was away."}
    assert len(stage.pages()) == 1


async def test_folding_holds_no_page_while_it_waits_for_a_turn(video, wait_until_async):
    """Whoever sends takes its turn first and its page then: the other way round is a deadlock."""
    stage = video.stage
    stage.move(video.batch, "failed")
    stage.run("UPDATE spotloom.mirror SET poll_at = now()")
    with psycopg.connect(stage.ground.url) as sending:
        sending.execute("SELECT FROM spotloom.mirror FOR UPDATE")
        async with stage.mirroring_now(poll_s=600, trash_s=600):
            await wait_until_async(lambda: stage.run(_WAITS), 30)
            sending.execute("SELECT FROM spotloom.mirror_outbox FOR UPDATE NOWAIT")
            sending.rollback()
            await video.told()


_WAITS = """SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'
 AND datname = current_database() AND application_name = 'spotloom'"""


async def test_the_database_says_for_how_long_a_create_is_in_doubt(stage):
    """The clocks of two machines differ; a create that is absent too early is made twice."""
    await stage.connect()
    await stage.batch(1)
    async with stage.sessions.begin() as session:
        await outbox.fold(session, TARGET)
        claim = await outbox.claim(session, TARGET, lease_s=0)
        await claims.creating(session, claim, sent={}, agreed={})
    stage.run("UPDATE spotloom.mirror_outbox SET creating_at = creating_at - interval '40 s'")
    async with stage.sessions.begin() as session:
        (again,) = await outbox.in_doubt(session, TARGET, after_s=0, most=9, lease_s=9)
    assert again.in_doubt_s == pytest.approx(40, abs=5)


async def test_trouble_is_over_when_a_page_was_written_and_not_before(
    video, peer, wait_until_async
):
    stage = video.stage
    peer.faults(rules=[{"where": "updatePage", "fault": "status", "status": 401}])
    stage.move(video.batch, "failed")

    def trouble():
        return stage.run("SELECT trouble FROM spotloom.mirror")[0]["trouble"]

    def asked():
        assert trouble()
        return peer.ledger()["byKind"].get("queryDataSource", 0) > 3

    async with stage.mirroring(poll_s=0.1, busy_poll_s=0.1, trash_s=600, trouble_s=0.3):
        await wait_until_async(trouble, 60)
        peer.reset()
        await wait_until_async(asked, 60)
        peer.faults()
        await wait_until_async(lambda: not trouble(), 60)
        await video.told()


async def test_trouble_with_asking_is_over_when_it_is_answered(video, peer, wait_until_async):
    stage = video.stage
    peer.faults(rules=[{"where": "queryDataSource", "fault": "status", "status": 401}])

    def trouble():
        return stage.run("SELECT trouble FROM spotloom.mirror")[0]["trouble"]

    async with stage.mirroring(poll_s=0.2, trash_s=600, trouble_s=0.3):
        await wait_until_async(trouble, 60)
        peer.faults()
        await wait_until_async(lambda: not trouble(), 60)

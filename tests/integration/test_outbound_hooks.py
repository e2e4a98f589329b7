"""Outbound webhooks: told in the transaction of the change, sent until they have arrived."""

import asyncio
import contextlib
import sys
import time
import uuid
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, func, text
from tests.integration import live_stage
from tests.integration.generating import order
from tests.integration.receivers import Receiver

from spotloom.campaigns import database, generations, ids, ledger, submit, tenancy
from spotloom.campaigns.tables import Workspace
from spotloom.creative.status import Status
from spotloom.errors import BriefError, NotFound
from spotloom.generation.mirrors import outbound
from spotloom.generation.mirrors.outbound import hooks
from spotloom.generation.mirrors.outbound.sender import DELAYS_S
from spotloom.guarded import Allow, GuardedClient
from spotloom.web.signatures import signing_key, verified_id

ALL = [kind.value for kind in outbound.Kind]
LANE = submit.LaneKey(provider="openai-videos", account="here", slot_limit=4)


class Outbox:
    """A database with one workspace, its batches, and its hooks."""

    def __init__(self, url, engine, sessions):
        self.url, self.engine, self.sessions = url, engine, sessions
        self.workspace_id = ids.new()

    async def hook(self, receiver, *, events=ALL):
        async with self.sessions.begin() as session:
            return await hooks.add(session, self.workspace_id, url=receiver.url, events=events)

    async def batch(self, videos, **more):
        planned = order(videos, **more)
        async with self.sessions.begin() as session:
            stored = await submit.submit(
                session,
                planned.plan,
                batch_key=f"b-{uuid.uuid4().hex[:6]}",
                brief=planned.written,
                lane=LANE,
                workspace_id=self.workspace_id,
            )
        found = self.query(
            "SELECT id FROM spotloom.generation WHERE campaign_id = %s ORDER BY position",
            stored.campaign_id,
        )
        return stored.campaign_id, [row[0] for row in found]

    async def end(self, generation_id, to=Status.COMPLETED, **values):
        async with self.sessions.begin() as session:
            await generations.move(
                session,
                generation_id,
                expect=tuple(Status),
                to=to,
                over_at=func.clock_timestamp(),
                **values,
            )
            await ledger.release(session, generation_id)
            await outbound.announce(session, self.workspace_id, generation_id)

    def query(self, statement, *arguments):
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement, arguments or None)
            return cursor.fetchall() if cursor.description else []

    def deliveries(self):
        return self.query(
            "SELECT kind, state, attempts, status_code, error, id::text,"
            " extract(epoch FROM next_at - clock_timestamp()) FROM spotloom.delivery ORDER BY id"
        )

    def states(self):
        return [row[1] for row in self.deliveries()]

    def due_in(self, delay_s):
        """Whether the first delivery is tried again after that delay; a part of it may be over."""
        least = 0.1 if delay_s < 60 else 0.7
        return least * delay_s < self.deliveries()[0][6] < 1.3 * delay_s

    def let_time_pass(self):
        self.query("UPDATE spotloom.delivery SET next_at = now() WHERE state = 'pending'")

    @contextlib.asynccontextmanager
    async def sending(self, *receivers, senders=1, **more):
        client = GuardedClient(allow=Allow(origins=frozenset(r.origin for r in receivers)))
        tasks = [
            asyncio.create_task(
                outbound.Sender(self.sessions, client, **{"tick_s": 0.02} | more).run()
            )
            for _ in range(senders)
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(ended, asyncio.CancelledError), ended


@pytest.fixture
async def outbox(database_url):
    with live_stage.ground(database_url) as ground:
        engine, sessions = database.connect(ground.url, role=database.Role.WORKER)
        box = Outbox(ground.url, engine, sessions)
        async with sessions.begin() as session:
            session.add(Workspace(id=box.workspace_id, name="Tarn Audio"))
        try:
            yield box
        finally:
            await engine.dispose()


@pytest.fixture
async def receiver():
    async with Receiver().listening() as receiver:
        yield receiver


async def test_without_a_hook_it_costs_one_look_and_leaves_nothing(outbox):
    _, videos = await outbox.batch(1)
    statements = []
    async with outbox.sessions.begin() as session:
        await session.connection()
        event.listen(
            outbox.engine.sync_engine,
            "before_cursor_execute",
            lambda *told: statements.append(told[2]),
        )
        await outbound.announce(session, outbox.workspace_id, videos[0])
    assert len(statements) == 1
    assert "hook" in statements[0]
    assert outbox.deliveries() == []


async def test_every_end_is_told_and_signed(outbox, receiver, wait_until_async):
    _, secret = await outbox.hook(receiver)
    idea = "The headphones you mend with a coin and no words"
    campaign_id, (done, failed, cancelled) = await outbox.batch(3, idea=idea)
    await outbox.end(done, actual_cost=2)
    await outbox.end(failed, Status.FAILED, error_code="moderation", error_text="Refused.")
    await outbox.end(cancelled, Status.CANCELLED)
    async with outbox.sending(receiver):
        await wait_until_async(lambda: outbox.states() == ["delivered"] * 3)
    told = {one.event["type"]: one for one in receiver.received}
    assert set(told) == {"video.completed", "video.failed", "batch.completed"}
    for one in receiver.received:
        assert (
            verified_id(one.headers, one.body, key=signing_key(secret), now=time.time()) == one.id
        )
        assert one.event["data"]["campaignId"] == str(campaign_id)
        assert idea.encode() not in one.body
    good, bad = told["video.completed"].event["data"], told["video.failed"].event["data"]
    assert (good["generationId"], good["status"], good["cost"]) == (
        str(done),
        "completed",
        "2.0000",
    )
    assert bad["error"] == {"code": "moderation", "text": "Refused."}
    batch = told["batch.completed"].event["data"]
    assert batch["counts"] == {"completed": 1, "failed": 1, "cancelled": 1}


async def test_a_change_that_is_rolled_back_is_told_to_nobody(outbox, receiver):
    await outbox.hook(receiver)
    _, videos = await outbox.batch(1)
    async with outbox.sessions() as session:
        await outbound.announce(session, outbox.workspace_id, videos[0])
        await outbound.announce_budget(session, outbox.workspace_id, campaign_id=None, reason="")
        assert await session.scalar(text("SELECT count(*) FROM spotloom.delivery")) == 1
        await session.rollback()
    assert outbox.deliveries() == []


async def test_only_what_was_asked_for_is_told(outbox, receiver):
    await outbox.hook(receiver, events=["video.failed"])
    _, (one, two) = await outbox.batch(2)
    await outbox.end(one)
    await outbox.end(two, Status.LOST)
    assert [row[0] for row in outbox.deliveries()] == ["video.failed"]


@pytest.mark.parametrize("round_", range(3))
async def test_of_videos_that_end_at_once_one_tells_the_end_of_the_batch(outbox, receiver, round_):
    await outbox.hook(receiver, events=["batch.completed"])
    _, videos = await outbox.batch(24)
    await asyncio.gather(*(outbox.end(video) for video in videos))
    assert [row[0] for row in outbox.deliveries()] == ["batch.completed"]


async def test_a_used_up_budget_is_told_once_an_hour(outbox, receiver):
    await outbox.hook(receiver)
    campaign_id, _ = await outbox.batch(1)
    for about in [campaign_id, None] * 3:
        async with outbox.sessions.begin() as session:
            await outbound.announce_budget(
                session, outbox.workspace_id, campaign_id=about, reason="$0.00 is left."
            )
    assert [row[0] for row in outbox.deliveries()] == ["budget.reached"] * 2
    bodies = outbox.query("SELECT body FROM spotloom.delivery ORDER BY created_at")
    assert [row[0]["data"]["campaignId"] for row in bodies] == [str(campaign_id), None]


async def test_what_did_not_arrive_is_sent_again_under_the_same_id(outbox, wait_until_async):
    async with Receiver(500, 302, 204).listening() as receiver:
        await outbox.hook(receiver, events=["video.completed"])
        _, videos = await outbox.batch(1)
        await outbox.end(videos[0])
        async with outbox.sending(receiver):
            for tries, status in ((1, 500), (2, 302)):
                delay_s = DELAYS_S[tries - 1]
                await wait_until_async(lambda d=delay_s: outbox.due_in(d))
                _, state, attempts, code, error, *_ = outbox.deliveries()[0]
                assert (state, attempts, code) == ("pending", tries, status)
                assert error == f"The hook answered {status}."
                assert len(receiver.received) == tries
                outbox.let_time_pass()
            await wait_until_async(lambda: outbox.states() == ["delivered"])
        assert len({one.id for one in receiver.received}) == 1
        assert len({one.body for one in receiver.received}) == 1
    assert outbox.deliveries()[0][4] is None


async def test_after_a_day_it_is_given_up_and_can_be_sent_anew(outbox, wait_until_async):
    assert 23 * 3600 < sum(DELAYS_S) < 25 * 3600
    async with Receiver(*[503] * (len(DELAYS_S) + 1), 204).listening() as receiver:
        await outbox.hook(receiver, events=["video.completed"])
        _, videos = await outbox.batch(1)
        await outbox.end(videos[0])
        async with outbox.sending(receiver):
            for delay_s in DELAYS_S:
                await wait_until_async(lambda d=delay_s: outbox.due_in(d))
                outbox.let_time_pass()
            await wait_until_async(lambda: outbox.states() == ["failed"])
            delivery_id = uuid.UUID(outbox.deliveries()[0][5])
            async with outbox.sessions.begin() as session:
                with pytest.raises(NotFound):
                    await outbound.redeliver(session, uuid.uuid4(), delivery_id)
                await outbound.redeliver(session, outbox.workspace_id, delivery_id)
            await wait_until_async(lambda: outbox.states() == ["delivered"])
        assert len(receiver.received) == len(DELAYS_S) + 2
        assert {one.id for one in receiver.received} == {str(delivery_id)}


async def test_a_hook_that_is_gone_is_not_asked_again(outbox, wait_until_async):
    async with Receiver(410).listening() as receiver:
        await outbox.hook(receiver, events=["video.completed"])
        _, videos = await outbox.batch(1)
        await outbox.end(videos[0])
        async with outbox.sending(receiver):
            await wait_until_async(lambda: outbox.states() == ["failed"])
    assert outbox.query("SELECT enabled FROM spotloom.hook") == [(True,)]  # a person decides


async def test_a_hook_at_a_private_address_gets_nothing(outbox, receiver, wait_until_async):
    await outbox.hook(receiver)
    _, videos = await outbox.batch(1)
    await outbox.end(videos[0])
    async with outbox.sending():  # the operator named no origin
        await wait_until_async(lambda: all(row[4] for row in outbox.deliveries()))
    assert receiver.received == []
    assert all(row[4].startswith("127.0.0.1 cannot be used") for row in outbox.deliveries())
    assert "s3cret" not in str(outbox.deliveries())


async def test_a_row_that_cannot_be_sent_stops_no_other(outbox, receiver, wait_until_async):
    await outbox.hook(receiver, events=["video.completed"])
    outbox.query("UPDATE spotloom.hook SET secret = 'whsec_no base64!'")
    _, videos = await outbox.batch(2)
    await outbox.end(videos[0])
    await outbox.hook(receiver, events=["video.completed"])
    await outbox.end(videos[1])
    async with outbox.sending(receiver):
        await wait_until_async(lambda: outbox.states().count("delivered") == 1)
        await wait_until_async(lambda: [r[4] for r in outbox.deliveries()].count(None) == 1)
    assert outbox.states().count("pending") == 2


async def test_a_paused_hook_keeps_what_waits_for_it(outbox, receiver, wait_until_async):
    hook, _ = await outbox.hook(receiver, events=["video.completed"])
    _, (one, two) = await outbox.batch(2)
    await outbox.end(one)
    async with outbox.sessions.begin() as session:
        await hooks.change(session, outbox.workspace_id, hook.id, enabled=False)
    await outbox.end(two)  # not told of: nobody asked
    async with outbox.sending(receiver):
        await asyncio.sleep(0.3)
        assert (receiver.received, outbox.states()) == ([], ["pending"])
        async with outbox.sessions.begin() as session:
            await hooks.change(session, outbox.workspace_id, hook.id, enabled=True)
        await wait_until_async(lambda: outbox.states() == ["delivered"])
        async with outbox.sessions.begin() as session:
            with pytest.raises(NotFound):
                await hooks.remove(session, uuid.uuid4(), hook.id)
            await hooks.remove(session, outbox.workspace_id, hook.id)
    assert outbox.deliveries() == []


async def test_several_senders_send_each_event_once(outbox, receiver, wait_until_async):
    await outbox.hook(receiver, events=["video.completed"])
    _, videos = await outbox.batch(60)
    for video in videos:
        await outbox.end(video)
    async with outbox.sending(receiver, senders=3):
        await wait_until_async(lambda: outbox.states() == ["delivered"] * 60)
    assert len({one.id for one in receiver.received}) == len(receiver.received) == 60


async def test_a_silent_hook_keeps_no_other_waiting(outbox, receiver, wait_until_async):
    async with Receiver().listening() as silent:
        silent.hold.clear()
        await outbox.hook(silent, events=["video.completed"])
        _, videos = await outbox.batch(30)
        for video in videos:
            await outbox.end(video)
        await outbox.hook(receiver, events=["video.completed"])
        _, (video,) = await outbox.batch(1)
        await outbox.end(video)
        async with outbox.sending(silent, receiver):
            await wait_until_async(lambda: len(receiver.received) == 1)
            assert len(silent.received) <= 4


async def test_a_killed_sender_loses_nothing_and_repeats_under_the_same_id(
    outbox, receiver, wait_until_async
):
    await outbox.hook(receiver, events=["video.completed"])
    _, videos = await outbox.batch(3)
    for video in videos:
        await outbox.end(video)
    receiver.hold.clear()
    script = str(Path(__file__).with_name("outbound_sender.py"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, outbox.url, receiver.origin, "5.0"
    )
    try:
        await wait_until_async(lambda: len(receiver.received) == 3, 20)
    finally:
        process.kill()
        await process.wait()
    assert outbox.states() == ["pending"] * 3
    receiver.hold.set()
    async with outbox.sending(receiver):
        await wait_until_async(lambda: outbox.states() == ["delivered"] * 3)
    first, again = receiver.received[:3], receiver.received[3:]
    assert sorted(one.id for one in first) == sorted(one.id for one in again)


async def test_another_workspace_sees_no_hook_and_hears_nothing(outbox, receiver):
    hook, _ = await outbox.hook(receiver)
    engine, web = database.connect(outbox.url, role=database.Role.WEB)
    try:
        async with tenancy.Scope(web, outbox.workspace_id).begin() as session:
            assert [h.id for h in await hooks.listing(session, outbox.workspace_id)] == [hook.id]
        async with tenancy.Scope(web, uuid.uuid4()).begin() as session:
            assert await hooks.listing(session, outbox.workspace_id) == []
            assert await hooks.deliveries(session, outbox.workspace_id, hook.id) == []
    finally:
        await engine.dispose()


@pytest.mark.parametrize(
    ("url", "events", "field"),
    [
        ("ftp://example.com/", ALL, "url"),
        ("https://", ALL, "url"),
        ("https://example.com/" + "a" * 2000, ALL, "url"),
        ("https://example.com/a b", ALL, "url"),
        ("https://example.com/", [], "events"),
        ("https://example.com/", ["video.exploded"], "events"),
    ],
)
async def test_a_hook_that_cannot_be_is_refused_beside_its_field(outbox, url, events, field):
    async with outbox.sessions.begin() as session:
        with pytest.raises(BriefError) as refused:
            await hooks.add(session, outbox.workspace_id, url=url, events=events)
    assert [problem.field for problem in refused.value.problems] == [field]

"""Limits, pauses, priorities and cancels that change while hundreds of videos are made."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.integration import generating
from tests.integration.controlling import act, key_of
from tests.integration.generating import Stage, until
from tests.integration.generating_checks import assert_sound

from spotloom.campaigns import reads
from spotloom.errors import Conflict, NotFound
from spotloom.generation import control, lanes

# Every slot as it is given away, with the limit of that moment: the lane's row is locked then.
_GIVEN = """
CREATE TABLE public.given (n bigserial PRIMARY KEY, held bigint, most integer, blocked boolean);
CREATE FUNCTION public.give() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
  INSERT INTO public.given (held, most, blocked)
  SELECT (SELECT count(*) FROM spotloom.lane_slot WHERE lane_id = new.lane_id), l.slot_limit,
         l.blocked
    FROM spotloom.lane l WHERE l.id = new.lane_id;
  RETURN new; END $$;
CREATE TRIGGER give AFTER INSERT ON spotloom.lane_slot
  FOR EACH ROW EXECUTE FUNCTION public.give();
"""


@pytest.fixture(scope="module")
def scenery(database_url: str) -> Iterator[generating.Scenery]:
    with generating.scenery(database_url, instant_s=0.1) as shared:
        yield shared


@pytest.fixture
def stage(scenery: generating.Scenery, tmp_path: Path) -> Iterator[Stage]:
    with scenery.stage(tmp_path) as one:
        with psycopg.connect(one.url, autocommit=True) as connection:
            connection.execute(_GIVEN)
        yield one


def completed(stage: Stage) -> int:
    return stage.statuses()["completed"]


async def set_limit(stage: Stage, limit: int) -> None:
    (lane,) = stage.query("SELECT id FROM spotloom.lane")
    await act(stage, lambda s: lanes.set_limits(s, lane["id"], limit=limit, starts_a_minute=None))


@pytest.mark.faults
async def test_half_is_cancelled_under_way_and_no_waiting_one_is_bought(stage: Stage) -> None:
    stage.limit, videos = 12, 90
    batch = await stage.submit(stage.order(videos))
    keys_of_all = [row["key"] for row in stage.query("SELECT key FROM spotloom.combination")]
    chosen = random.Random(videos).sample(keys_of_all, videos // 2)
    at_once = asked = 0
    async with stage.working():
        await until(lambda: len(stage.sandbox.sold()) >= 12, 20)
        for part in range(0, len(chosen), 30):
            keys = chosen[part : part + 30]
            done = await act(stage, lambda s, k=keys: control.cancel(s, batch.campaign_id, keys=k))
            at_once, asked = at_once + done.at_once, asked + done.asked
        await stage.finished(120)
    found = await assert_sound(stage)
    sold = Counter(one.prompt for one in stage.sandbox.sold())
    unsent = [v for v in stage.videos() if v["error_text"] == "Cancelled before it was sent."]
    assert len(unsent) >= at_once > videos // 6
    assert all(not sold[v["prompt"]] and v["actual_cost"] in {None, 0} for v in unsent)
    assert found.peak <= 12
    asked_ones = [v for v in stage.videos() if v["cancel_asked_at"]]
    assert len(asked_ones) == asked
    assert all(v["status"] in {"cancelled", "completed"} for v in asked_ones)
    assert sum(sold.values()) == videos - len(unsent)
    over_limit = stage.query("SELECT * FROM given WHERE held > most")
    assert over_limit == []


async def test_the_limit_changes_from_8_to_2_to_0_to_4_under_way(stage: Stage) -> None:
    stage.limit = 8
    await stage.submit(stage.order(150))  # eight at once make twenty a second
    async with stage.working():
        await until(lambda: completed(stage) >= 1, 20)
        for limit, more in ((2, 4), (0, 0), (4, 4)):
            await set_limit(stage, limit)
            given = stage.count("SELECT count(*) FROM given")
            held = lambda: stage.count("SELECT count(*) FROM spotloom.lane_slot")  # noqa: E731 - a condition
            await until(lambda n=limit, h=held: h() <= n, 10)
            if limit == 0:
                before = stage.count("SELECT count(*) FROM given")
                await asyncio.sleep(2.2)  # longer than a tick: nothing starts by itself
                assert stage.count("SELECT count(*) FROM given") == before
            enough = lambda g=given, m=more: stage.count("SELECT count(*) FROM given") >= g + m  # noqa: E731 - a condition
            await until(enough, 15)
        await stage.finished(60)
    await assert_sound(stage)
    assert stage.statuses() == {"completed": 150}
    rows = stage.query("SELECT held, most FROM given ORDER BY n")
    assert all(row["held"] <= row["most"] for row in rows)
    most = [row["most"] for row in rows]
    assert [n for i, n in enumerate(most) if i == 0 or most[i - 1] != n] == [8, 2, 4]


async def test_a_paused_campaign_starts_nothing_and_another_goes_on(stage: Stage) -> None:
    stage.limit = 2
    paused = await stage.submit(stage.order(16))
    other = await stage.submit(stage.order(4))
    for _ in range(2):
        await act(stage, lambda s: control.pause(s, paused.campaign_id))
    async with stage.working():
        await until(lambda: stage.statuses(other)["completed"] == 4, 20)
        assert stage.statuses(paused) == {"queued": 16}
        for _ in range(2):
            await act(stage, lambda s: control.resume(s, paused.campaign_id))
        await until(lambda: stage.statuses(paused)["queued"] < 16, 10)
        await act(stage, lambda s: control.pause(s, paused.campaign_id))
        await until(lambda: not stage.count("SELECT count(*) FROM spotloom.lane_slot"), 10)
        assert stage.statuses(paused)["queued"] > 0
        await act(stage, lambda s: control.resume(s, paused.campaign_id))
        await stage.finished(20)
    await assert_sound(stage)
    assert stage.statuses() == {"completed": 20}


async def test_a_cancelled_campaign_is_not_paused_nor_resumed_but_retried(stage: Stage) -> None:
    batch = await stage.submit(stage.order(2))
    await act(stage, lambda s: control.cancel(s, batch.campaign_id))
    for change in (control.pause, control.resume):
        with pytest.raises(Conflict, match="is cancelled; `spotloom retry`"):
            await act(stage, lambda s, c=change: c(s, batch.campaign_id))
        with pytest.raises(NotFound):
            await act(stage, lambda s, c=change: c(s, stage.videos()[0]["id"]))
    assert await act(stage, lambda s: control.retry(s, batch.campaign_id)) == 2
    header = await act(stage, lambda s: reads.find(s, str(batch.campaign_id)))
    assert header.state == "active"


async def test_a_paused_lane_starts_nothing_until_a_person_resumes_it(stage: Stage) -> None:
    stage.limit = 2
    await stage.submit(stage.order(16))
    (lane,) = stage.query("SELECT id FROM spotloom.lane")
    async with stage.working():
        await until(lambda: stage.statuses()["queued"] < 16, 20)
        for _ in range(2):
            await act(stage, lambda s: lanes.block(s, lane["id"], reason="paused by a person"))
        await until(lambda: not stage.count("SELECT count(*) FROM spotloom.lane_slot"), 10)
        waiting = stage.statuses()["queued"]
        assert waiting > 0
        await asyncio.sleep(2.2)  # longer than a tick
        assert stage.statuses()["queued"] == waiting
        await act(stage, lambda s: lanes.resume(s, lane["id"]))
        await stage.finished(20)
    await assert_sound(stage)
    assert stage.query("SELECT * FROM given WHERE blocked") == []


async def test_what_waits_can_be_moved_ahead_and_behind(stage: Stage) -> None:
    stage.limit = 1
    early = await stage.submit(stage.order(4))
    late = await stage.submit(stage.order(4))
    key = key_of(stage, stage.videos()[3]["id"])
    moved = [
        await act(stage, lambda s: control.prioritise(s, early.campaign_id, priority="low")),
        await act(stage, lambda s: control.prioritise(s, late.campaign_id, priority="high")),
        await act(
            stage,
            lambda s: control.prioritise(s, early.campaign_id, priority="high", keys=[key]),
        ),
    ]
    assert moved == [4, 4, 1]
    prompts = [video["prompt"] for video in stage.videos()]
    async with stage.working():
        await stage.finished(20)
    await assert_sound(stage)
    order = [prompts.index(one.prompt) for one in stage.sandbox.sold()]
    assert sorted(order[:5]) == [3, 4, 5, 6, 7]
    assert order[5:] == [0, 1, 2]
    moved_later = await act(
        stage, lambda s: control.prioritise(s, early.campaign_id, priority="high")
    )
    assert moved_later == 0

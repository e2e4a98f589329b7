"""A retry is a new attempt with a new key, once; a doubt is resolved by a person, once."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.integration import generating
from tests.integration.controlling import act, hands, key_of
from tests.integration.generating import Stage
from tests.integration.generating_checks import assert_balanced, assert_sound

from spotloom.campaigns import budgets, ledger
from spotloom.campaigns.ledger import Money
from spotloom.campaigns.submit import LOCAL, Batch
from spotloom.errors import BudgetRefused, Conflict, NotFound
from spotloom.generation import control
from spotloom.generation.control import Decision

PRICE = Decimal(2)
MODERATED: dict[str, Any] = {
    "where": "job",
    "fault": "fail",
    "code": "content_policy_violation",
}
BROKEN: dict[str, Any] = {"where": "job", "fault": "fail", "code": "server_error"}


@pytest.fixture(scope="module")
def scenery(database_url: str) -> Iterator[generating.Scenery]:
    with generating.scenery(database_url, instant_s=0.3) as shared:
        yield shared


@pytest.fixture
def stage(scenery: generating.Scenery, tmp_path: Path) -> Iterator[Stage]:
    with scenery.stage(tmp_path) as one:
        yield one


async def made(stage: Stage, videos: int, *rules: dict[str, Any]) -> Batch:
    """Make that many videos at a provider that misbehaves so, and mend it."""
    stage.sandbox.misbehave(*rules)
    batch = await stage.submit(stage.order(videos))
    async with stage.working():
        await stage.finished(25)
    await assert_sound(stage)
    stage.sandbox.misbehave()
    return batch


async def work(stage: Stage, *, given_up: bool = False) -> None:
    async with stage.working():
        await stage.finished(25)
    if given_up:  # then the provider has a job that is nobody's, as was decided
        await assert_balanced(stage)
    else:
        await assert_sound(stage)


async def money(stage: Stage, batch: Batch) -> Money:
    return await act(stage, lambda s: ledger.money(s, batch.campaign_id))


def history(stage: Stage) -> list[list[tuple[int, str]]]:
    """The attempts at each video, in order, with what became of them."""
    rows = stage.query(
        "SELECT array_agg(attempt ORDER BY attempt) AS numbers,"
        " array_agg(status ORDER BY attempt) AS states"
        " FROM spotloom.generation GROUP BY combination_id"
    )
    tried = [list(zip(r["numbers"], r["states"], strict=True)) for r in rows]
    return sorted(tried, key=lambda one: (len(one), one))


# Retries


async def test_a_retry_is_a_new_attempt_with_a_new_key_and_keeps_the_history(stage: Stage) -> None:
    batch = await made(stage, 3, MODERATED | {"jobs": {"only": [1, 2]}})
    assert stage.statuses() == {"failed": 2, "completed": 1}  # moderation is never tried again
    assert await act(stage, lambda s: control.retry(s, batch.campaign_id)) == 2
    assert await act(stage, lambda s: control.retry(s, batch.campaign_id)) == 0
    await work(stage)
    tried_twice = [(1, "failed"), (2, "completed")]
    assert history(stage) == [[(1, "completed")], tried_twice, tried_twice]
    assert len({video["idempotency_key"] for video in stage.videos()}) == 5
    assert len(stage.sandbox.sold()) == 5
    now = await money(stage, batch)
    assert (now.estimated, now.actual, now.reserved) == (5 * PRICE, 3 * PRICE, 0)


async def test_what_the_provider_broke_is_tried_once_more_by_itself(stage: Stage) -> None:
    await made(stage, 2, BROKEN | {"jobs": {"only": [1]}})
    assert history(stage) == [[(1, "completed")], [(1, "failed"), (2, "completed")]]


async def test_what_the_provider_breaks_every_time_is_left_to_a_person(stage: Stage) -> None:
    batch = await made(stage, 1, BROKEN)
    assert history(stage) == [[(1, "failed"), (2, "failed")]]
    assert await act(stage, lambda s: control.retry(s, batch.campaign_id)) == 1
    stage.sandbox.misbehave(BROKEN)
    await work(stage)
    assert history(stage) == [[(1, "failed"), (2, "failed"), (3, "failed")]]
    assert (await money(stage, batch)).committed == 0


async def test_no_retry_leaves_the_budget(stage: Stage) -> None:
    stage.sandbox.misbehave(BROKEN)
    batch = await stage.submit(stage.order(1))
    await act(stage, lambda s: budgets.set_caps(s, LOCAL, budget=Decimal(1), daily_budget=None))
    await work(stage)
    assert history(stage) == [[(1, "failed")]]
    with pytest.raises(BudgetRefused, match=r"costs \$2\.00, but \$1\.00 is left"):
        await act(stage, lambda s: control.retry(s, batch.campaign_id))
    assert history(stage) == [[(1, "failed")]]


async def test_retries_at_the_same_moment_make_one_attempt_of_each(stage: Stage) -> None:
    batch = await made(stage, 3, MODERATED)
    async with hands(stage, pool=8) as sessions:

        async def retry() -> int:
            async with sessions.begin() as session:
                return await control.retry(session, batch.campaign_id)

        counts = await asyncio.gather(*(retry() for _ in range(8)))
    assert sorted(counts) == [0] * 7 + [3]
    await work(stage)
    assert history(stage) == 3 * [[(1, "failed"), (2, "completed")]]


async def test_a_retry_before_the_end_changes_nothing_at_any_moment(stage: Stage) -> None:
    stage.sandbox.misbehave({"where": "content", "fault": "slow", "seconds": 0.5})
    batch = await stage.submit(stage.order(4))
    seen: set[str] = set()
    async with stage.working(), hands(stage, pool=1) as sessions:
        while not stage.over():
            async with sessions.begin() as session:
                assert await control.retry(session, batch.campaign_id) == 0
            seen |= set(stage.statuses())
    await assert_sound(stage)
    assert seen >= {"generating", "finishing", "completed"}
    assert history(stage) == 4 * [[(1, "completed")]]


async def test_a_retry_takes_a_cancelled_campaign_back(stage: Stage) -> None:
    batch = await stage.submit(stage.order(3))
    keys = [key_of(stage, video["id"]) for video in stage.videos()]
    await act(stage, lambda s: control.cancel(s, batch.campaign_id))
    assert await act(stage, lambda s: control.retry(s, batch.campaign_id, keys=keys[:2])) == 2
    with pytest.raises(NotFound, match="no video zzz"):
        await act(stage, lambda s: control.retry(s, batch.campaign_id, keys=["zzz"]))
    await work(stage)
    again = [(1, "cancelled"), (2, "completed")]
    assert history(stage) == [[(1, "cancelled")], again, again]


# Doubts


async def in_doubt(stage: Stage, videos: int = 1) -> tuple[Batch, str]:
    """A batch whose first order nobody can look up, and that video's combination id."""
    stage.poll_s = 0.05  # it keeps its slot for ten polls
    batch = await made(
        stage,
        videos,
        {"where": "create", "fault": "drop", "accepted": True, "calls": {"only": [1]}},
        {"where": "list", "fault": "status", "status": 405},
    )
    unknown = next(v for v in stage.videos() if v["status"] == "unknown")
    assert (await money(stage, batch)).unknown == PRICE
    return batch, key_of(stage, unknown["id"])


async def decide(
    stage: Stage, batch: Batch, key: str, decision: Decision, job: str | None = None
) -> None:
    await act(
        stage,
        lambda s: control.resolve(s, batch.campaign_id, key=key, decision=decision, job=job),
    )


async def test_a_person_names_the_job_that_was_paid(stage: Stage) -> None:
    batch, key = await in_doubt(stage, videos=2)
    other = next(v for v in stage.videos() if v["status"] == "completed")
    jobs = [sold.id for sold in stage.sandbox.sold()]
    job = next(j for j in jobs if j != other["provider_job_id"])
    with pytest.raises(Conflict, match="is another video's already"):
        await decide(stage, batch, key, Decision.PAID, other["provider_job_id"])
    with pytest.raises(Conflict, match="name the provider's job id"):
        await decide(stage, batch, key, Decision.PAID)
    await decide(stage, batch, key, Decision.PAID, job)
    for decision in Decision:
        with pytest.raises(Conflict, match="does not wait for a decision"):
            await decide(stage, batch, key, decision, job)
    await work(stage)
    assert stage.statuses() == {"completed": 2}
    assert (await money(stage, batch)).actual == 2 * PRICE
    assert len(stage.sandbox.sold()) == 2


async def test_a_job_that_the_provider_does_not_know_is_lost_and_may_be_bought_again(
    stage: Stage,
) -> None:
    batch, key = await in_doubt(stage)
    await decide(stage, batch, key, Decision.PAID, "video_of_nobody")
    await work(stage, given_up=True)
    assert history(stage) == [[(1, "lost")]]
    assert (await money(stage, batch)).unknown == PRICE
    assert await act(stage, lambda s: control.retry(s, batch.campaign_id)) == 1


async def test_a_lost_video_goes_on_when_its_job_turns_up(stage: Stage) -> None:
    batch = await made(stage, 1, {"where": "poll", "fault": "lost"})
    (video,) = stage.videos()
    assert (video["status"], (await money(stage, batch)).unknown) == ("lost", PRICE)
    key, job = key_of(stage, video["id"]), video["provider_job_id"]
    for decision in (Decision.RETRY, Decision.GIVE_UP):
        with pytest.raises(Conflict, match="`spotloom retry` buys it again"):
            await decide(stage, batch, key, decision)
    await decide(stage, batch, key, Decision.PAID, job)
    (video,) = stage.videos()
    assert (video["status"], video["error_code"], video["over_at"]) == ("generating", None, None)
    assert stage.count("SELECT count(*) FROM spotloom.lane_slot") == 1
    async with stage.working():
        await stage.finished(25)
    await assert_balanced(stage)
    assert history(stage) == [[(1, "completed")]]
    assert len(stage.sandbox.sold()) == 1
    now = await money(stage, batch)
    assert (now.unknown, now.actual) == (0, PRICE)


async def test_a_lost_video_that_was_bought_again_is_not_gone_on_with(stage: Stage) -> None:
    batch = await made(stage, 1, {"where": "poll", "fault": "lost"})
    (video,) = stage.videos()
    await act(stage, lambda s: control.retry(s, batch.campaign_id))
    with pytest.raises(Conflict, match="does not wait for a decision"):
        await decide(
            stage, batch, key_of(stage, video["id"]), Decision.PAID, video["provider_job_id"]
        )


async def test_a_person_buys_it_again(stage: Stage) -> None:
    batch, key = await in_doubt(stage)
    await decide(stage, batch, key, Decision.RETRY)
    with pytest.raises(Conflict):
        await decide(stage, batch, key, Decision.RETRY)
    await work(stage, given_up=True)
    assert history(stage) == [[(1, "lost"), (2, "completed")]]
    now = await money(stage, batch)
    assert (now.unknown, now.actual) == (PRICE, PRICE)  # the first may have been charged, too


async def test_a_person_gives_it_up(stage: Stage) -> None:
    batch, key = await in_doubt(stage)
    with pytest.raises(NotFound, match="no video zzz"):
        await decide(stage, batch, "zzz", Decision.GIVE_UP)
    await decide(stage, batch, key, Decision.GIVE_UP)
    with pytest.raises(Conflict):
        await decide(stage, batch, key, Decision.GIVE_UP)
    await work(stage, given_up=True)
    assert history(stage) == [[(1, "lost")]]
    assert (await money(stage, batch)).unknown == PRICE


async def test_without_the_budget_it_is_not_bought_again_and_stays_in_doubt(stage: Stage) -> None:
    batch, key = await in_doubt(stage)
    await act(stage, lambda s: budgets.set_caps(s, LOCAL, budget=Decimal(3), daily_budget=None))
    with pytest.raises(BudgetRefused):
        await decide(stage, batch, key, Decision.RETRY)
    assert history(stage) == [[(1, "unknown")]]


async def test_decisions_at_the_same_moment_one_is_taken(stage: Stage) -> None:
    batch, key = await in_doubt(stage)
    answers = await asyncio.gather(
        *(decide(stage, batch, key, Decision.RETRY) for _ in range(4)),
        decide(stage, batch, key, Decision.GIVE_UP),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Conflict) for answer in answers) == 4
    assert len(history(stage)[0]) == (2 if answers[4] is not None else 1)


async def test_what_is_in_no_doubt_is_not_decided(stage: Stage) -> None:
    batch = await stage.submit(stage.order(1))
    key = key_of(stage, stage.videos()[0]["id"])
    for decision in Decision:
        with pytest.raises(Conflict, match="does not wait for a decision"):
            await decide(stage, batch, key, decision, "video_1")
    assert stage.statuses() == {"queued": 1}

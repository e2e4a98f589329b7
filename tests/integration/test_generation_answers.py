"""Whatever the provider answers, every video ends in a truthful state, and is paid once."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.integration import generating
from tests.integration.controlling import hands
from tests.integration.generating import Stage, until
from tests.integration.generating_checks import assert_sound

from spotloom.campaigns import generations
from spotloom.campaigns.submit import Batch
from spotloom.errors import Conflict, Transient
from spotloom.generation import collect, doubt, outcomes, worker

pytestmark = pytest.mark.faults

PRICE = Decimal("2.0000")  # of 4 seconds


@pytest.fixture(scope="module")
def scenery(database_url: str) -> Iterator[generating.Scenery]:
    with generating.scenery(database_url) as shared:
        yield shared


@pytest.fixture
def stage(scenery: generating.Scenery, tmp_path: Path) -> Iterator[Stage]:
    with scenery.stage(tmp_path) as one:
        yield one


async def made(stage: Stage, videos: int, *rules: dict[str, Any], within_s: float = 20) -> Batch:
    """Make that many videos at a provider that misbehaves so; everything must be sound."""
    stage.sandbox.misbehave(*rules)
    batch = await stage.submit(stage.order(videos))
    async with stage.working():
        await stage.finished(within_s)
    await assert_sound(stage)
    return batch


# Orders whose answer tells too little


async def test_an_order_whose_answer_was_lost_is_found_and_accepted_once(stage: Stage) -> None:
    failing = {"where": "create", "fault": "status", "status": 500, "accepted": True}
    await made(
        stage,
        8,
        {"where": "create", "fault": "drop", "accepted": True, "calls": {"only": [1, 2]}},
        failing | {"calls": {"only": [3]}},
        {"where": "create", "fault": "html", "accepted": True, "calls": {"only": [4]}},
    )
    assert stage.statuses() == {"completed": 8}
    assert len(stage.sandbox.sold()) == 8
    assert stage.sandbox.struck("accepted") == 4


async def test_an_order_that_was_cut_before_acceptance_is_sent_again(stage: Stage) -> None:
    await made(stage, 3, {"where": "create", "fault": "drop", "calls": {"only": [2]}}, within_s=30)
    assert stage.statuses() == {"completed": 3}
    assert len(stage.sandbox.sold()) == 3


@pytest.mark.parametrize("status", [405, 403])
async def test_an_order_nobody_can_look_up_is_possibly_charged_and_frees_its_slot(
    stage: Stage, status: int
) -> None:
    stage.limit = 1  # so that the others wait for its slot
    await made(
        stage,
        3,
        {"where": "create", "fault": "drop", "accepted": True, "calls": {"only": [1]}},
        {"where": "list", "fault": "status", "status": status},
    )
    assert stage.statuses() == {"unknown": 1, "completed": 2}
    first = stage.videos()[0]
    assert (first["status"], first["actual_cost"]) == ("unknown", None)
    assert stage.count("SELECT count(*) FROM spotloom.ledger WHERE kind = 'unknown'") == 1
    assert len(stage.sandbox.sold()) == 3  # the one in doubt was accepted, and never repeated


async def test_a_list_that_lags_or_fails_is_not_believed(stage: Stage) -> None:
    await made(
        stage,
        4,
        {"where": "create", "fault": "drop", "accepted": True, "calls": {"first": 2}},
        {"where": "list", "fault": "status", "status": 503, "calls": {"first": 1}},
        {"where": "list", "fault": "lag", "seconds": 3},
    )
    assert stage.statuses() == {"completed": 4}
    assert len(stage.sandbox.sold()) == 4


async def test_a_list_that_only_errs_leaves_the_order_in_doubt_until_it_answers(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doubt, "FAULTY_FOR_S", 1.0)
    monkeypatch.setattr(worker, "RECOGNISE_S", 0.5)
    stage.list_lag_s = 1.0
    cut = {"where": "create", "fault": "drop", "accepted": True, "calls": {"only": [1]}}
    stage.sandbox.misbehave(cut, {"where": "list", "fault": "status", "status": 503})
    await stage.submit(stage.order(2))
    async with stage.working():
        await until(lambda: stage.statuses() == {"unknown": 1, "completed": 1}, 30)
        (doubted,) = [v for v in stage.videos() if v["status"] == "unknown"]
        assert "503" in doubted["error_text"]
        stage.sandbox.misbehave()
        await until(lambda: stage.statuses() == {"completed": 2}, 30)
        await stage.finished(20)
    await assert_sound(stage)
    assert len(stage.sandbox.sold()) == 2


async def test_an_outage_pauses_the_lane_and_fails_nothing(stage: Stage) -> None:
    stage.list_lag_s = 1.0
    stage.sandbox.misbehave(
        {"where": "create", "fault": "status", "status": 503, "calls": {"first": 5}}
    )
    await stage.submit(stage.order(6))
    reasons = set()
    async with stage.working():
        while not stage.over():
            lane = stage.query("SELECT paused_until, reason, adapted_limit FROM spotloom.lane")[0]
            reasons |= {lane["reason"]} if lane["paused_until"] else set()
            assert lane["adapted_limit"] is None  # an outage tells nothing of how many it takes
            await asyncio.sleep(0.05)
    await assert_sound(stage)
    assert any("503" in reason for reason in reasons)
    assert stage.statuses() == {"completed": 6}
    assert {v["attempt"] for v in stage.videos()} == {1}
    assert len(stage.sandbox.sold()) == 6


async def test_an_answer_that_comes_after_another_hand_began_anew_changes_nothing(
    stage: Stage,
) -> None:
    stage.limit = 1
    await stage.submit(stage.order(1))
    (video,) = stage.videos()
    sent = "UPDATE spotloom.generation SET status = 'submitting', admitted_at = now(), sent_at = %s"
    stage.query(sent + " RETURNING 1", dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    async with hands(stage) as sessions, stage.working():
        async with sessions() as session:
            slept = await generations.load(session, video["id"])
        stage.query(sent + " RETURNING 1", dt.datetime(2026, 1, 2, tzinfo=dt.UTC))
        for answer in (
            outcomes.accepted(slept, "video_late"),
            outcomes.back_to_queue(slept, Transient("429")),
            outcomes.refused(slept, code="invalid_request", text="no"),
            outcomes.possibly_charged(slept, "lost"),
        ):
            with pytest.raises(Conflict):
                await answer
        (video,) = stage.videos()
        assert (video["status"], video["provider_job_id"]) == ("submitting", None)


# Refusals that say: not now


@pytest.mark.parametrize("retry_after_s", [1, None])
async def test_429_pauses_the_lane_and_fails_nothing(
    stage: Stage, retry_after_s: int | None
) -> None:
    storm: dict[str, Any] = {"where": "create", "fault": "status", "status": 429}
    storm |= {} if retry_after_s is None else {"retryAfter": retry_after_s}
    stage.sandbox.misbehave(storm | {"calls": {"first": 4}})
    await stage.submit(stage.order(6))
    paused = False
    async with stage.working():
        while not stage.over():
            lane = stage.query("SELECT paused_until, reason FROM spotloom.lane")[0]
            paused |= lane["paused_until"] is not None and "429" in (lane["reason"] or "")
            await asyncio.sleep(0.1)
    await assert_sound(stage)
    assert paused
    assert stage.statuses() == {"completed": 6}
    assert {v["attempt"] for v in stage.videos()} == {1}
    assert len(stage.sandbox.sold()) == 6
    lane = stage.query("SELECT setbacks, paused_until, reason FROM spotloom.lane")[0]
    assert lane == {"setbacks": 0, "paused_until": None, "reason": None}


async def test_a_server_that_asks_for_no_pause_at_all_is_not_hammered(stage: Stage) -> None:
    storm = {"where": "create", "fault": "status", "status": 429, "retryAfter": 0}
    stage.sandbox.misbehave(storm | {"during": [0, 6]})
    await stage.submit(stage.order(6))
    async with stage.working():
        await stage.finished(40)
    await assert_sound(stage)
    assert stage.statuses() == {"completed": 6}
    assert stage.sandbox.struck("create") <= 12


async def test_moderation_at_submit_fails_the_video_and_releases_its_money(stage: Stage) -> None:
    await made(stage, 3, {"where": "create", "fault": "moderation", "calls": {"only": [2]}})
    assert stage.statuses() == {"completed": 2, "failed": 1}
    failed = next(v for v in stage.videos() if v["status"] == "failed")
    assert failed["error_code"] == "moderation_blocked"
    assert "moderation" in failed["error_text"]
    assert failed["actual_cost"] == 0
    assert len(stage.sandbox.sold()) == 2


async def test_a_job_the_provider_denies_may_be_running_and_keeps_its_slot(stage: Stage) -> None:
    stage.limit = 1  # the job takes 0.4 s, and is given up after three polls of 0.1 s
    await made(stage, 2, {"where": "poll", "fault": "lost", "jobs": {"only": [1]}})
    assert stage.statuses() == {"lost": 1, "completed": 1}


async def test_a_finished_job_without_a_file_is_given_up_at_last_and_charged(
    stage: Stage,
) -> None:
    stage.sandbox.misbehave({"where": "job", "fault": "no-content"})
    await stage.submit(stage.order(1))
    async with stage.working():
        await until(lambda: stage.statuses()["finishing"], 20)
        (video,) = stage.videos()
        id_, now = video["id"], video["admissions"]
        again = await collect.collect(id_, admission=now, tries=collect.NO_FILE_TRIES - 1)
        assert again is not None
        assert again.in_s == 60
        # Tried for the last time, as soon as the workflow's own try has left the file's lock.
        for _ in range(50):
            last = await collect.collect(id_, admission=now, tries=collect.NO_FILE_TRIES)
            if last is None:
                break
            await asyncio.sleep(0.1)
        await stage.finished(20)
    await assert_sound(stage)
    (video,) = stage.videos()
    assert (video["status"], video["error_code"]) == ("failed", "no_file")
    assert _entries(stage, video) == [("reserve", PRICE), ("settle", PRICE)]


# One batch, in which every job is treated differently

SICK_LIST: dict[str, list[dict[str, Any]]] = {
    "well": [],
    "first poll refused": [
        {"where": "poll", "fault": "status", "status": 503, "calls": {"first": 1}}
    ],
    "polls cut": [{"where": "poll", "fault": "drop", "calls": {"first": 2}}],
    "progress backwards": [{"where": "poll", "fault": "backwards"}],
    "progress stuck": [{"where": "poll", "fault": "stuck", "value": 42}],
    "unknown word": [
        {"where": "poll", "fault": "word", "word": "pondering", "calls": {"first": 2}}
    ],
    "not found once": [{"where": "poll", "fault": "lost", "calls": {"only": [2]}}],
    "not found for ever": [{"where": "poll", "fault": "lost"}],
    "moderated at the end": [{"where": "job", "fault": "fail", "code": "content_policy_violation"}],
    "content cut": [{"where": "content", "fault": "truncate", "calls": {"first": 2}}],
    "content a page": [{"where": "content", "fault": "html", "calls": {"first": 1}}],
    "content refused": [
        {"where": "content", "fault": "status", "status": 503, "calls": {"first": 1}}
    ],
    "content redirected": [{"where": "content", "fault": "redirect"}],
    "expired": [{"where": "job", "fault": "expire", "seconds": 0}],
}


@dataclass(frozen=True, slots=True)
class Treated:
    """What became of each job, by how the provider treated it."""

    by_treatment: dict[str, dict[str, Any]]
    entries: dict[str, list[tuple[str, Decimal]]]
    polls_seen: dict[str, list[int]]


@pytest.fixture(scope="module")
def treated(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Treated]:
    rules = [
        rule | {"jobs": {"only": [n]}}
        for n, treatment in enumerate(SICK_LIST, start=1)
        for rule in SICK_LIST[treatment]
    ]
    with (  # jobs long enough that a busy machine polls them more than once
        generating.scenery(database_url, instant_s=0.9) as scenery,
        scenery.stage(tmp_path_factory.mktemp("treated")) as stage,
    ):
        asyncio.run(_made_apart(stage, rules))
        sold = {s.id: s.n for s in stage.sandbox.sold()}
        names = list(SICK_LIST)
        videos = {names[sold[v["provider_job_id"]] - 1]: v for v in stage.videos()}
        yield Treated(
            videos,
            {name: _entries(stage, video) for name, video in videos.items()},
            {name: _progress(stage, video) for name, video in videos.items()},
        )


async def _made_apart(stage: Stage, rules: list[dict[str, Any]]) -> None:
    await made(stage, len(SICK_LIST), *rules, within_s=40)


def _entries(stage: Stage, video: dict[str, Any]) -> list[tuple[str, Decimal]]:
    rows = stage.query(
        "SELECT kind, amount FROM spotloom.ledger WHERE generation_id = %s ORDER BY at, id",
        video["id"],
    )
    return [(row["kind"], row["amount"]) for row in rows]


def _progress(stage: Stage, video: dict[str, Any]) -> list[int]:
    rows = stage.query(
        "SELECT progress FROM seen WHERE generation_id = %s AND progress IS NOT NULL ORDER BY n",
        video["id"],
    )
    return [row["progress"] for row in rows]


COMPLETED = [
    name
    for name in SICK_LIST
    if name not in {"not found for ever", "moderated at the end", "expired"}
]


@pytest.mark.parametrize("treatment", COMPLETED)
def test_what_is_no_failure_of_the_video_only_delays_it(treated: Treated, treatment: str) -> None:
    video = treated.by_treatment[treatment]
    assert (video["status"], video["error_text"]) == ("completed", None)
    assert treated.entries[treatment] == [("reserve", PRICE), ("settle", PRICE)]


def test_progress_that_goes_backwards_never_regresses(treated: Treated) -> None:
    seen = treated.polls_seen["progress backwards"]
    assert seen == sorted(seen)
    assert seen[-1] == 100
    assert len(set(seen)) > 1


def test_a_job_the_provider_no_longer_knows_is_lost_and_its_money_unknown(
    treated: Treated,
) -> None:
    video = treated.by_treatment["not found for ever"]
    assert (video["status"], video["error_code"]) == ("lost", "lost")
    assert treated.entries["not found for ever"] == [("reserve", PRICE), ("unknown", PRICE)]


def test_moderation_at_the_end_fails_with_its_code_and_releases_the_money(
    treated: Treated,
) -> None:
    video = treated.by_treatment["moderated at the end"]
    assert (video["status"], video["error_code"]) == ("failed", "content_policy_violation")
    assert treated.entries["moderated at the end"] == [("reserve", PRICE), ("release", Decimal(0))]


def test_an_expired_file_is_said_to_be_expired_and_charged(treated: Treated) -> None:
    video = treated.by_treatment["expired"]
    assert (video["status"], video["error_code"]) == ("expired", "expired")
    assert treated.entries["expired"] == [("reserve", PRICE), ("settle", PRICE)]

"""The commands of control, as a person types them and as a machine reads them; and the workers."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration import generating
from tests.integration.command_line import Place
from tests.integration.controlling import Person, key_of
from tests.integration.generating import Stage, until
from tests.integration.generating_checks import assert_sound


@pytest.fixture(scope="module")
def scenery(database_url: str) -> Iterator[generating.Scenery]:
    with generating.scenery(database_url, instant_s=0.5) as shared:
        yield shared


@pytest.fixture
def stage(scenery: generating.Scenery, tmp_path: Path) -> Iterator[Stage]:
    with scenery.stage(tmp_path) as one:
        yield one


@pytest.fixture
def person(stage: Stage) -> Iterator[Person]:
    one = Person(stage)
    yield one
    one.leaves()


COMMANDS = (
    "cancel", "retry", "pause", "resume", "priority", "resolve", "lanes", "budget", "worker", "up",
)  # fmt: skip


def test_every_command_explains_itself_with_an_example(person: Person) -> None:
    for command in COMMANDS:
        said = person.types(command, "--help")
        assert (said.code, said.err) == (0, "")
        assert f"spotloom {command}" in said.out.partition("Example")[2]


async def test_a_campaign_is_paused_hurried_cancelled_and_taken_back(
    stage: Stage, person: Person
) -> None:
    await stage.submit(stage.order(3), key="spring")
    key = key_of(stage, stage.videos()[0]["id"])
    assert person.reads("pause", "spring") == {"batchId": "spring", "state": "paused"}
    assert person.reads("resume", "spring") == {"batchId": "spring", "state": "active"}
    moved = person.reads("priority", "spring", "high", "--video", key)
    assert moved == {"moved": 1, "priority": "high"}
    once = person.types("cancel", "spring", "--video", key)
    assert (once.code, once.out) == (0, "1 cancelled, 0 asked to stop at the provider.\n")
    assert person.reads("cancel", "spring") == {"cancelled": 2, "askedToStop": 0}
    refused = person.types("pause", "spring", "--json")
    assert refused.code == 2
    assert refused.json["error"]["kind"] == "Conflict"
    assert "`spotloom retry`" in refused.err
    assert person.reads("retry", "spring", "--video", key) == {"queued": 1}
    assert person.reads("retry", "spring") == {"queued": 2}
    assert (person.types("retry", "spring")).out == "0 queued again.\n"
    assert stage.statuses() == {"cancelled": 3, "queued": 3}


REFUSED: dict[tuple[str, ...], str] = {
    ("cancel", "autumn"): "There is no campaign 'autumn'. The latest are: spring.",
    ("cancel", "spring", "--video", "zzz"): "The campaign has no video zzz.",
    ("priority", "spring", "urgent"): "urgent",
    ("resolve", "spring", "KEY"): "--job JOB, --retry or --give-up",
    ("resolve", "spring", "KEY", "--retry", "--give-up"): "--job JOB, --retry",
    ("resolve", "spring", "KEY", "--give-up"): "does not wait for a decision",
    ("lanes", "--limit", "3"): "Name the provider",
    ("lanes", "sandbox", "--limit", "3"): "There is no lane of sandbox",
    ("lanes", "openai-videos", "--limit", "-1"): "--limit",
    ("lanes", "openai-videos", "--starts-a-minute", "-1"): "--starts-a-minute",
    ("lanes", "openai-videos", "--pause", "--resume"): "exclude each other",
    ("budget", "--total", "1e40"): "--total",
    ("budget", "--day=-3"): "--day",
    ("budget", "--day", "few"): "--day",
}


async def test_what_cannot_be_done_is_said_and_changes_nothing(
    stage: Stage, person: Person
) -> None:
    await stage.submit(stage.order(1), key="spring")
    key = key_of(stage, stage.videos()[0]["id"])
    before = everything(stage)
    for words, why in REFUSED.items():
        said = person.types(*(key if word == "KEY" else word for word in words), "--json")
        assert said.code == 2, (words, said)
        assert why in said.words, (words, said)
        assert "error" in said.json, (words, said)
        assert "Traceback" not in said.err, (words, said)
    assert everything(stage) == before


def everything(stage: Stage) -> list[Any]:
    tables = ("workspace", "campaign", "generation", "ledger", "lane", "lane_slot")
    return [stage.query(f"SELECT * FROM spotloom.{table} t ORDER BY t::text") for table in tables]  # noqa: S608 - our own words


async def test_limits_and_budgets_are_shown_and_changed(
    stage: Stage, person: Person, one_day: Callable[[], None]
) -> None:
    one_day()
    await stage.submit(stage.order(2), key="spring")
    (lane,) = person.reads("lanes")
    wanted = {"provider": "openai-videos", "limit": 4, "held": 0, "waiting": 2, "blocked": False}
    assert lane.items() >= wanted.items()
    (lane,) = person.reads("lanes", "openai-videos", "--limit", "0", "--pause")
    assert (lane["limit"], lane["blocked"], lane["reason"]) == (0, True, "paused by a person")
    (lane,) = person.reads(
        "lanes", "openai-videos", "--resume", "--limit", "7", "--starts-a-minute", "30"
    )
    assert (lane["limit"], lane["blocked"], lane["reason"]) == (7, False, None)
    assert stage.query("SELECT starts_a_minute AS n FROM spotloom.lane") == [{"n": 30}]
    assert (person.types("lanes")).code == 0
    caps = {"currency": "USD", "budget": None, "committed": 4.0}
    caps |= {"dailyBudget": None, "committedToday": 4.0}
    assert person.reads("budget") == caps
    caps |= {"budget": 4.0, "dailyBudget": 99.5}
    assert person.reads("budget", "--total", "4", "--day", "$99.50") == caps
    stage.query("UPDATE spotloom.generation SET status = 'failed' RETURNING id")
    refused = person.types("retry", "spring", "--json")
    assert (refused.code, refused.json["error"]["kind"]) == (3, "BudgetRefused")
    assert "costs $4.00, but $0.00 is left of the workspace's budget ($4.00)" in refused.words
    assert (person.reads("budget", "--total", "none"))["budget"] is None
    assert (person.types("budget")).out == (
        "In all: $4.00 committed, no cap\nToday:  $4.00 committed of $99.50\n"
    )


async def test_a_doubt_is_resolved_by_command(stage: Stage, person: Person) -> None:
    await stage.submit(stage.order(3), key="spring")
    stage.query("UPDATE spotloom.generation SET status = 'unknown' RETURNING id")
    one, two, three = (key_of(stage, video["id"]) for video in stage.videos())
    paid = person.reads("resolve", "spring", one, "--job", "video_1")
    assert paid == {"combinationId": one, "decision": "paid"}
    said = person.types("resolve", "spring", two, "--job", "video_1")
    assert (said.code, "another video's" in said.err) == (2, True)
    assert (person.types("resolve", "spring", two, "--retry")).out == f"{two}: retry.\n"
    person.reads("resolve", "spring", three, "--give-up")
    assert stage.statuses() == {"generating": 1, "lost": 2, "queued": 1}


# Workers


async def ready(process: Any) -> None:
    """Return once the worker says that it works."""
    said = await asyncio.to_thread(process.stderr.readline)
    assert said.startswith("Working with openai-videos"), said


def left_by(stage: Stage, pid: int) -> int:
    """Workflows under way that are still that process's."""
    return stage.count(
        "SELECT count(*) FROM dbos.workflow_status"
        " WHERE status = 'PENDING' AND split_part(executor_id, ':', 2) = %s",
        str(pid),
    )


async def test_two_workers_share_a_lane_and_one_goes_on_when_the_other_is_told_to_stop(
    stage: Stage,
) -> None:
    stage.limit = 3
    place = Place(home=stage.folder / "home", cwd=stage.folder)
    both = [place.start("worker", **stage.environment) for _ in range(2)]
    try:
        await asyncio.gather(*(ready(process) for process in both))
        await stage.submit(stage.order(24))
        done = (
            "SELECT count(DISTINCT executor_id) FROM dbos.workflow_status WHERE name = 'generate'"
        )
        await until(lambda: stage.count(done) == 2, 20)
        both[0].send_signal(signal.SIGTERM)
        await until(lambda: both[0].poll() is not None, 30)
        assert both[0].returncode == 0
        await until(lambda: left_by(stage, both[0].pid) == 0, 20)
        await stage.finished(40)
    finally:
        for process in both:
            process.kill()
            process.communicate()
    found = await assert_sound(stage)
    assert (found.accepted, found.peak <= 3) == (24, True)
    assert stage.statuses() == {"completed": 24}

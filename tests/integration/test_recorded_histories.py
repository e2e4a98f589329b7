"""What an earlier release left in the middle of its work, this one goes on with."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from tests.integration import databases, generating
from tests.integration.generating import Stage
from tests.integration.generating_checks import assert_sound
from tests.integration.generating_provider import Sandbox
from tests.integration.migrating import bring_to
from tests.integration.recording import FOLDER, History

from spotloom.generation import engine

RELEASES = sorted(FOLDER.glob("*.json"))
_UNFINISHED = generating.ALIVE
_STEPS = """
SELECT o.workflow_uuid, o.function_id, o.function_name, o.output, o.child_workflow_id
  FROM dbos.operation_outputs o ORDER BY o.workflow_uuid, o.function_id"""


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[Stage]:
    with databases.database(database_url) as url:
        sandbox = Sandbox(tmp_path / "sandbox", instant_s=0.3)
        stage = Stage(url=url, sandbox=sandbox, folder=tmp_path, limit=8)
        try:
            yield stage
        finally:
            stage.close()
            sandbox.close()


def test_there_is_a_history_to_play() -> None:
    assert RELEASES


@pytest.mark.faults
@pytest.mark.parametrize("file", RELEASES, ids=[file.stem for file in RELEASES])
async def test_recorded_work_goes_on_where_it_was(stage: Stage, file: Path) -> None:
    history = History.read(file).at(stage)
    bring_to(stage.url, history.revision)
    with ThreadPoolExecutor(1) as thread:  # not in this loop, which the engine would take
        thread.submit(asyncio.run, _engines_tables(stage.url)).result()
    history.store(stage.url)
    recorded = stage.query(_STEPS)
    assert {row["function_name"] for row in recorded} >= {"provider", "hold", "collect"}
    assert stage.count(_UNFINISHED) == 7
    with psycopg.connect(stage.url, autocommit=True) as connection:
        connection.execute(generating.AUDIT)

    stage.spawn().wait_ready()
    await stage.finished(60)
    await assert_sound(stage)
    assert stage.statuses() == Counter(unknown=1, lost=1, completed=6)
    assert len(stage.sandbox.sold()) == len(history.orders), "bought again"
    assert [row for row in stage.query(_STEPS) if row in recorded] == recorded, "done again"


async def _engines_tables(url: str) -> None:
    engine.launch(url, executor="furnisher")
    await engine.stop()

"""A pause that the provider asked for is kept, whatever else it accepts meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration import generating
from tests.integration.generating import Stage, until
from tests.integration.generating_checks import assert_sound

pytestmark = pytest.mark.faults

RETRY_AFTER_S = 8


@pytest.fixture(scope="module")
def scenery(database_url: str) -> Iterator[generating.Scenery]:
    with generating.scenery(database_url) as shared:
        yield shared


@pytest.fixture
def stage(scenery: generating.Scenery, tmp_path: Path) -> Iterator[Stage]:
    with scenery.stage(tmp_path) as one:
        yield one


async def test_an_order_accepted_beside_a_refused_one_does_not_reopen_the_lane(
    stage: Stage,
) -> None:
    refusal = {"where": "create", "fault": "status", "status": 429, "retryAfter": RETRY_AFTER_S}
    stage.sandbox.misbehave(
        refusal | {"calls": {"only": [1, 2]}},
        # They left before the refusals came, and are accepted after them.
        {"where": "create", "fault": "slow", "seconds": 1, "calls": {"only": [3, 4]}},
    )
    await stage.submit(stage.order(6))
    async with stage.working():
        await until(lambda: stage.count(_ACCEPTED) == 2, 20)
        lane = stage.query(_LANE)[0]
        assert lane["paused"], lane
        assert "429" in lane["reason"]
        assert lane["setbacks"] == 1
        await stage.finished(30)
    await assert_sound(stage)
    assert stage.statuses() == {"completed": 6}
    refused_at = max(row["at"].timestamp() for row in stage.query(_REFUSED))
    next_at = stage.sandbox.sold()[2].accepted_at
    assert next_at - refused_at > RETRY_AFTER_S - 0.2  # not at once, nor when the two were accepted
    assert stage.query(_LANE)[0] == {"paused": False, "reason": None, "setbacks": 0}


_ACCEPTED = "SELECT count(*) FROM seen WHERE was = 'submitting' AND became = 'generating'"
_REFUSED = "SELECT at FROM seen WHERE was = 'submitting' AND became = 'queued'"
_LANE = """SELECT coalesce(paused_until > clock_timestamp(), false) AS paused, reason, setbacks
 FROM spotloom.lane"""

"""Schemathesis asks every route of the document with everything it can think of.

`./run test` asks a few questions of each operation. SPOTLOOM_TEST_FUZZ_EXAMPLES=200 asks so many
more; do that before a release, and mend what it finds.
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.integration import api_stage, live_server, live_stage
from tests.integration.client_lines import FILM, film
from tests.integration.live_server import Door
from tests.integration.live_stage import Campaign, Ground

from spotloom.auth.roles import Role
from spotloom.campaigns import ids
from spotloom.campaigns.tenancy import Scope
from spotloom.client import AsyncClient
from spotloom.generation.mirrors.outbound import announce_budget
from spotloom.media.store import key_for

EXAMPLES = int(os.environ.get("SPOTLOOM_TEST_FUZZ_EXAMPLES", "0"))
FEW = 3
WITHIN_S = 3600 if EXAMPLES else 900
SEED = "1"
ENDING = {
    "deleteCampaign": "campaign_id",
    "deleteHook": "hook_id",
    "deleteTemplate": "template_id",
    "watchBatch": "batch_id",
}


@dataclass(frozen=True, slots=True)
class Served:
    """A served house with something in it, and the names of that in the paths."""

    door: Door
    known: dict[str, str]


@pytest.fixture
async def served(database_url: str, tmp_path: Path) -> AsyncIterator[Served]:
    with live_stage.ground(database_url) as ground:
        made, engines = api_stage.parts_over(ground.url, tmp_path / "media")
        parts = replace(made, webhook_secret="so that signatures are asked for")
        campaign = ground.campaign(3)
        async with live_server.served(parts, ground, role=Role.ADMIN) as door:
            named = {"campaign_id": str(campaign.id), "batch_id": str(campaign.id)}
            named |= {"combination_id": campaign.keys[0], "provider": "sandbox"}
            yield Served(door, named | await furnished(door, ground, campaign, tmp_path))
        await parts.gate.close()
        for engine in engines:
            await engine.dispose()


async def furnished(door: Door, ground: Ground, campaign: Campaign, folder: Path) -> dict[str, str]:
    """A finished film, a lane, a hook with a delivery, and a template."""
    (folder / "film.mp4").write_bytes(FILM)
    place = key_for(campaign.batch_id, campaign.keys[1], 1, "video.mp4")
    await door.parts.store.put_file(place, folder / "film.mp4", content_type="video/mp4")
    ground.finish(campaign.batch_id, campaign.keys[1], place, sha256=film().sha256, size=len(FILM))
    async with AsyncClient(door.url, key=door.key) as client:
        hook = await client.add_hook("https://studio.example/hook", ["budget.reached"])
        template = await client.add_template("Spring", {"brand": "Tarn Audio"})
        finished = await client.combination(str(campaign.id), campaign.keys[1])
        (lane,) = (await client.queue()).lanes
    scope = Scope(door.parts.web, campaign.workspace_id)
    async with scope.begin() as session:
        await announce_budget(
            session, campaign.workspace_id, campaign_id=campaign.id, reason="Spent."
        )
    async with AsyncClient(door.url, key=door.key) as client:
        (delivery,) = (await client.deliveries(hook.id)).items
    return {
        "asset_id": str(finished.files["video"].asset_id),
        "lane_id": str(lane.id),
        "hook_id": str(hook.id),
        "delivery_id": str(delivery.id),
        "template_id": str(template.id),
    }


def settings(house: Served, path: Path, *, ours: bool) -> Path:
    """What Schemathesis is told of us."""
    named = ", ".join(f'"path.{name}" = "{value}"' for name, value in house.known.items())
    strangers = "".join(
        f"""
[[operations]]
include-operation-id = "{operation}"
parameters = {{ "path.{name}" = "{ids.new()}" }}
"""
        for operation, name in ENDING.items()
    )
    path.write_text(
        f"""
seed = {SEED}
headers = {{ Authorization = "Bearer {house.door.key}" }}
{f"parameters = {{ {named} }}" if ours else ""}

# What a brief may choose is known by the vocabulary, not by the document: 422 says what is wrong.
# Nor does the document know which version of a combination is the present one.
[checks.positive_data_acceptance]
expected-statuses = [
  "2xx", "304", "401", "403", "404", "406", "409", "412", "416", "422", "428", "429", "503",
]

# Too large is refused as well as wrong is: a body is measured before it is read.
[checks.negative_data_rejection]
expected-statuses = [
  "400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "5xx",
]

# Or there would be nothing left to ask about, or no end of an answer.
{strangers}
""",
        encoding="utf-8",
    )
    return path


async def asked(house: Served, config: Path, *, examples: int) -> str:
    """What Schemathesis says, once it has asked everything; it found nothing."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
        f"{house.door.url}/api/openapi.json",
        *(
            "--checks",
            "all",
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            str(examples),
        ),
        *("--workers", "2", "--continue-on-failure", "--request-timeout", "60", "--no-color"),
        *("--suppress-health-check", "all", "--warnings", "off", "--max-response-time", "60"),
        cwd=config.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    words = out.decode(errors="replace")
    assert process.returncode == 0, words
    return words


@pytest.mark.slow
@pytest.mark.longest
@pytest.mark.parametrize("ours", [True, False] if EXAMPLES else [True])
async def test_every_route_answers_everything_as_the_document_says(
    served: Served, tmp_path: Path, ours: bool
) -> None:
    config = settings(served, tmp_path / "schemathesis.toml", ours=ours)
    words = await asked(served, config, examples=EXAMPLES or FEW)
    print(words)  # noqa: T201 - shown with -s: how much was asked
    (tested,) = re.findall(r"Operations:\s+(\d+) selected / (\d+) total", words) or [("0", "1")]
    assert tested[0] == tested[1]

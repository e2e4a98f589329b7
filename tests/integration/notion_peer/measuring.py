"""How long submitting takes beside the mirror, and how far pages are behind at rest."""

import asyncio
import random
import time
import uuid
from typing import Any

from tests.integration.generating import Planned, Stage, until
from tests.integration.notion_peer.mirroring import Mirrored

WRONG = [{"where": "any", "fault": "html"}]
# What Notion is like meanwhile; `down` is a server that is not there.
MOODS: dict[str, dict[str, Any]] = {
    "well": {},
    "slow": {"latencySeconds": 20.0},
    "wrong": {"rules": WRONG},
    "down": {},
}


async def submit_s(stage: Stage, planned: Planned) -> float:
    """Seconds that storing a batch takes, beyond the plan."""
    begun = time.monotonic()
    await stage.submit(planned)
    return time.monotonic() - begun


async def submits(
    mirrored: Mirrored, plain: Stage, *, videos: int, rounds: int
) -> dict[str, list[float]]:
    """Seconds of each submit, in each of Notion's moods and without a mirror, turn by turn."""
    taken: dict[str, list[float]] = {"none": [], **{mood: [] for mood in MOODS}}
    planned = plain.order(videos)
    await submit_s(plain, planned)  # the first of a database pays for its caches
    await submit_s(mirrored.stage, planned)
    for _ in range(rounds):
        for mood, script in MOODS.items():
            mirrored.peer.faults(**script)
            if mood == "down":
                mirrored.peer.stop()
            taken[mood].append(await submit_s(mirrored.stage, planned))
            if mood == "down":
                mirrored.peer.start()
            taken["none"].append(await submit_s(plain, planned))
    return taken


async def lags(mirrored: Mirrored, changes: int) -> list[float]:
    """Seconds from each of so many changes, one by one, to the page that says it."""
    ids = mirrored.stage.query(
        "SELECT g.id, k.notion_page_id AS page FROM spotloom.generation g"
        " JOIN spotloom.combination k ON k.id = g.combination_id ORDER BY g.id"
    )
    found = []
    for n in range(changes):
        video = ids[n % len(ids)]
        await asyncio.sleep(random.uniform(0.2, 2.0))  # at any moment between two looks
        words = f"change {n}, {uuid.uuid4().hex[:6]}"
        (row,) = mirrored.stage.query(
            "UPDATE spotloom.generation SET error_text = %s, status = 'failed' WHERE id = %s"
            " RETURNING extract(epoch FROM clock_timestamp())::float8 AS at",
            *(words, video["id"]),
        )
        at = await until(lambda w=words, v=video: _said(mirrored, v["page"], w), 120)
        found.append(at - row["at"])
    return found


def _said(mirrored: Mirrored, page_id: str, words: str) -> float | None:
    for page in mirrored.peer.pages():
        if page["id"] == page_id and page["values"]["Error"] == words:
            return float(page["history"][-1]["at"])
    return None


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of them lies; of few, the nearest one above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

"""Announcements from the provider and from liars, at the door of the product itself."""

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.faults.announcing import ROUTE, SECRET, Sender
from tests.faults.crew import Crew
from tests.faults.product import Product
from tests.faults.tally import Run
from tests.integration import generating
from tests.integration.generating_provider import Sandbox

Begin = Callable[[float], Run]


async def test_webhooks_forged_replayed_doubled_and_out_of_order(
    database_url: str, tmp_path: Path, run: Begin
) -> None:
    under_way = run(0.05)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    post = ["--webhook-url", url + ROUTE, "--webhook-secret", SECRET]
    with (
        contextlib.closing(Sandbox(tmp_path / "sandbox", instant_s=0.6, more=post)) as sandbox,
        generating.Scenery(database_url, sandbox).stage(tmp_path, limit=8) as stage,
    ):
        stage.poll_s = 2
        where = {"where": "webhook"}
        sandbox.misbehave(
            where | {"fault": "duplicate", "times": 20, "jobs": {"share": 0.2}},
            where | {"fault": "early", "jobs": {"share": 0.2}},
            where | {"fault": "reorder", "jobs": {"share": 0.2}},
            where | {"fault": "stale", "jobs": {"share": 0.2}},
            where | {"fault": "bad-signature", "jobs": {"share": 0.2}},
            where | {"fault": "drop", "jobs": {"share": 0.3}},
            seed=random.randrange(1000),
        )
        up = partial(Product, stage, "up", "--port", str(port), SPOTLOOM_WEBHOOK_SECRET=SECRET)
        crew = Crew(stage, 1, up)
        crew.workers[0].wait_ready()
        sender = Sender(url, sandbox, under_way)
        sending = asyncio.create_task(sender.send_for_ever())
        while await crew.under_fire(under_way, videos=80):
            await asyncio.sleep(random.uniform(4, 8))
            crew.kill_one()
            under_way.struck("doors killed")
            crew.workers[0].wait_ready()
        await crew.finish(120)
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
        await under_way.weigh(stage)
        assert set(stage.statuses()) == {"completed"}
        assert {v["attempt"] for v in stage.videos()} == {1}  # "failed" was not believed either
        assert set(sender.answers["forged"]) == set(sender.answers["stale"]) == {401}
        for blow in ("early or late", "contradicting", "doubled", "replayed"):
            assert set(sender.answers[blow]) == {204}, sender.answers
        taken = {
            row["event_id"] for row in stage.query("SELECT event_id FROM spotloom.webhook_event")
        }
        assert taken
        assert taken.isdisjoint(sender.refused)

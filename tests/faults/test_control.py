"""Cancels at random, and turns between campaigns, while workers are being killed."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.faults.crew import Crew
from tests.faults.tally import Run, notes
from tests.integration.controlling import act
from tests.integration.generating import until

from spotloom.generation import control

Begin = Callable[[float], Run]
WHOLE = 660


async def test_half_of_660_cancelled_at_random(stage_of: Callable[[], Any], run: Begin) -> None:
    under_way = run(0)
    with stage_of() as stage:
        batch = await stage.submit(stage.order(WHOLE))
        crew = Crew(stage, 3)
        keys = [row["key"] for row in stage.query("SELECT key FROM spotloom.combination")]
        chosen = random.sample(keys, WHOLE // 2)
        await until(stage.sandbox.sold, 30)
        at_once = asked = 0
        for part in range(0, len(chosen), 11):
            some = chosen[part : part + 11]
            done = await act(stage, lambda s, k=some: control.cancel(s, batch.campaign_id, keys=k))
            at_once, asked = at_once + done.at_once, asked + done.asked
            if part % 110 == 0:
                crew.kill_one()
                under_way.struck("workers killed")
            await asyncio.sleep(random.uniform(0, 0.5))
        under_way.struck("videos cancelled", at_once + asked)
        await crew.finish(300)
        await under_way.weigh(stage)  # no slot reused early: never above the limit
        sold = Counter(one.prompt for one in stage.sandbox.sold())
        unsent = [v for v in stage.videos() if v["error_text"] == "Cancelled before it was sent."]
        assert len(unsent) >= at_once > WHOLE / 4
        charged = [v for v in unsent if sold[v["prompt"]] or v["actual_cost"]]
        assert charged == []
        assert set(stage.statuses()) <= {"completed", "cancelled"}
        assert sum(sold.values()) == WHOLE - len(unsent)
        notes.append(f"{at_once} cancelled while queued, 0 charged; {asked} asked to stop")


async def test_a_campaign_of_600_ahead_of_one_of_10(
    stage_of: Callable[[], Any], run: Begin
) -> None:
    under_way = run(0)
    with stage_of() as stage:
        large, small = stage.order(600), stage.order(10)
        await stage.submit(large)
        crew = Crew(stage, 2)
        await until(lambda: len(stage.sandbox.sold()) >= 12, 60)
        await stage.submit(small)
        before = len(stage.sandbox.sold())
        await crew.finish(600)
        await under_way.weigh(stage)
        prompts = set(small.prompts)
        places = [one.n for one in stage.sandbox.sold() if one.prompt in prompts]
        # What had a slot when it came may still be sent; then the turn is its own.
        assert places[0] <= before + stage.limit + 1
        assert places[-1] <= before + 4 * len(places)  # half of the slots are its own
        notes.append(f"the small campaign began {places[0] - before} orders after it came")
        assert stage.statuses() == {"completed": 610}

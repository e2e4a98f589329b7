"""Measures the batch page in a real browser: 660 live rows at 20 updates a second, and first loads.

A real `spotloom up` serves it; the updates are written into its database as a worker writes them.
Beside ours, in the same browser and at the same pace, a plain HTML table that follows the same
events. Prints JSON. `--seconds 5 --loads 1` is a quick run.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import statistics
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the tests' scaffolding, which this shares

from tests.e2e import line as lines  # noqa: E402 - found by the line above
from tests.e2e import stage as stages  # noqa: E402 - as above
from tests.e2e.looking import chromium  # noqa: E402 - as above
from tests.e2e.stage import Stage, until  # noqa: E402 - as above
from tests.integration.live_stage import Campaign, Ground  # noqa: E402 - as above

from spotloom import embedded  # noqa: E402 - as above
from spotloom.campaigns.channels import CAMPAIGNS  # noqa: E402 - as above
from spotloom.campaigns.tenancy import LOCAL  # noqa: E402 - as above

VIDEOS, FINISHED, A_SECOND = 660, 260, 20
CUT_S = 10.0
BESIDE = {
    "rows": "a plain HTML table that follows the same events, in this run",
    "bars": ">= 55 fps, no task over 100 ms, first paint 0.5 s, rows 0.8 s, 250 kB, scrub 100 ms, "
    "play 300 ms, right again within 3 s of a cut",
}
# Runs before a page's own scripts. Frames and long tasks are counted from `begin()` on.
PROBE = """
globalThis.probe = {frames: 0, longest: 0, long: 0, slow: 0, rows: null};
new PerformanceObserver(list => { for (const task of list.getEntries()) {
  probe.long++; probe.longest = Math.max(probe.longest, task.duration); } })
  .observe({type: "longtask"});
probe.begin = () => { Object.assign(probe, {frames: 0, long: 0, longest: 0, slow: 0, on: true});
  let last = performance.now();
  const tick = now => { probe.frames++; if (now - last > 34) probe.slow++; last = now;
    if (probe.on) requestAnimationFrame(tick); };
  requestAnimationFrame(tick); };
const look = () => {
  const row = document.querySelector(".list .body :is(.state, .about), .plain td");
  if (row && row.getBoundingClientRect().top < innerHeight) probe.rows = performance.now();
  else requestAnimationFrame(look); };
requestAnimationFrame(look);
"""
PLAIN = """<!doctype html><meta charset=utf-8><title>Plain</title>
<style>td { padding: 9px 14px; font: 14px sans-serif } tr { border-bottom: 1px solid #ccc }</style>
<table class=plain><tbody></tbody></table><script>
const body = document.querySelector("tbody"), rows = new Map();
const line = new EventSource("/api/batch/CAMPAIGN/events");
line.addEventListener("snapshot", take);
line.addEventListener("delta", take);
function take(event) { for (const v of JSON.parse(event.data).videos) {
  let row = rows.get(v.combinationId);
  if (!row) { row = body.insertRow(); rows.set(v.combinationId, row); }
  row.innerHTML = `<td><input type=checkbox><td>${row.rowIndex + 1}<td>${v.files
    ? `<img src="/api/media/${v.files.poster}" loading=lazy width=24 height=34>` : ""}
    <td>Unaware<td>UGC<td>Storytime<td>${v.status}<td>${v.progress ?? ""}<td>${v.attempt}<td>$5.00`;
} }
</script>"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
STATE = """() => [...document.querySelectorAll(".vid[data-key]")].map(row => [row.dataset.key,
  row.dataset.status, row.querySelector("progress")?.value ?? null])"""


@dataclass(frozen=True, slots=True)
class Load:
    """What is measured with."""

    seconds: float
    loads: int


async def main() -> None:
    """Measure, and print the figures."""
    load = _load()
    async with stages.opened() as stage, async_playwright() as playwright:
        made = await stage.made(4)
        home = embedded.start(stage.home)
        browser = await chromium(playwright)
        try:
            ground = Ground(home.url, LOCAL)
            campaign = _campaign(ground, made)
            figures = {
                "machine": {"cores": os.cpu_count(), "chromium": browser.version},
                "load": {"rows": VIDEOS, "updatesASecond": A_SECOND, "seconds": load.seconds},
                "beside": BESIDE,
                "firstLoad": await _first_loads(stage, browser, campaign, load.loads),
                "live": await _live(stage, browser, ground, campaign, load),
                "media": await _media(stage, browser, campaign),
                "away": await _away(stage, browser, ground, campaign),
            }
        finally:
            await browser.close()
            home.stop()
    print(json.dumps(figures, indent=2))


def _load() -> Load:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of live updates")
    parser.add_argument("--loads", type=int, default=5, help="first loads, each with empty caches")
    given = parser.parse_args()
    return Load(given.seconds, given.loads)


# What is shown, and how it changes.


def _campaign(ground: Ground, made: str) -> Campaign:
    """660 videos on a lane that no worker serves; some are finished, with real files."""
    campaign = ground.campaign(VIDEOS, workspace_id=LOCAL)
    ground.run(
        "UPDATE spotloom.generation SET status = 'generating', progress = 0 WHERE campaign_id = %s",
        campaign.id,
    )
    finished = [campaign.generations[key] for key in campaign.keys[:FINISHED]]
    ground.run(
        "UPDATE spotloom.generation SET status = 'completed', over_at = now() WHERE id = any(%s)",
        finished,
    )
    ground.run(
        "INSERT INTO spotloom.asset (id, workspace_id, generation_id, kind, uri, sha256, bytes,"
        " content_type, width, height, seconds) SELECT gen_random_uuid(), g.workspace_id, g.id,"
        " a.kind, a.uri, a.sha256, a.bytes, a.content_type, a.width, a.height, a.seconds"
        " FROM spotloom.generation g CROSS JOIN (SELECT DISTINCT ON (kind) a.* FROM"
        " spotloom.asset a JOIN spotloom.generation m ON m.id = a.generation_id JOIN"
        " spotloom.campaign c ON c.id = m.campaign_id WHERE c.batch_key = %s) a"
        " WHERE g.campaign_id = %s AND g.status = 'completed'",
        *(made, campaign.id),
    )
    return campaign


@contextlib.contextmanager
def _fed(ground: Ground, campaign: Campaign) -> Iterator[list[int]]:
    """Twenty updates a second, each in a transaction with its notice; how many there were."""
    over, count = threading.Event(), [0]
    chance = random.Random(7)
    running = campaign.keys[FINISHED:]

    def feed() -> None:
        with ground.connect() as connection:
            begun = time.monotonic()
            while not over.wait(max(0.0, begun + count[0] / A_SECOND - time.monotonic())):
                key = chance.choice(running)
                finishing = chance.random() < 0.1
                connection.execute(
                    "UPDATE spotloom.generation SET progress = (coalesce(progress, 0) + 5) %% 100,"
                    " status = %s WHERE id = %s",
                    ("finishing" if finishing else "generating", campaign.generations[key]),
                )
                connection.execute("SELECT pg_notify(%s, %s)", (CAMPAIGNS, str(campaign.id)))
                connection.commit()
                count[0] += 1

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield count
    finally:
        over.set()
        thread.join()


def _truth(ground: Ground, campaign: Campaign) -> list[list[Any]]:
    rows = ground.run(
        "SELECT k.key, g.status, g.progress FROM spotloom.generation g JOIN spotloom.combination k"
        " ON k.id = g.combination_id WHERE g.campaign_id = %s ORDER BY k.position",
        campaign.id,
    )
    return [
        [r["key"], r["status"], r["progress"] if r["status"] == "generating" else None]
        for r in rows
    ]


# What is measured.


async def _first_loads(
    stage: Stage, browser: Browser, campaign: Campaign, loads: int
) -> dict[str, Any]:
    paints, rows, sent = [], [], []
    for _ in range(loads):
        async with _context(stage, browser) as context:
            page, told = await _watched(context, stage.url)
            await page.goto(f"{stage.url}/campaigns/{campaign.id}")
            await _true(page, "probe.rows !== null")
            paints.append(await page.evaluate(PAINTED))
            rows.append(await page.evaluate("probe.rows"))
            await page.wait_for_timeout(1500)  # what comes late counts, too
            sent.append(told["bytes"])
            elsewhere = told["elsewhere"]
    return {
        "firstContentfulPaintMs": round(statistics.median(paints)),
        "rowsVisibleMs": round(statistics.median(rows)),
        "transferredKB": round(max(sent) / 1000, 1),
        "requestsToOtherHosts": elsewhere,
    }


async def _live(
    stage: Stage, browser: Browser, ground: Ground, campaign: Campaign, load: Load
) -> dict[str, Any]:
    ours = f"{stage.url}/campaigns/{campaign.id}"
    plain = PLAIN.replace("CAMPAIGN", str(campaign.id))
    figures = {}
    for name, address in {"ours": ours, "oursGrid": f"{ours}?view=grid"}.items():
        async with _context(stage, browser) as context:
            page, _ = await _watched(context, stage.url)
            await page.goto(address)
            figures[name] = await _followed(page, ground, campaign, load)
    async with _context(stage, browser) as context:
        page, _ = await _watched(context, stage.url)
        await page.route(
            "**/plain", lambda route: route.fulfill(body=plain, content_type="text/html")
        )
        await page.goto(f"{stage.url}/plain")
        figures["plainTable"] = await _followed(page, ground, campaign, load)
    return figures


async def _followed(page: Page, ground: Ground, campaign: Campaign, load: Load) -> dict[str, Any]:
    """Frames, long tasks and the heap while updates come; half of the time the page is scrolled."""
    await _true(page, "probe.rows !== null")
    await page.wait_for_timeout(1500)
    session = await page.context.new_cdp_session(page)
    # Its own processor time, which neighbours on the machine change less than the clock.
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})
    with _fed(ground, campaign) as fed:
        await page.wait_for_timeout(2000)
        before = await _heap(session)
        sent = fed[0]
        busy = await _busy(session)
        await page.evaluate("probe.begin()")
        begun = time.monotonic()
        await page.wait_for_timeout(load.seconds / 2 * 1000)
        while time.monotonic() - begun < load.seconds:
            await page.mouse.wheel(0, 240)
            await page.wait_for_timeout(50)
        counted = await page.evaluate("(probe.on = false, probe)")
        elapsed = time.monotonic() - begun
        sent = fed[0] - sent
        busy = {name: now - busy[name] for name, now in (await _busy(session)).items()}
        after = await _heap(session)
    return {
        "fps": round(counted["frames"] / elapsed, 1),
        "slowFrames": counted["slow"],
        "mainThreadMsASecond": {n: round(1000 * each / elapsed, 1) for n, each in busy.items()},
        "mainThreadMsAFrame": round(1000 * busy["task"] / max(1, counted["frames"]), 2),
        "longTasks": counted["long"],
        "longestTaskMs": round(counted["longest"]),
        "heapMB": [round(before / 1e6, 2), round(after / 1e6, 2)],
        "updates": sent,
    }


async def _busy(session: Any) -> dict[str, float]:
    """Processor seconds of the page's main thread so far."""
    told = (await session.send("Performance.getMetrics"))["metrics"]
    named = {each["name"]: each["value"] for each in told}
    wanted = ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
    return {name.removesuffix("Duration").lower(): named[name] for name in wanted}


async def _heap(session: Any) -> float:
    await session.send("HeapProfiler.collectGarbage")
    return float((await session.send("Runtime.getHeapUsage"))["usedSize"])


async def _media(stage: Stage, browser: Browser, campaign: Campaign) -> dict[str, Any]:
    """From the pointer's arrival to the drawn sprite, and from the click to the moving film."""
    async with _context(stage, browser) as context:
        page, _ = await _watched(context, stage.url)
        await page.goto(f"{stage.url}/campaigns/{campaign.id}?view=grid")
        scrubs, plays = [], []
        for key in campaign.keys[:5]:
            box = page.locator(f'[data-key="{key}"] .media')
            await box.scroll_into_view_if_needed()
            await box.evaluate(
                """box => { globalThis.took = null;
                  box.addEventListener("pointermove", event => {
                    const sheet = () => box.querySelector(".scrub");
                    const wait = async () => { if (!sheet()) return requestAnimationFrame(wait);
                      const picture = new Image();
                      picture.src = getComputedStyle(sheet()).backgroundImage.slice(5, -2);
                      await picture.decode();
                      requestAnimationFrame(() => took = performance.now() - event.timeStamp); };
                    wait(); }, {once: true}); }"""
            )
            await box.hover()
            await _true(page, "took !== null")
            scrubs.append(await page.evaluate("took"))
            await page.evaluate(
                """() => { globalThis.took = null; let at = 0;
                  addEventListener("click", event => at = event.timeStamp,
                    {capture: true, once: true});
                  addEventListener("playing", () => took = performance.now() - at,
                    {capture: true, once: true}); }"""
            )
            await box.locator(".playmark").click()
            await _true(page, "took !== null")
            plays.append(await page.evaluate("took"))
    return {
        "hoverScrubMs": [round(each) for each in scrubs],
        "clickToPlayMs": [round(each) for each in plays],
    }


async def _away(
    stage: Stage, browser: Browser, ground: Ground, campaign: Campaign
) -> dict[str, Any]:
    """How long the page takes to be right again after a cut line, and after a new server."""
    async with lines.laid(stage.url) as line, _context(stage, browser) as context:
        page, _ = await _watched(context, line.url)
        await page.goto(f"{line.url}/campaigns/{campaign.id}")
        await _true(page, "document.querySelectorAll('.vid[data-status]').length == 660")

        async def right() -> float:
            begun = time.monotonic()

            async def equal() -> bool:
                return bool(await page.evaluate(STATE) == _truth(ground, campaign))

            await until(equal, what="the page to be right", deadline_s=30)
            return round(time.monotonic() - begun, 2)

        await right()
        line.cut()
        with _fed(ground, campaign):
            await asyncio.sleep(CUT_S)
        line.mend()
        after_cut = await right()
        await stage.kill()
        with _fed(ground, campaign):
            await asyncio.sleep(3)
        await stage.start()
        return {"cutForS": CUT_S, "rightAfterS": after_cut, "rightAfterRestartS": await right()}


async def _true(page: Page, expression: str) -> None:
    # Not wait_for_function, whose own script the page's policy stops.
    await until(lambda: page.evaluate(expression), what=expression)


@contextlib.asynccontextmanager
async def _context(stage: Stage, browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    await context.add_init_script(PROBE)
    await context.add_cookies(stage.owner.cookies)
    try:
        yield context
    finally:
        await context.close()


async def _watched(context: BrowserContext, home: str) -> tuple[Page, dict[str, int]]:
    """A page whose bytes, media aside, and requests to other hosts are counted."""
    page = await context.new_page()
    told = {"bytes": 0, "elsewhere": 0}
    media: set[str] = set()
    session = await context.new_cdp_session(page)
    await session.send("Network.enable")

    def asked(event: dict[str, Any]) -> None:
        url = urlsplit(event["request"]["url"])
        if url.path.startswith("/api/media/") or url.scheme in {"blob", "data"}:
            media.add(event["requestId"])
        elif f"{url.scheme}://{url.netloc}" != home:
            told["elsewhere"] += 1

    def came(event: dict[str, Any]) -> None:
        if event["requestId"] not in media:
            told["bytes"] += event["encodedDataLength"]

    session.on("Network.requestWillBeSent", asked)
    session.on("Network.dataReceived", came)
    return page, told


if __name__ == "__main__":
    asyncio.run(main())

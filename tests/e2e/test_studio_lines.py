"""What lies under every page: its line to the server, keys and menus, clock, words to listen to."""

import datetime as dt
import re

import pytest_asyncio
from playwright.async_api import expect
from tests.e2e.looking import axe
from tests.e2e.stage import brief, until

expect.set_options(timeout=45_000)  # two cores, shared with other tests
HANGS = {"where": "job", "fault": "hang"}
# A browser without a window has every tab in view: this one is told that it is behind others.
SEEN = """seen => { Object.defineProperty(document, "visibilityState",
    {configurable: true, get: () => seen ? "visible" : "hidden"});
  document.dispatchEvent(new Event("visibilitychange")) }"""
SOON = """document.addEventListener("readystatechange",
  () => { document.body.dataset.unseenMs = "0" })"""


@pytest_asyncio.fixture(loop_scope="session")
async def hanging(studio):
    """Submits videos that hang at the provider, and leaves none there, whatever happens."""
    batches = []

    async def submit(videos, **which):
        studio.stage.sandbox.faults(HANGS | which)
        batches.append(await studio.stage.submit(brief(videos)))
        return batches[-1]

    yield submit
    for batch in batches:
        if (await studio.stage.status(batch))["state"] != "cancelled":
            await studio.stage.owner.post(f"/api/batch/{batch}/cancel")
        await studio.stage.over(batch)


async def test_seven_tabs_of_campaigns_do_not_keep_the_studio_from_answering(studio):
    batch = await studio.stage.made(2)
    page = await studio.open("/")
    await page.context.add_init_script(SOON)
    for _ in range(6):
        tab = await page.context.new_page()
        await tab.goto(f"/campaigns/{batch}")
        await expect(tab.locator(".livemark")).to_have_text("Live")
        await tab.evaluate(SEEN, False)
        await expect(tab.locator(".livemark")).to_have_text("Connecting")
    seventh = await page.context.new_page()
    await seventh.goto(f"/campaigns/{batch}/review")
    await expect(seventh.get_by_text("0 of 2 reviewed")).to_be_visible()
    # What happened behind the others is there as soon as somebody looks.
    (first, _) = [i["combinationId"] for i in await studio.stage.combinations(batch)]
    await studio.stage.owner.post(f"/api/campaigns/{batch}/combinations/{first}/approve")
    assert await tab.locator(".vid .approved").count() == 0
    await tab.evaluate(SEEN, True)
    await expect(tab.locator(".livemark")).to_have_text("Live")
    await expect(tab.locator(".vid .approved")).to_have_count(1)


async def test_escape_closes_the_menu_and_nothing_else(studio):
    batch = await studio.stage.finished(5)
    page = await studio.open(f"/campaigns/{batch}")
    await page.get_by_label("Select video 1").check()
    bar = page.get_by_role("toolbar", name="Selected videos")
    for button, menu in (
        ("Filter", "#filters"),
        ("Download", "#downloads"),
        ("More", "#more"),
        ("Account and theme", "#account"),
    ):
        await page.get_by_role("button", name=button, exact=True).click()
        await expect(page.locator(menu)).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator(menu)).not_to_be_visible()
        await expect(bar).to_contain_text("1 selected")
    await page.keyboard.press("Escape")
    await expect(bar).to_have_count(0)
    await page.goto("/")
    more = page.get_by_role("button", name=re.compile("^More for")).first
    await more.click()
    await expect(page.locator("campaign-row .menu:popover-open")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.locator("campaign-row .menu:popover-open")).to_have_count(0)


async def test_keys_of_one_letter_are_turned_off_for_good(studio):
    batch = await studio.stage.finished(5)
    page = await studio.open(f"/campaigns/{batch}")
    await page.get_by_role("button", name="Account and theme").click()
    switch = page.get_by_role("switch", name="Single-key shortcuts")
    await expect(switch).to_be_checked()
    await axe(page)
    await switch.click()
    await expect(switch).not_to_be_checked()
    await page.keyboard.press("Escape")
    await page.reload()
    await expect(page.locator(".vid[data-key]")).to_have_count(5)
    for key in ("g", "j", "x", "q", "n", "?"):
        await page.keyboard.press(key)
    assert page.url.endswith(f"/campaigns/{batch}")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    # What is no letter goes on: into the list, down it, and into a video.
    await page.locator(".vid[data-key]").first.focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog.drawer")).to_contain_text("No. 2 of 5")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Account and theme").click()
    await switch.click()
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await expect(page).to_have_url(re.compile("view=grid"))


async def test_the_finish_time_counts_down_while_nothing_happens(studio, hanging):
    ahead = studio.stage.sandbox.ledger()["accepted"]  # jobs are counted for ever
    batch = await hanging(6, jobs={"only": [ahead + n for n in range(3, 7)]})

    async def two():
        counts = (await studio.stage.status(batch))["counts"]
        return counts["completed"] == 2 and counts["generating"] == 4

    await until(two, what="two that are done and four that hang")
    now = await studio.stage.status(batch)
    assert now["expectedSeconds"] is not None
    page = await studio.open("/")
    await page.clock.install(time=dt.datetime.now(dt.UTC))
    # The server's figures, as of a slower batch: nothing ends for as long as the test looks.
    await page.route(f"**/campaigns/{batch}", lambda route: slower(route, seconds=720))
    await page.goto(f"/campaigns/{batch}")
    finish = page.locator(".facts > div", has_text="Finished about")
    await expect(finish).to_contain_text("in 12 min")
    await page.route(re.compile(r"/api/batch/[^/]+$"), lambda route: route.abort())
    studio.expects("ERR_FAILED")
    await page.clock.fast_forward("05:00")
    await expect(finish).to_contain_text("in 7 min")
    await page.clock.fast_forward("10:00")
    await expect(finish).to_contain_text("any moment now")


async def slower(route, *, seconds):
    answer = await route.fetch()
    text = re.sub(r'"expectedSeconds": \d+', f'"expectedSeconds": {seconds}', await answer.text())
    await route.fulfill(response=answer, body=text)


async def test_before_the_first_video_the_page_says_that_it_measures(studio, hanging):
    batch = await hanging(1)
    page = await studio.open(f"/campaigns/{batch}")
    await expect(page.locator(".facts")).to_contain_text("Measuring")


async def test_a_page_without_a_network_says_so(studio):
    batch = await studio.stage.finished(3)
    page = await studio.open(f"/campaigns/{batch}")
    studio.expects("ERR_")
    await expect(page.locator(".livemark")).to_have_text("Live")
    await page.context.set_offline(True)
    await expect(page.get_by_text("You are offline.")).to_be_visible()
    await expect(page.locator(".livemark")).to_have_text("Offline")
    await axe(page)
    await page.context.set_offline(False)
    await expect(page.get_by_text("You are offline.")).not_to_be_visible()
    await expect(page.locator(".livemark")).to_have_text("Live")


# Steering.


async def test_a_batch_is_paused_moved_ahead_and_cancelled_in_part(studio, hanging):
    batch = await hanging(7)
    page = await studio.open(f"/campaigns/{batch}")
    await expect(page.locator('.vid[data-status="generating"]')).to_have_count(4)
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_text("This batch is paused")).to_be_visible()
    await expect(page.locator(".toast")).to_contain_text("nothing new starts")
    assert (await studio.stage.status(batch))["state"] == "paused"
    await page.locator(".toast").get_by_role("button", name="Resume").click()
    await expect(page.get_by_text("This batch is paused")).not_to_be_visible()
    await page.get_by_role("button", name="More").click()
    await page.get_by_role("button", name="High priority").click()
    await expect(page.get_by_text("3 waiting videos moved to high priority.")).to_be_visible()
    await page.locator('.vid[data-status="queued"] .pick input').first.check()
    bar = page.get_by_role("toolbar", name="Selected videos")
    await bar.get_by_role("button", name="Cancel 1").click()
    sure = page.get_by_role("dialog")
    await sure.get_by_role("button", name="Cancel 1 video", exact=True).click()
    await expect(page.get_by_text("1 video cancelled.")).to_be_visible()
    counts = (await studio.stage.status(batch))["counts"]
    assert (counts["cancelled"], counts["queued"]) == (1, 2)
    await page.locator('.vid[data-status="generating"] .state').first.click()
    await page.locator("dialog.drawer").get_by_role("button", name="Cancel").click()
    await page.get_by_role("dialog").get_by_role("button", name="Cancel 1 video").last.click()
    await expect(page.get_by_text("1 video asked to stop.")).to_be_visible()


async def test_failed_videos_are_retried_by_the_keyboard_alone(studio):
    studio.stage.sandbox.faults(
        {"where": "job", "fault": "fail", "code": "bad_day", "jobs": {"every": 1}}
    )
    batch = await studio.stage.submit(brief(2))
    await studio.stage.over(batch)
    studio.stage.sandbox.faults()
    page = await studio.open(f"/campaigns/{batch}")
    retry = page.locator("batch-actions").get_by_role("button", name="Retry 2 failed · free")
    await expect(retry).to_be_visible()
    for _ in range(30):
        await page.keyboard.press("Tab")
        if await retry.evaluate("e => e === document.activeElement"):
            break
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name="Retry 2 failed videos?")).to_be_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="All 2 videos are made")).to_be_visible()


async def test_who_listens_is_told_how_far_it_is(studio, hanging):
    batch = await hanging(2)
    page = await studio.open("/")
    await page.clock.install(time=dt.datetime.now(dt.UTC))
    await page.goto(f"/campaigns/{batch}")
    await expect(page.locator('.vid[data-status="generating"]')).to_have_count(2)
    await studio.stage.owner.post(f"/api/batch/{batch}/cancel")
    await studio.stage.over(batch)
    studio.stage.sandbox.faults()
    await studio.stage.owner.post(f"/api/batch/{batch}/retry-failed")
    await studio.stage.over(batch)
    await expect(page.locator('.vid[data-status="completed"]')).to_have_count(2)
    await page.clock.fast_forward(11_000)
    await expect(page.locator("p.unseen[aria-live]")).to_have_text("2 of 2 videos done.")


async def test_a_possibly_charged_video_is_made_again_anyway_and_downloaded(studio):
    studio.stage.sandbox.faults(
        {"where": "create", "accepted": True, "fault": "drop", "calls": {"first": 1}},
        {"where": "list", "fault": "status", "status": 405, "calls": {"first": 100_000}},
    )
    batch = await studio.stage.submit(brief(1))
    page = await studio.open(f"/campaigns/{batch}")
    await page.get_by_role("button", name="Decide no. 1").click()
    drawer = page.locator("dialog.drawer")
    await drawer.get_by_role("button", name="Retry anyway · free").click()
    sure = page.get_by_role("dialog", name="Make this video again?")
    await expect(sure).to_contain_text("it is made twice")
    await sure.get_by_role("button", name="Retry 1 video · free").click()
    await expect(drawer.locator(".status.completed").first).to_be_visible()
    async with page.expect_download() as coming:
        await drawer.get_by_role("link", name="Download").click()
    assert (await coming.value).suggested_filename.endswith(".mp4")

"""The studio's home and queue in a real browser: live, by mouse, by keyboard alone, by role."""

import re
import uuid

import pytest
import pytest_asyncio
from playwright.async_api import expect
from tests.e2e.looking import axe, no_sideways_scroll
from tests.e2e.stage import brief, until

HANG = {"where": "job", "fault": "hang"}


@pytest_asyncio.fixture(loop_scope="session")
async def stuck(studio):
    """Submits videos that hang at the provider, and leaves none behind, whatever happens."""
    stage, batches = studio.stage, []

    async def submit(videos, **more):
        stage.sandbox.faults(HANG)
        batches.append(await stage.submit(brief(videos, **more)))

        async def there():
            counts = (await stage.status(batches[-1]))["counts"]
            return counts["generating"] == min(4, videos)

        await until(there, what="the videos at the provider")
        stage.sandbox.faults()
        return batches[-1]

    yield submit
    for batch in batches:
        if (await stage.status(batch))["state"] != "cancelled":
            await stage.owner.post(f"/api/batch/{batch}/cancel")
        await stage.over(batch)


def row_of(page, batch):
    return page.locator("campaign-row", has=page.locator(f'a.title[href="/campaigns/{batch}"]'))


async def loaded(images):
    """How many of the pictures are there."""
    return await images.evaluate_all("all => all.filter(each => each.naturalWidth > 0).length")


# Home.


async def test_a_campaign_shows_its_films_its_progress_and_its_money(studio):
    batch = await studio.stage.made(3)
    page = await studio.open("/")
    row = row_of(page, batch)
    await expect(row.get_by_text("Tarn Audio")).to_be_visible()
    await expect(row.locator(".tag")).to_have_text("Finished")
    await expect(row.get_by_role("img", name="3 done")).to_be_visible()
    await row.scroll_into_view_if_needed()
    posters = row.locator(".strip img")

    async def all_of_them():
        return await loaded(posters) == 3

    await until(all_of_them, what="posters")
    await expect(row.locator(".cost")).to_contain_text("free")
    await expect(row.locator(".cost")).to_contain_text("$3.00")  # as a forecast
    await expect(page.get_by_text("Videos are free here")).to_be_visible()
    await axe(page)
    await no_sideways_scroll(page)


async def test_a_cap_is_told_at_home_as_a_forecast_where_videos_are_free(studio):
    await studio.stage.finished(3)
    owner = studio.stage.owner
    try:
        await owner.patch("/api/budget", {"dailyBudget": 5000})
        page = await studio.open("/")
        line = page.locator(".moneyline")
        await expect(line).to_contain_text("Forecast today")
        await expect(line).to_contain_text("of $5,000.00")
        await axe(page)
    finally:
        await owner.patch("/api/budget", {"dailyBudget": None})


async def test_on_a_phone_the_campaigns_begin_high_and_a_cut_line_is_told(studio, line):
    await studio.stage.finished(3)
    page = await studio.open("/", at=line.url, width=390, height=844)
    studio.expects("ERR_", "Failed to load resource")
    first = await page.locator("campaign-row").first.bounding_box()
    assert first
    assert first["y"] < 300
    await expect(page.locator(".livemark")).to_be_hidden()
    line.cut()
    await page.evaluate("dispatchEvent(new Event('online'))")  # it looks at once
    await expect(page.get_by_text("Reconnecting")).to_be_visible(timeout=40_000)
    line.mend()
    await expect(page.get_by_text("Reconnecting")).to_be_hidden(timeout=40_000)


async def test_search_and_filter_stand_in_the_address(studio):
    name = f"Fernhill {uuid.uuid4().hex[:6]}"
    batch = await studio.stage.submit(brief(2, brand=name))
    await studio.stage.owner.post(f"/api/batch/{batch}/pause")
    page = await studio.open("/")
    await page.get_by_role("searchbox", name="Search campaigns").fill(name.lower())
    await expect(page.locator("campaign-row")).to_have_count(1)
    await page.wait_for_url("**/?text=*")
    await page.get_by_role("button", name="Paused").click()
    await page.wait_for_url("**show=paused*")
    await expect(row_of(page, batch).locator(".tag")).to_have_text(re.compile("Paused|Finished"))
    await page.reload()
    await expect(page.locator("campaign-row")).to_have_count(1)
    await expect(page.get_by_role("button", name="Paused")).to_have_attribute(
        "aria-pressed", "true"
    )
    await page.get_by_role("button", name="Cancelled").click()
    await expect(page.get_by_role("heading", name="No campaign fits")).to_be_visible()
    await axe(page)
    await page.go_back()
    await expect(page.locator("campaign-row")).to_have_count(1)
    await studio.stage.owner.post(f"/api/batch/{batch}/cancel")


async def test_the_list_follows_what_happens_without_moving(studio, stuck):
    other = await studio.stage.made(3)
    batch = await stuck(2)
    page = await studio.open("/")
    row = row_of(page, batch)
    await expect(row.locator(".tag")).to_have_text("Running", timeout=30_000)
    await expect(page).to_have_title(re.compile(r"^\d+ running · Campaigns · Spotloom$"))
    await row_of(page, other).locator("a.title").focus()
    before = await page.locator("a.title").evaluate_all("all => all.map(each => each.href)")
    await studio.stage.owner.post(f"/api/batch/{batch}/cancel")
    await expect(row.locator(".tag")).to_have_text("Cancelled", timeout=30_000)
    after = await page.locator("a.title").evaluate_all("all => all.map(each => each.href)")
    assert before == after
    await expect(row_of(page, other).locator("a.title")).to_be_focused()
    fresh = await studio.stage.submit(brief(1))
    await expect(page.get_by_role("button", name="new campaign")).to_be_visible(timeout=30_000)
    await expect(row_of(page, fresh)).to_have_count(0)
    await page.get_by_role("button", name="new campaign").click()
    await expect(row_of(page, fresh)).to_be_visible()
    await studio.stage.over(fresh)


async def test_a_deleted_campaign_comes_back_with_undo(studio):
    batch = await studio.stage.made(1)
    page = await studio.open("/")
    row = row_of(page, batch)
    await row.get_by_role("button", name="More for").click()
    await axe(page)
    await row.get_by_role("button", name="Delete").click()
    await expect(row).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(row).to_be_visible()
    assert (await studio.stage.status(batch))["totalVideos"] == 1


async def test_a_campaign_at_work_is_not_deleted_and_says_why(studio, stuck):
    batch = await stuck(1)
    studio.expects("409")
    page = await studio.open("/")
    row = row_of(page, batch)
    await row.get_by_role("button", name="More for").click()
    await row.get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("still under way; cancel them first")).to_be_visible()
    await expect(row).to_be_visible()


@pytest.mark.parametrize(("who", "sees"), [("viewer", (0, 0)), ("editor", (1, 0))])
async def test_a_role_sees_what_it_may_do(studio, who, sees):
    batch = await studio.stage.made(3)
    page = await studio.open("/", who=who)
    row = row_of(page, batch)
    await row.get_by_role("button", name="More for").click()
    await expect(row.get_by_role("link", name="Open")).to_be_visible()
    duplicate, delete = sees
    await expect(row.get_by_role("link", name="Duplicate")).to_have_count(duplicate)
    await expect(row.get_by_role("button", name="Delete")).to_have_count(delete)


async def test_the_home_by_keyboard_alone(studio):
    batch = await studio.stage.made(3)
    page = await studio.open("/")
    await expect(row_of(page, batch)).to_be_visible()
    studio.expects("404")  # the campaign's own page is another room's
    await page.keyboard.press("j")
    await expect(page.locator("a.title").first).to_be_focused()
    await page.keyboard.press("/")
    await page.keyboard.type(batch)
    await expect(page.locator("campaign-row")).to_have_count(1)
    await page.keyboard.press("Tab")
    await page.keyboard.press("j")
    await expect(row_of(page, batch).locator("a.title")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/campaigns/{batch}")


async def test_older_campaigns_come_with_a_button(studio):
    batches = [await studio.stage.submit(brief(1, brand="Many of them")) for _ in range(31)]
    page = await studio.open("/?text=many of them")
    await expect(page.locator("campaign-row")).to_have_count(30)
    await page.get_by_role("button", name="Show older campaigns").click()
    await expect(page.locator("campaign-row")).to_have_count(31)
    await expect(row_of(page, batches[0])).to_have_count(1)
    for batch in batches:
        await studio.stage.over(batch)


# The queue.


@pytest_asyncio.fixture(loop_scope="session")
async def hanging(stuck, studio):
    """A batch whose first four hang at the provider while three wait; they are gone afterwards."""
    yield await stuck(7, brand="Moth & Lamp")
    owner = studio.stage.owner
    await owner.patch(f"/api/queue/lanes/{(await lane(owner))['id']}", {"limit": 4})


async def lane(person):
    (one,) = (await person.get("/api/queue/status"))["lanes"]
    return one


async def test_the_queue_says_what_holds_each_slot_and_what_is_next(studio, hanging):
    page = await studio.open("/queue")
    slots = page.locator(".slots .slot")
    await expect(slots).to_have_count(4)
    await expect(slots.first).to_contain_text("Moth & Lamp")
    await expect(slots.first).to_contain_text("Generating")
    await expect(page.locator(".nexts li")).to_have_count(3)
    told = await lane(studio.stage.owner)
    assert [v["batchId"] for v in told["next"]] == [hanging] * 3
    await expect(page.locator(".nexts li .why").first).to_have_text(
        "4 of this campaign are ahead of it"
    )
    await expect(page).to_have_title("4 running, 3 waiting · Queue · Spotloom")
    await expect(slots.first.get_by_role("link")).to_have_attribute("href", f"/campaigns/{hanging}")
    await axe(page)
    await no_sideways_scroll(page)
    # Live: a priority changes the reason, and the end of the batch frees the slots.
    await studio.stage.owner.post(f"/api/batch/{hanging}/priority", {"priority": "high"})
    await expect(page.locator(".nexts li .why").first).to_contain_text(
        "high priority", timeout=20_000
    )
    await studio.stage.owner.post(f"/api/batch/{hanging}/pause")
    await expect(page.get_by_text("3 wait, 3 in paused campaigns")).to_be_visible(timeout=20_000)
    await studio.stage.owner.post(f"/api/batch/{hanging}/cancel")
    await expect(page.locator(".slots .free")).to_have_count(4, timeout=30_000)


async def test_a_lane_is_steered_while_it_works(studio, hanging):
    page = await studio.open("/queue")
    owner = studio.stage.owner
    # Quick steps are sent together, and undone together.
    fewer = page.get_by_role("button", name="One fewer")
    await fewer.evaluate("button => { button.click(); button.click(); }")
    await expect(page.locator(".stepper output")).to_have_text("2")
    await expect(page.get_by_text("2 videos at once.")).to_be_visible()
    assert (await lane(owner))["limit"] == 2
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("As it was.")).to_be_visible()
    assert (await lane(owner))["limit"] == 4
    await page.get_by_label("Starts per minute").fill("30")
    await page.get_by_role("button", name="Set", exact=True).click()
    await expect(page.get_by_text("At most 30 starts per minute.")).to_be_visible()
    assert (await lane(owner))["startsAMinute"] == 30
    await page.get_by_label("Starts per minute").fill("")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("No limit on starts per minute.")).to_be_visible()
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator(".lane .tag")).to_have_text("Paused")
    await expect(page.get_by_text("Nothing starts until somebody resumes it")).to_be_visible()
    await axe(page)
    await page.get_by_role("button", name="Resume").click()
    await expect(page.locator(".lane .tag")).to_have_text("Open")
    assert not (await lane(owner))["blocked"]


async def test_a_provider_that_wants_a_pause_gets_one_and_people_see_it(studio):
    pause = {"where": "create", "fault": "status", "status": 429, "retryAfter": 300}
    studio.stage.sandbox.faults({**pause, "calls": {"first": 1}})
    batch = await studio.stage.submit(brief(2))
    page = await studio.open("/queue")
    await expect(page.locator(".lane .tag")).to_have_text(
        re.compile(r"Opens in \d+ s"), timeout=20_000
    )
    await expect(page.locator("main").get_by_text("The lane opens by itself at")).to_be_visible()
    await axe(page)
    await page.get_by_role("button", name="Open now").click()
    assert (await studio.stage.over(batch))["counts"]["completed"] == 2
    await expect(page.get_by_text("nothing waits")).to_be_visible()


async def test_a_blocked_lane_says_what_to_do(studio):
    refusal = {"where": "create", "fault": "status", "status": 401}
    studio.stage.sandbox.faults({**refusal, "calls": {"first": 1}})
    batch = await studio.stage.submit(brief(1))
    page = await studio.open("/queue")
    await expect(page.locator(".lane .tag")).to_have_text("Blocked", timeout=20_000)
    await expect(page.get_by_role("link", name="Test the provider")).to_have_attribute(
        "href", "/settings/providers"
    )
    await page.get_by_role("button", name="Resume").click()
    assert (await studio.stage.over(batch))["counts"]["completed"] == 1


async def test_a_viewer_sees_the_queue_and_who_may_change_it(studio):
    await studio.stage.finished(3)
    page = await studio.open("/queue", who="viewer")
    await expect(page.get_by_text("Admins may change and pause a lane.")).to_be_visible()
    for name in ("Pause", "One more", "Set"):
        await expect(page.get_by_role("button", name=name)).to_have_count(0)
    await axe(page)


async def test_the_queue_recovers_from_a_cut_line(studio, line):
    await studio.stage.finished(3)
    page = await studio.open("/queue", at=line.url)
    studio.expects("ERR_")
    await expect(page.get_by_text("Live")).to_be_visible()
    line.cut()
    await expect(page.get_by_text("Reconnecting")).to_be_visible()
    line.mend()
    await expect(page.get_by_text("Live")).to_be_visible(timeout=30_000)

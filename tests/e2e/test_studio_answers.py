"""Answers that come late, out of order or not at all: the pages show the newest, and say so."""

import asyncio
import contextlib
import re
import uuid

from playwright.async_api import Error, expect
from tests.e2e.stage import until

expect.set_options(timeout=45_000)  # two cores, shared with other tests


class Held:
    """Questions whose answers wait until they are released; the server has answered at once."""

    def __init__(self, *, only=lambda _: True):
        self.asked = 0
        self._only = only
        self._release = asyncio.Event()

    async def __call__(self, route):
        if self._release.is_set() or not self._only(route.request):
            return await route.fallback()
        with contextlib.suppress(Error):  # the page has given it up meanwhile
            answer = await route.fetch()
            self.asked += 1
            await self._release.wait()
            await route.fulfill(response=answer)
        return None

    async def reached(self, many=1):
        """So many were asked."""
        await until(lambda: self.asked >= many, what=f"{many} questions")

    def release(self):
        """From now on there are answers."""
        self._release.set()


async def test_a_question_that_nobody_answers_is_a_line_that_is_down(studio):
    await studio.stage.finished(3)
    page = await studio.open("/")
    await page.clock.install()
    await page.goto("/queue")
    await expect(page.get_by_text("Live")).to_be_visible()
    held = Held()
    await page.route("**/api/queue/status*", held)
    await page.clock.fast_forward(3000)
    await held.reached()
    await page.clock.fast_forward(31_000)
    await expect(page.get_by_text("Reconnecting")).to_be_visible()
    held.release()
    await page.clock.fast_forward(16_000)
    await expect(page.get_by_text("Live")).to_be_visible()


async def test_a_line_that_does_not_open_is_not_waited_for(studio):
    batch = await studio.stage.finished(3)
    page = await studio.open("/")
    await page.clock.install()
    opened, end = asyncio.Event(), asyncio.Event()

    async def hangs(route):
        opened.set()
        await end.wait()
        with contextlib.suppress(Error):
            await route.abort()

    await page.route("**/events*", hangs)
    await page.goto(f"/campaigns/{batch}")
    await asyncio.wait_for(opened.wait(), 45)
    mark = page.locator(".livemark")
    await expect(mark).to_have_text("Connecting")
    await page.clock.fast_forward(11_000)
    await expect(mark).to_have_text("Reconnecting")
    end.set()


async def test_too_many_live_pages_are_called_so(studio):
    batch = await studio.stage.finished(3)
    studio.expects("429")
    page = await studio.open("/")
    await page.route("**/events*", lambda route: route.fulfill(status=429))
    await page.goto(f"/campaigns/{batch}")
    await expect(page.locator(".livemark")).to_have_text("Not live: too many tabs")


async def test_a_batch_without_notion_asks_for_it_once(studio):
    batch = await studio.stage.finished(3)
    page = await studio.open("/")
    await page.clock.install()
    asked = []
    page.on("request", lambda each: each.url.endswith("/api/notion") and asked.append(each.url))
    async with page.expect_response("**/api/notion"):
        await page.goto(f"/campaigns/{batch}")
    await expect(page.locator(".livemark")).to_have_text("Live")
    for _ in range(3):
        await page.clock.fast_forward(6000)
        await page.evaluate("() => fetch('/api/session')")  # a later question is answered
    assert len(asked) == 1


async def test_an_older_answer_does_not_undo_what_was_made_on_the_page(studio):
    await studio.stage.finished(3)
    page = await studio.open("/queue")
    tag = page.locator(".lane .tag")
    await expect(tag).to_have_text("Open")
    older, newer = Held(), Held()
    await page.route("**/api/queue/status*", newer)
    await page.route("**/api/queue/status*", older)
    await older.reached()
    try:
        await page.get_by_role("button", name="Pause").click()
        await expect(tag).to_have_text("Paused")
        older.release()
        await newer.reached()  # so the older one has been read
        await expect(tag).to_have_text("Paused")
        await expect(page.get_by_role("button", name="Resume")).to_be_visible()
    finally:
        newer.release()
        await page.get_by_role("button", name="Resume").click()
        await expect(tag).to_have_text("Open")


async def test_an_answer_that_is_late_does_not_put_the_older_verdict_back(studio):
    batch = await studio.stage.made(1)
    ann = await studio.stage.person("editor Ann")
    (first,) = [i["combinationId"] for i in await studio.stage.combinations(batch)]
    page = await studio.open(f"/campaigns/{batch}")
    await expect(page.locator(".livemark")).to_have_text("Live")
    held = Held()
    await page.route("**/approve", held)
    await page.keyboard.press("j")
    await page.keyboard.press("a")
    await held.reached()
    path = f"/api/campaigns/{batch}/combinations/{first}"
    await ann.post(f"{path}/reject", {"reason": "Off-brand"})
    await ann.patch(path, {"winner": True})
    await expect(page.locator(".vid .winner")).to_have_count(1)
    held.release()
    await expect(page.locator(".toast", has_text="1 video approved.")).to_be_visible()
    await expect(page.locator(".vid .rejected")).to_have_count(1)


async def test_the_drawer_keeps_the_newest_of_two_answers(studio):
    batch = await studio.stage.made(1)
    ann = await studio.stage.person("editor Ann")
    (first,) = [i["combinationId"] for i in await studio.stage.combinations(batch)]
    path = f"/api/campaigns/{batch}/combinations/{first}"
    page = await studio.open("/")
    older = Held(only=lambda asked: asked.method == "GET" and not older.asked)
    await page.route(f"**/combinations/{first}", older)
    await page.goto(f"/campaigns/{batch}?video={first}")
    drawer = page.locator("dialog.drawer")
    await older.reached()
    await expect(page.locator(".livemark")).to_have_text("Live")
    await ann.post(f"{path}/reject", {"reason": "The coin is a button"})
    await expect(drawer).to_contain_text("The coin is a button")
    async with page.expect_event("requestfinished", lambda each: each.url.endswith(first)):
        older.release()
    await expect(drawer).to_contain_text("The coin is a button")


# Home.


async def home(studio, batch):
    """The home page of that batch alone; it says that there are older ones, too."""
    page = await studio.open("/")

    async def more(route):
        answer = await route.fetch()
        told = await answer.json()
        await route.fulfill(response=answer, json={**told, "nextCursor": "older"})

    await page.route(re.compile(r"/api/campaigns\?.*text="), more)
    search = page.get_by_role("searchbox", name="Search campaigns")
    await search.fill(batch)
    await expect(page.locator("campaign-row")).to_have_count(1)
    return page, search


async def test_older_campaigns_of_another_filter_are_not_shown_under_this_one(studio):
    batch = await studio.stage.finished(3)
    page, _ = await home(studio, batch)
    told = await studio.stage.owner.get("/api/campaigns", params={"text": batch})
    other = told["items"][0] | {"id": str(uuid.uuid4()), "batchId": "another"}
    asked, release = asyncio.Event(), asyncio.Event()

    async def older(route):
        asked.set()
        await release.wait()
        with contextlib.suppress(Error):  # the page has given it up
            await route.fulfill(json={"items": [other], "nextCursor": None})

    await page.route(re.compile("cursor=older"), older)
    await page.get_by_role("button", name="Show older campaigns").click()
    await asyncio.wait_for(asked.wait(), 45)
    await page.get_by_role("button", name="Cancelled").click()
    await expect(page.get_by_role("heading", name="No campaign fits")).to_be_visible()
    release.set()
    await page.evaluate("() => fetch('/api/session')")  # a later question is answered
    await expect(page.get_by_role("heading", name="No campaign fits")).to_be_visible()
    await expect(page.locator("campaign-row")).to_have_count(0)


async def test_a_search_that_was_cleared_at_once_is_not_made(studio):
    batch = await studio.stage.finished(3)
    page = await studio.open("/")
    await page.clock.install()
    await page.goto("/")
    search = page.get_by_role("searchbox", name="Search campaigns")
    await search.focus()
    await page.evaluate(
        """() => {
          const field = document.querySelector("input[type=search]");
          field.value = "nothing like this";
          field.dispatchEvent(new Event("input", { bubbles: true }));
          field.dispatchEvent(
            new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true }));
        }"""
    )
    await page.clock.fast_forward(1000)
    await expect(search).to_have_value("")
    await expect(page.locator(f'a.title[href="/campaigns/{batch}"]')).to_be_visible()
    assert "text=" not in page.url


async def test_a_filter_that_could_not_be_asked_for_shows_no_other_rows(studio):
    await studio.stage.finished(3)
    studio.expects("ERR_FAILED")
    page = await studio.open("/")
    await expect(page.locator("campaign-row").first).to_be_visible()
    await page.route("**/api/campaigns?*", lambda route: route.abort())
    await page.get_by_role("button", name="Finished").click()
    await expect(page.get_by_role("heading", name="could not be had")).to_be_visible()
    await expect(page.locator("campaign-row")).to_have_count(0)
    await page.unroute("**/api/campaigns?*")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator("campaign-row").first).to_be_visible()


async def test_back_brings_the_words_of_a_search_back(studio):
    batch = await studio.stage.finished(3)
    page = await studio.open("/")
    search = page.get_by_role("searchbox", name="Search campaigns")
    await search.fill(batch)
    await page.wait_for_url(f"**/?text={batch}")
    await page.get_by_role("button", name="Finished").click()
    await page.wait_for_url("**show=finished*")
    await search.press("Escape")
    await expect(search).to_have_value("")
    await expect(page).not_to_have_url(re.compile("text="))
    await page.go_back()
    await expect(search).to_have_value(batch)
    await expect(page.locator("campaign-row")).to_have_count(1)

"""Hands that are quicker than the page: double clicks, held keys, keys before a dialog is there."""

import asyncio
import re
import uuid

import pytest_asyncio
from playwright.async_api import expect
from tests.e2e.stage import brief, until

expect.set_options(timeout=45_000)  # two cores, shared with other tests
HANGS = {"where": "job", "fault": "hang"}


@pytest_asyncio.fixture(loop_scope="session")
async def hanging(studio):
    """A batch that goes on for as long as the test does, and is gone afterwards."""
    studio.stage.sandbox.faults(HANGS)
    batch = await studio.stage.submit(brief(2))
    yield batch
    await studio.stage.owner.post(f"/api/batch/{batch}/cancel")
    await studio.stage.over(batch)


def noted(page, *parts):
    """The paths of changes with one of these in them that the page asks for from now on."""
    sent = []

    def note(request):
        if request.method != "GET" and any(part in request.url for part in parts):
            sent.append((request.url.rpartition("/")[2], request.post_data_json))

    page.on("request", note)
    return sent


async def row(studio, batch, place=0):
    return (await studio.stage.combinations(batch))[place]


async def test_a_double_click_on_pause_pauses(studio, hanging):
    page = await studio.open(f"/campaigns/{hanging}")
    sent = noted(page, "/pause", "/resume")
    await page.get_by_role("button", name="Pause").dblclick()
    await expect(page.locator(".toast", has_text="nothing new starts")).to_be_visible()
    await expect(page.get_by_text("This batch is paused")).to_be_visible()
    assert [word for word, _ in sent] == ["pause"]
    assert (await studio.stage.status(hanging))["state"] == "paused"


async def test_a_double_click_on_a_lanes_pause_pauses_it(studio):
    await studio.stage.finished(3)
    page = await studio.open("/queue")
    sent = noted(page, "/lanes/")
    await page.get_by_role("button", name="Pause").dblclick()
    try:
        await expect(page.locator(".toast", has_text="is paused.")).to_be_visible()
        await expect(page.locator(".lane .tag")).to_have_text("Paused")
        assert [change for _, change in sent] == [{"state": "paused"}]
    finally:
        await page.get_by_role("button", name="Resume").click()
        await expect(page.locator(".lane .tag")).to_have_text("Open")


async def test_a_double_click_on_approve_and_winner_is_one_click(studio):
    batch = await studio.stage.made(1)
    first = (await row(studio, batch))["combinationId"]
    page = await studio.open(f"/campaigns/{batch}?video={first}")
    sent = noted(page, f"/{first}")
    drawer = page.locator("dialog.drawer")
    for name in ("Approve", "Winner"):
        button = drawer.get_by_role("button", name=name)
        await button.dblclick()
        await expect(button).to_have_attribute("aria-pressed", "true")

    async def said():
        now = await row(studio, batch)
        return (now["review"], now["winner"]) == ("approved", True)

    await until(said, what="both")
    assert sent == [("approve", None), (first, {"winner": True})]


async def test_a_key_that_is_held_decides_once_and_walks_on(studio):
    batch = await studio.stage.made(4)
    page = await studio.open(f"/campaigns/{batch}/review")
    await expect(page.get_by_text("0 of 4 reviewed")).to_be_visible()
    for _ in range(3):
        await page.keyboard.down("a")
    await page.keyboard.up("a")
    await expect(page.get_by_text("1 of 4 reviewed")).to_be_visible()
    last = (await row(studio, batch, 3))["combinationId"]
    for _ in range(3):
        await page.keyboard.down("j")
    await page.keyboard.up("j")
    await expect(page).to_have_url(re.compile(f"video={last}"))

    async def one():
        found = [each["review"] for each in await studio.stage.combinations(batch)]
        return found == ["approved", "none", "none", "none"]

    await until(one, what="one approval")


# Answers that are lost.


async def arrives_but_is_lost(route):
    await route.fetch()
    await route.abort("connectionreset")


async def test_a_lost_answer_is_not_called_unchanged_and_is_asked_for_under_its_key(studio):
    studio.expects("ERR_")
    studio.stage.sandbox.faults(
        {"where": "job", "fault": "fail", "code": "bad_day", "jobs": {"every": 1}}
    )
    batch = await studio.stage.submit(brief(1))
    await studio.stage.over(batch)
    studio.stage.sandbox.faults()
    before = (await row(studio, batch))["attempts"]
    page = await studio.open(f"/campaigns/{batch}")
    keys = []
    page.on(
        "request",
        lambda asked: (
            asked.url.endswith("/retry-failed") and keys.append(asked.headers["idempotency-key"])
        ),
    )
    await page.route("**/retry-failed", arrives_but_is_lost, times=1)
    await page.locator("batch-actions").get_by_role("button", name="Retry 1 failed").click()
    await page.get_by_role("dialog").get_by_role("button", name="Retry 1 failed").click()
    told = page.locator(".toast.bad")
    await expect(told).to_contain_text("It may have been done or not.")
    await told.get_by_role("button", name="Ask again").click()
    await expect(page.locator(".toast", has_text="1 video queued again.")).to_be_visible()
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert (await studio.stage.over(batch))["counts"]["completed"] == 1
    assert (await row(studio, batch))["attempts"] == before + 1


async def test_a_form_whose_answer_was_lost_makes_no_second_thing(studio):
    studio.expects("ERR_", "409")
    name = f"lost {uuid.uuid4().hex[:6]}"
    page = await studio.open("/settings/keys")
    await page.route("**/api/keys", arrives_but_is_lost, times=1)
    await page.get_by_role("button", name="Make a key").click()
    form = page.get_by_role("dialog", name="Make an API key")
    await form.get_by_label("What it is for").fill(name)
    make = form.get_by_role("button", name="Make the key")
    await make.click()
    await expect(form.get_by_role("alert")).to_contain_text("It may have been done or not.")
    await make.click()
    await expect(form.get_by_role("alert")).to_contain_text("its secret was shown then, once")
    made = (await studio.stage.owner.get("/api/keys"))["items"]
    assert [key["name"] for key in made].count(name) == 1


# Dialogs.


async def test_escape_while_a_key_is_being_made_does_not_lose_it(studio):
    name = f"slow {uuid.uuid4().hex[:6]}"
    page = await studio.open("/settings/keys")
    asked, release = asyncio.Event(), asyncio.Event()

    async def held(route):
        asked.set()
        await release.wait()
        await route.continue_()

    await page.route("**/api/keys", held)
    await page.get_by_role("button", name="Make a key").click()
    form = page.get_by_role("dialog", name="Make an API key")
    await form.get_by_label("What it is for").fill(name)
    await page.keyboard.press("Enter")
    await asyncio.wait_for(asked.wait(), 45)
    await expect(form.get_by_role("button", name="Back")).to_be_disabled()
    for _ in range(3):
        await page.keyboard.press("Escape")
    release.set()
    shown = page.get_by_role("dialog", name=f"The key “{name}”")
    await expect(shown).to_be_visible()
    # The browser does not ask whether it may close at the second Escape.
    for _ in range(5):
        await page.keyboard.press("Escape")
    await expect(shown.get_by_label("The key")).not_to_have_value("")
    await shown.get_by_role("button", name="I have it").click()
    await expect(shown).to_have_count(0)


async def test_a_key_right_after_the_drawers_cross_is_for_the_page(studio):
    batch = await studio.stage.finished(5)
    first = (await row(studio, batch))["combinationId"]
    page = await studio.open(f"/campaigns/{batch}?video={first}")
    drawer = page.locator("dialog.drawer")
    await expect(drawer).to_be_visible()
    # In one task: the event "close" comes only after it.
    await page.evaluate(
        """() => {
          document.querySelector("dialog.drawer [aria-label='Close (Esc)']").click();
          document.body.dispatchEvent(
            new KeyboardEvent("keydown", { key: "g", bubbles: true, cancelable: true }));
        }"""
    )
    await expect(page).to_have_url(re.compile(r"\?view=grid$"))
    await expect(drawer).not_to_be_visible()
    await page.keyboard.press("Enter")
    await expect(drawer).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(drawer).not_to_be_visible()
    await expect(page).to_have_url(re.compile(r"\?view=grid$"))


async def test_escape_before_the_drawer_is_there_closes_it(studio):
    batch = await studio.stage.finished(5)
    page = await studio.open(f"/campaigns/{batch}")
    asked, release = asyncio.Event(), asyncio.Event()

    async def held(route):
        asked.set()
        await release.wait()
        await route.continue_()

    await page.route("**/batch/drawer.js*", held)
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await asyncio.wait_for(asked.wait(), 45)
    await expect(page).to_have_url(re.compile("video="))
    await page.keyboard.press("Escape")
    await expect(page).not_to_have_url(re.compile("video="))
    release.set()
    await expect(page.locator("batch-drawer")).to_have_count(1)
    await expect(page.locator("dialog.drawer")).not_to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog.drawer")).to_contain_text("No. 1 of 5")


async def test_a_drawer_that_cannot_be_fetched_leaves_nothing_open(studio):
    batch = await studio.stage.made(2)
    studio.expects("ERR_FAILED")
    page = await studio.open(f"/campaigns/{batch}")
    await page.route("**/batch/drawer.js*", lambda route: route.abort())
    await page.get_by_label("Select video 2").check()
    await page.locator(".vid[data-key] .state").first.click()
    await expect(page.locator(".toast", has_text="could not be fetched")).to_be_visible()
    await expect(page).not_to_have_url(re.compile("video="))
    await page.keyboard.press("a")

    async def second():
        found = [each["review"] for each in await studio.stage.combinations(batch)]
        return found == ["none", "approved"]

    await until(second, what="the approval of what is selected")

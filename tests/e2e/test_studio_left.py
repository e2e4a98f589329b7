"""Where pages are left and rows are taken away: what was typed is kept, the focus has a place."""

import re
import uuid

import pytest_asyncio
from playwright.async_api import expect
from tests.e2e.looking import axe
from tests.e2e.stage import brief, until

expect.set_options(timeout=45_000)  # two cores, shared with other tests
REFUSES = """() => Object.defineProperty(navigator, "clipboard",
    {value: {writeText: () => Promise.reject(new Error("refused"))}})"""


async def only(studio):
    """A batch of one video, which is the test's own, and the video's id."""
    batch = await studio.stage.made(1)
    (first,) = [i["combinationId"] for i in await studio.stage.combinations(batch)]
    return batch, first


async def noted(studio, batch, text):
    """The server has this note before long."""

    async def there():
        return (await studio.stage.combinations(batch))[0]["notes"] == text

    await until(there, what=text, deadline_s=30)


@pytest_asyncio.fixture(loop_scope="session")
async def leaving(studio):
    """`await leaving(page)` ends the session of who is "leaving", and signs them in again."""
    stage = studio.stage
    person = await stage.signed_in(await stage.login_link(), "owner")
    stage.people["leaving"] = person

    async def end(page):
        studio.expects("401")
        assert (await person.client.delete("/api/session")).is_success
        await page.keyboard.press("Tab")  # the field is left, and saved
        await page.wait_for_url("**/sign-in?after=*")
        await page.context.add_cookies(stage.owner.cookies)

    yield end
    await stage.people.pop("leaving").client.aclose()


# Notes.


async def test_a_note_outlives_the_end_of_a_session(studio, leaving):
    batch, first = await only(studio)
    page = await studio.open(f"/campaigns/{batch}?video={first}", who="leaving")
    drawer = page.locator("dialog.drawer")
    await drawer.get_by_label("Notes").fill("Warmer light.")
    await leaving(page)
    await page.goto(f"/campaigns/{batch}?video={first}")
    await expect(drawer.get_by_label("Notes")).to_have_value("Warmer light.")
    await expect(drawer.get_by_role("alert")).to_contain_text("before you left the page")
    await axe(page)
    await drawer.get_by_role("button", name="Try again").click()
    await expect(drawer.get_by_text("Saved.", exact=True)).to_be_visible()
    await noted(studio, batch, "Warmer light.")
    await page.reload()
    await expect(drawer.get_by_label("Notes")).to_have_value("Warmer light.")
    await expect(drawer.get_by_role("alert")).to_have_count(0)


async def test_a_note_of_a_review_outlives_the_end_of_a_session(studio, leaving):
    batch, _ = await only(studio)
    page = await studio.open(f"/campaigns/{batch}/review", who="leaving")
    notes, side = page.get_by_label("Notes"), page.locator("review-side")
    await notes.fill("Warmer light.")
    await leaving(page)
    await page.goto(f"/campaigns/{batch}/review")
    await expect(notes).to_have_value("Warmer light.")
    await side.get_by_role("button", name="Try again").click()
    await noted(studio, batch, "Warmer light.")
    await expect(side.get_by_text("Saved.", exact=True)).to_be_visible()


async def test_a_note_of_a_review_is_saved_when_the_page_is_left_at_once(studio):
    batch, _ = await only(studio)
    page = await studio.open(f"/campaigns/{batch}/review")
    await page.get_by_label("Notes").fill("Warmer light.")
    await page.goto("/")
    await noted(studio, batch, "Warmer light.")
    await page.goto(f"/campaigns/{batch}/review")
    await expect(page.get_by_label("Notes")).to_have_value("Warmer light.")
    await expect(page.get_by_text("Not saved.")).to_have_count(0)


# The clipboard.


async def test_a_clipboard_that_refuses_is_told(studio):
    batch = await studio.stage.finished(3)
    first = (await studio.stage.combinations(batch))[0]["combinationId"]
    page = await studio.open(f"/campaigns/{batch}?video={first}")
    told = page.get_by_text("The browser did not let us copy.")
    for place in ("dialog.drawer", "review-side"):
        await page.evaluate(REFUSES)
        await page.locator(place).get_by_role("button", name="Copy").first.click()
        await expect(told).to_be_visible()
        await page.goto(f"/campaigns/{batch}/review")


# The focus.


async def test_the_focus_stays_in_the_list_when_it_is_made_anew(studio):
    batch = await studio.stage.finished(5)
    second = (await studio.stage.combinations(batch))[1]["combinationId"]
    page = await studio.open(f"/campaigns/{batch}")
    row = page.locator(f'.vid[data-key="{second}"]')
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(row).to_be_focused()
    for key, view in (("u", "rows"), ("g", "grid"), ("g", "rows")):
        await page.keyboard.press(key)
        await expect(page.locator(f".list.{view}")).to_have_count(1)
        await expect(row).to_be_focused()
    await page.go_back()
    await expect(page.locator(".list.grid")).to_have_count(1)
    await expect(row).to_be_focused()


async def test_a_toast_waits_for_who_has_come_to_its_button(studio):
    batch = await studio.stage.made(2)
    page = await studio.open("/")
    await page.clock.install()
    await page.goto(f"/campaigns/{batch}")
    await page.keyboard.press("j")
    await page.keyboard.press("a")
    undo = page.locator(".toast").get_by_role("button", name="Undo")
    await undo.focus()
    await page.clock.fast_forward(20_000)
    await expect(undo).to_be_focused()
    await page.keyboard.press("Enter")

    async def undone():
        return {each["review"] for each in await studio.stage.combinations(batch)} == {"none"}

    await until(undone, what="the undoing")


async def test_after_a_row_is_taken_away_the_focus_is_on_the_next_or_the_heading(studio):
    owner, name = studio.stage.owner, uuid.uuid4().hex[:6]
    for each in (await owner.get("/api/keys"))["items"]:
        assert (await owner.client.delete(f"/api/keys/{each['id']}")).is_success
    for number in (1, 2):
        body = {"name": f"{name} {number}", "role": "viewer", "scopes": ["*"]}
        await owner.post("/api/keys", body)
    page = await studio.open("/settings/keys")
    left = page.get_by_role("row", name=re.compile(f"^{name}"))
    await expect(left).to_have_count(2)
    for many in (1, 0):
        await left.first.get_by_role("button", name="Revoke").focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("dialog").get_by_role("button", name="Revoke the key").click()
        await expect(left).to_have_count(many)
        onward = left.get_by_role("button", name="Revoke") if many else page.locator("main h1")
        await expect(onward).to_be_focused()


# Small states.


async def test_a_refused_download_leaves_the_page(studio):
    batch, _ = await only(studio)
    studio.expects("404")
    page = await studio.open(f"/campaigns/{batch}")
    await page.get_by_label("Select video 1").check()
    campaign = await studio.stage.owner.get(f"/api/campaigns/{batch}")
    answer = await studio.stage.owner.client.delete(
        f"/api/campaigns/{batch}", headers={"If-Match": f'"{campaign["version"]}"'}
    )
    assert answer.is_success, answer.text
    await expect(page.get_by_text("This campaign was deleted")).to_be_visible()
    bar = page.get_by_role("toolbar", name="Selected videos")
    await bar.get_by_role("button", name="Download 1").click()
    await expect(page.get_by_text("1 file on the way.")).to_be_visible()
    await page.wait_for_load_state()  # of another page, where it was left
    await expect(bar).to_be_visible()
    await expect(page).to_have_url(re.compile(f"/campaigns/{batch}$"))


async def test_the_palette_stays_away_while_an_answer_is_wanted(studio):
    studio.stage.sandbox.faults({"where": "job", "fault": "hang"})
    batch = await studio.stage.submit(brief(1))
    page = await studio.open(f"/campaigns/{batch}")
    await page.get_by_role("button", name="More").click()
    await page.get_by_role("button", name="Cancel all that is left").click()
    sure = page.get_by_role("dialog", name="Cancel what is left of this batch?")
    await expect(sure).to_be_visible()
    await page.keyboard.press("Control+k")
    await page.keyboard.press("Escape")  # it closes what is on top
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("dialog", name="Commands")).to_be_visible()
    await studio.stage.owner.post(f"/api/batch/{batch}/cancel")
    await studio.stage.over(batch)


async def test_the_way_back_moves_the_order_that_is_chosen(studio):
    batch = await studio.stage.finished(3)
    page = await studio.open(f"/campaigns/{batch}")
    sort = page.get_by_label("Sort by")
    await sort.select_option("Cost")
    await expect(page).to_have_url(re.compile("sort=cost"))
    await page.go_back()
    await expect(sort).to_have_value("position")


async def test_the_log_has_words_for_templates(studio):
    name = f"kept {uuid.uuid4().hex[:6]}"
    await studio.stage.owner.post("/api/templates", {"name": name, "formData": brief(1)})
    page = await studio.open("/settings/audit")
    await expect(page.get_by_role("row", name="added a template").first).to_be_visible()

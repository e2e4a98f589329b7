"""Changes of one video go one after the other, and what was meant last is what stands."""

import asyncio
import contextlib

from playwright.async_api import expect
from tests.e2e.stage import until

expect.set_options(timeout=45_000)  # two cores, shared with other tests
A_WHILE_S = 1  # in which a page that does not wait would have sent its next change


async def opened(studio, videos=1):
    """A batch of the test's own, its first video, and the batch's page."""
    batch = await studio.stage.made(videos)
    first = (await studio.stage.combinations(batch))[0]["combinationId"]
    page = await studio.open(f"/campaigns/{batch}")
    await expect(page.locator(".vid[data-key]")).to_have_count(videos)
    return batch, first, page


async def first_of(studio, batch):
    return (await studio.stage.combinations(batch))[0]


async def passed(event):
    """The event, or a while."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), A_WHILE_S)


async def test_a_video_approved_and_then_rejected_ends_rejected_on_a_slow_line(studio):
    batch, _, page = await opened(studio)
    rejected, answered = asyncio.Event(), []

    async def approve(route):
        await passed(rejected)
        await route.fulfill(response=await route.fetch())
        answered.append("approve")

    async def reject(route):
        answer = await route.fetch()
        rejected.set()
        await route.fulfill(response=answer)
        answered.append("reject")

    await page.route("**/approve", approve)
    await page.route("**/reject", reject)
    for key in ("j", "a", "r", "2"):
        await page.keyboard.press(key)
    await until(lambda: len(answered) == 2, what="both answers")
    now = await first_of(studio, batch)
    assert (answered, now["review"], now["rejectReason"]) == (
        ["approve", "reject"],
        *("rejected", "Wrong message"),
    )
    await expect(page.locator(".vid .rejected")).to_have_count(1)


async def test_a_note_that_is_being_saved_does_not_take_the_winner_back(studio):
    batch, first, page = await opened(studio)
    await page.goto(f"/campaigns/{batch}?video={first}")
    saved, crowned = asyncio.Event(), asyncio.Event()

    async def change(route):
        if route.request.method != "PATCH":
            return await route.continue_()
        if "winner" in route.request.post_data_json:
            crowned.set()
            await saved.wait()
            return await route.continue_()
        answer = await route.fetch()
        saved.set()
        await passed(crowned)
        return await route.fulfill(response=answer)

    await page.route(f"**/combinations/{first}", change)
    drawer = page.locator("dialog.drawer")
    await drawer.get_by_label("Notes").fill("Warmer light.")
    winner = drawer.get_by_role("button", name="Winner")
    await winner.click()

    async def both():
        now = await first_of(studio, batch)
        return (now["notes"], now["winner"]) == ("Warmer light.", True)

    await until(both, what="the note and the winner")
    await expect(winner).to_have_attribute("aria-pressed", "true")
    await expect(drawer.get_by_text("Saved.")).to_be_visible()
    await expect(page.locator(".toast.bad")).to_have_count(0)


async def test_undo_leaves_what_a_colleague_has_said_since(studio):
    batch, first, page = await opened(studio, 2)
    ann = await studio.stage.person("editor Ann")
    await page.get_by_label("Select all that are shown").check()
    await page.keyboard.press("a")
    said = page.locator(".toast", has_text="2 videos approved.")
    await expect(said).to_be_visible()
    path = f"/api/campaigns/{batch}/combinations/{first}"
    await ann.post(f"{path}/reject", {"reason": "Off-brand"})
    await expect(page.locator(".vid .rejected")).to_have_count(1)
    studio.expects("412")
    await said.get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("1 video was decided otherwise since")).to_be_visible()

    async def reviews():
        return [(i["review"], i["rejectReason"]) for i in await studio.stage.combinations(batch)]

    assert await reviews() == [("rejected", "Off-brand"), ("none", None)]
    await expect(page.locator(".vid .rejected")).to_have_count(1)
    await expect(page.locator(".vid .approved")).to_have_count(0)


async def test_undo_in_a_review_leaves_what_a_colleague_has_said_since(studio):
    batch, first, page = await opened(studio, 2)
    ann = await studio.stage.person("editor Ann")
    await page.goto(f"/campaigns/{batch}/review?video={first}")
    await page.keyboard.press("a")
    await expect(page.get_by_text("1 of 2 reviewed")).to_be_visible()

    async def approved():
        return (await first_of(studio, batch))["review"] == "approved"

    await until(approved, what="the approval")
    path = f"/api/campaigns/{batch}/combinations/{first}"
    await ann.post(f"{path}/reject", {"reason": "Off-brand"})
    await page.keyboard.press("k")
    await expect(page.locator(".verdict")).to_contain_text("Rejected: Off-brand")
    await page.keyboard.press("u")
    await expect(page.get_by_text("decided otherwise since")).to_be_visible()
    await expect(page.locator(".verdict")).to_contain_text("Rejected: Off-brand")
    now = await first_of(studio, batch)
    assert (now["review"], now["rejectReason"]) == ("rejected", "Off-brand")

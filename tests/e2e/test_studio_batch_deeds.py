"""What people decide and write on the batch page: kept, undone, never painted as done."""

import re

import pytest
from playwright.async_api import expect
from tests.e2e.looking import axe, no_sideways_scroll
from tests.e2e.stage import brief, until

expect.set_options(timeout=45_000)  # two cores, shared with other tests
REFUSED = {"where": "job", "fault": "fail", "code": "moderation_blocked"}


async def listed(studio, batch, videos, query=""):
    page = await studio.open(f"/campaigns/{batch}{query}")
    await expect(page.locator(".vid[data-key]")).to_have_count(videos)
    return page


async def reviews(stage, batch):
    return [(each["review"], each["rejectReason"]) for each in await stage.combinations(batch)]


async def soon(studio, batch, wanted):
    """The server has these reviews before long."""

    async def there():
        return await reviews(studio.stage, batch) == wanted

    await until(there, what=wanted, deadline_s=20)


async def test_what_the_server_did_not_take_is_not_shown_as_done(studio):
    batch = await studio.stage.made(8)
    page = await listed(studio, batch, 8)
    studio.expects("ERR_FAILED")
    asked = 0

    async def third(route):
        nonlocal asked
        asked += 1
        await (route.continue_() if asked <= 3 else route.abort())

    await page.route("**/approve", third)
    await page.get_by_label("Select all that are shown").check()
    await page.keyboard.press("a")
    said = page.locator(".toast", has_text="3 of 8 videos approved; the others are as they were")
    await expect(said).to_be_visible()
    await expect(page.locator(".vid .approved")).to_have_count(3)
    now = await reviews(studio.stage, batch)
    assert sorted(now) == [("approved", None)] * 3 + [("none", None)] * 5
    await said.get_by_role("button", name="Undo").click()
    await soon(studio, batch, [("none", None)] * 8)
    await expect(page.locator(".vid .approved")).to_have_count(0)


async def test_who_decides_at_the_same_moment_does_not_undo_what_another_said(studio):
    batch = await studio.stage.made(2)
    first = (await studio.stage.combinations(batch))[0]["combinationId"]
    page = await listed(studio, batch, 2)
    studio.expects("412")

    async def late(route):
        path = f"/api/campaigns/{batch}/combinations/{first}/reject"
        await studio.stage.owner.post(path, {"reason": "The coin is a button"})
        await route.continue_()

    await page.route(f"**/{first}/approve", late)
    await page.get_by_label("Select all that are shown").check()
    await page.keyboard.press("a")
    said = page.locator(".toast", has_text="1 of 2 videos approved; the others are as they were")
    await expect(said).to_be_visible()
    await soon(studio, batch, [("rejected", "The coin is a button"), ("approved", None)])


async def test_undo_gives_a_former_rejection_its_reason_back(studio):
    batch = await studio.stage.made(2)
    first = (await studio.stage.combinations(batch))[0]["combinationId"]
    path = f"/api/campaigns/{batch}/combinations/{first}"
    await studio.stage.owner.post(f"{path}/reject", {"reason": "The coin is a button"})
    page = await listed(studio, batch, 2)
    await page.get_by_label("Select all that are shown").check()
    await page.keyboard.press("a")
    await soon(studio, batch, [("approved", None)] * 2)
    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await soon(studio, batch, [("rejected", "The coin is a button"), ("none", None)])


async def test_a_letter_acts_only_on_what_was_pointed_at_and_a_rejection_has_a_reason(studio):
    batch = await studio.stage.made(3)
    page = await listed(studio, batch, 3)
    for key in ("a", "r"):
        await page.keyboard.press(key)
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert await reviews(studio.stage, batch) == [("none", None)] * 3
    await page.keyboard.press("j")
    await page.keyboard.press("r")
    why = page.get_by_role("dialog", name="Why is it rejected?")
    await axe(page)
    await why.get_by_role("button", name="Do not reject").click()
    await page.keyboard.press("r")
    await page.keyboard.press("2")
    await expect(page.locator(".vid .rejected")).to_have_count(1)
    await soon(studio, batch, [("rejected", "Wrong message"), *[("none", None)] * 2])
    await page.keyboard.press("Enter")
    drawer = page.locator("dialog.drawer")
    await expect(drawer).to_contain_text("Wrong message")
    await drawer.get_by_role("button", name="Next video").click()
    await drawer.get_by_role("button", name="Reject").click()
    await page.keyboard.press("1")
    await soon(
        studio,
        batch,
        [("rejected", "Wrong message"), ("rejected", "Off-brand"), ("none", None)],
    )


async def test_keys_faster_than_a_dialog_says_that_it_closed_are_not_lost(studio):
    batch = await studio.stage.made(2)
    page = await listed(studio, batch, 2)
    await page.keyboard.press("j")
    await page.keyboard.press("r")
    await expect(page.get_by_role("dialog", name="Why is it rejected?")).to_be_visible()
    # In one task: the event "close" comes only after it.
    await page.evaluate(
        """() => {
          const more = { bubbles: true, cancelable: true };
          const press = (target, key) =>
            target.dispatchEvent(new KeyboardEvent("keydown", { key, ...more }));
          document.querySelector("dialog.reasons footer button").click();
          press(document.body, "r");
          press(document.querySelector("dialog.reasons[open] button"), "2");
        }"""
    )
    await expect(page.locator(".vid .rejected")).to_have_count(1)
    await expect(page.locator("dialog.reasons")).to_have_count(0)
    await soon(studio, batch, [("rejected", "Wrong message"), ("none", None)])


# Notes.


@pytest.mark.parametrize("way", ["Escape", "the cross", "the backdrop", "the next video"])
async def test_a_note_is_kept_whichever_way_the_drawer_is_left(studio, way):
    batch = await studio.stage.made(2)
    first = (await studio.stage.combinations(batch))[0]["combinationId"]
    page = await listed(studio, batch, 2, f"?video={first}")
    drawer = page.locator("dialog.drawer")
    await drawer.get_by_label("Notes").fill("Warmer light.")
    if way == "Escape":
        await page.keyboard.press("Escape")
    elif way == "the cross":
        await drawer.get_by_role("button", name="Close (Esc)").click()
    elif way == "the backdrop":
        await page.mouse.click(40, 400)
    else:
        await drawer.get_by_role("button", name="Next video").click()

    async def kept():
        return (await studio.stage.combinations(batch))[0]["notes"] == "Warmer light."

    await until(kept, what="the note", deadline_s=20)


async def test_a_note_that_could_not_be_saved_stays_and_is_tried_again(studio, line):
    batch = await studio.stage.made(2)
    first, second = [i["combinationId"] for i in await studio.stage.combinations(batch)]
    page = await studio.open(f"/campaigns/{batch}?video={first}", at=line.url)
    studio.expects("ERR_")
    drawer = page.locator("dialog.drawer")
    notes = drawer.get_by_label("Notes")
    await notes.fill("Warmer light.")
    line.cut()
    await drawer.get_by_label("Where you have put the video").focus()
    await expect(drawer.get_by_text("Not saved.")).to_be_visible()
    await expect(notes).to_have_value("Warmer light.")
    line.mend()
    await expect(page.locator(".livemark")).to_have_text("Live")
    await drawer.get_by_role("button", name="Next video").click()
    await expect(page).to_have_url(re.compile(second))
    await expect(notes).to_have_value("")
    await drawer.get_by_role("button", name="Video before").click()
    await expect(notes).to_have_value("Warmer light.")


async def test_a_colleagues_note_does_not_overwrite_what_is_being_typed(studio):
    batch = await studio.stage.made(1)
    ann = await studio.stage.person("editor Ann")
    (first,) = [i["combinationId"] for i in await studio.stage.combinations(batch)]
    page = await studio.open(f"/campaigns/{batch}?video={first}")
    studio.expects("412")
    drawer = page.locator("dialog.drawer")
    notes = drawer.get_by_label("Notes")
    await notes.press_sequentially("Mine")
    path = f"/api/campaigns/{batch}/combinations/{first}"
    await ann.patch(path, {"notes": "Ann's note", "winner": True})
    await expect(drawer.locator(".tag", has_text="Winner")).to_be_visible()
    told = page.locator("batch-notes")
    await until(lambda: told.evaluate('e => e.told.notes === "Ann\'s note"'), what="Ann's note")
    await expect(notes).to_have_value("Mine")
    await notes.press_sequentially(" too")
    await drawer.get_by_label("Where you have put the video").focus()
    await expect(drawer.get_by_role("alert")).to_contain_text("“Ann's note” here meanwhile")
    await expect(notes).to_have_value("Mine too")
    await axe(page)
    await drawer.get_by_role("button", name="Try again").click()
    await expect(drawer.get_by_text("Saved.")).to_be_visible()
    assert (await studio.stage.combinations(batch))[0]["notes"] == "Mine too"


# Refused videos.


async def test_what_was_refused_is_edited_and_the_rest_is_not_bought_again(studio):
    following = studio.stage.sandbox.ledger()["accepted"] + 1  # jobs are counted for ever
    studio.stage.sandbox.faults(REFUSED | {"jobs": {"only": [following]}})
    batch = await studio.stage.submit(brief(12))
    await studio.stage.over(batch)
    (refused,) = [
        i["combinationId"]
        for i in await studio.stage.combinations(batch)
        if i["status"] == "failed"
    ]
    page = await listed(studio, batch, 12)
    actions = page.locator("batch-actions")
    edit = actions.get_by_role("link", name="Edit the 1 refused")
    await expect(edit).to_have_class(re.compile("primary"))
    retry = actions.get_by_role("button", name="Retry 1 failed · free")
    await expect(retry).not_to_have_class(re.compile("primary"))
    await axe(page)
    await no_sideways_scroll(page)
    await page.set_viewport_size({"width": 1440, "height": 900})
    await page.locator(f'.vid[data-key="{refused}"] .state').click()
    drawer = page.locator("dialog.drawer")
    await expect(drawer.get_by_role("link", name="Edit in a new brief")).to_be_visible()
    await page.keyboard.press("Escape")
    group = page.locator(".reasons li", has_text="Refused by the provider's moderation")
    await group.get_by_role("link", name="Edit in a new brief").click()
    note = page.locator("brief-note")
    await expect(note).to_contain_text(f"the 1 of 12 videos of {batch} that failed")
    await page.goto("/new/matrix")
    made = page.locator(".mbody > .mrow:not([data-why])")
    await expect(made).to_have_count(1)


async def test_of_several_failures_only_those_of_the_reason_are_edited(studio):
    studio.stage.sandbox.faults(
        {"where": "create", "fault": "moderation", "calls": {"only": [1]}},
        REFUSED | {"code": "bad_day", "jobs": {"every": 1}},
    )
    batch = await studio.stage.submit(brief(4))
    await studio.stage.over(batch)
    page = await listed(studio, batch, 4)
    # A retry may help some of them: it stays what the page recommends.
    retry = page.locator("batch-actions").get_by_role("button", name="Retry 4 failed · free")
    await expect(retry).to_have_class(re.compile("primary"))
    await page.get_by_role("link", name="Edit in a new brief").click()
    await expect(page.locator("brief-note")).to_contain_text("the 1 of 4 videos")

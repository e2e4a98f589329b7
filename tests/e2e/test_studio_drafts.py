"""Drafts: another brief in their place, other tabs, undos that take back no more than they say."""

import re

from playwright.async_api import expect
from tests.e2e.briefing import choose, draft, with_draft
from tests.e2e.looking import Studio
from tests.e2e.stage import brief

EARLIER = "Bring back your earlier draft"


async def test_another_brief_keeps_the_draft_for_as_long_as_it_takes(studio: Studio) -> None:
    studio.expects("422")
    batch = await studio.stage.finished(videos=3)
    page = await with_draft(studio, "/new", {**brief(4), "bigIdea": "Mine, of an hour's work"})
    await page.goto(f"/new?from={batch}")
    await expect(page.locator(".equation")).to_contain_text("3 videos")
    await page.goto("/")  # the toast with its undo is gone
    await page.goto("/new?sample=1")  # and a second brief takes the place of the first
    await expect(page.locator(".equation")).to_have_text("2 × 3 × 2 = 12 videos")
    await page.reload()
    note = page.locator(".earlier")
    await expect(note).to_contain_text("Tarn Audio: Mine, of an hour's work")
    await note.get_by_role("button", name=EARLIER).click()
    await expect(page.get_by_label("Big idea")).to_have_value("Mine, of an hour's work")
    await expect(note).to_have_count(0)  # the sample is to be had again
    await page.reload()
    await page.get_by_role("button", name="Start over").click()
    await expect(page.get_by_label("Big idea")).to_have_value("")
    await note.get_by_role("button", name="Discard the earlier draft").click()
    await expect(note).to_have_count(0)
    await page.get_by_role("button", name="Undo").last.click()
    await expect(note).to_be_visible()


async def test_the_brief_that_gives_way_is_kept_in_its_turn(studio: Studio) -> None:
    page = await with_draft(studio, "/new", {**brief(4), "bigIdea": "The first"})
    await page.goto("/new?sample=1")
    await page.get_by_label("Big idea").fill("The second, edited")
    await page.get_by_role("button", name=EARLIER).click()
    await expect(page.get_by_label("Big idea")).to_have_value("The first")
    await expect(page.locator(".earlier")).to_contain_text("The second, edited")
    await page.get_by_role("button", name=EARLIER).click()
    await expect(page.get_by_label("Big idea")).to_have_value("The second, edited")


async def test_another_tab_empties_nothing_here(studio: Studio) -> None:
    studio.expects("422")
    page = await with_draft(studio, "/new", {**brief(4), "bigIdea": "Typed here"})
    await expect(page.get_by_label("Big idea")).to_have_value("Typed here")
    other = await page.context.new_page()
    await other.goto("/new")
    await expect(other.get_by_label("Big idea")).to_have_value("Typed here")
    # The same draft in both: what is written in one is there in the other.
    await other.get_by_label("Call to action").fill("See inside")
    await expect(page.get_by_label("Call to action")).to_have_value("See inside")
    await other.get_by_role("button", name="Start over").click()
    await other.get_by_label("Big idea").fill("Another one")
    await expect(other.locator(".earlier")).to_contain_text("Typed here")
    await expect(page.get_by_label("Big idea")).to_have_value("Typed here")
    # Each tab goes on with its own, also to the next page.
    await page.reload()
    await expect(page.get_by_label("Big idea")).to_have_value("Typed here")
    await page.goto("/new/confirm")
    await expect(page.get_by_role("button", name="Generate 4 videos · free")).to_be_visible()
    await other.reload()
    await expect(other.get_by_label("Big idea")).to_have_value("Another one")


async def test_undo_of_a_way_to_fit_keeps_what_was_written_since(studio: Studio) -> None:
    studio.expects("422")
    page = await with_draft(studio, "/new", {**brief(12), "duration": 10, "budget": 40})
    notice = page.locator('[data-notice="budget"]')
    await notice.get_by_role("button", name=re.compile("^Keep only|^Drop")).first.click()
    await expect(notice).to_have_count(0)
    await page.get_by_label("Big idea").fill("Thought of later")
    await choose(page, "Mood", "Intense")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_label("Big idea")).to_have_value("Thought of later")
    kept = (await draft(page) or {})["form"]["dimensions"]
    assert kept["mood"] == ["wholesome", "intense"]
    dimensions = brief(12)["dimensions"]
    for key in ("type", "aesthetic", "funnelLevel"):
        assert sorted(kept[key]) == sorted(dimensions[key])


async def test_exclusions_that_are_removed_in_the_matrix_come_back_by_its_undo(
    studio: Studio,
) -> None:
    form = {**brief(12), "exclude": [{"aesthetic": "ugc"}]}
    page = await with_draft(studio, "/new/matrix", form)
    await page.get_by_role("button", name="Remove all exclusions").click()
    await expect(page.locator("[data-kept]")).to_have_count(0)
    await page.locator("h1").click()
    await page.keyboard.press("Control+z")
    await expect(page.locator("[data-kept]")).to_be_visible()
    assert (await draft(page) or {})["form"]["exclude"] == [{"aesthetic": "ugc"}]


async def test_the_audience_stays_open_while_somebody_chooses(studio: Studio) -> None:
    studio.expects("422")
    page = await studio.open("/new")
    await page.get_by_text("Audience", exact=True).click()
    await choose(page, "Gender", "Female")
    group = page.get_by_role("group", name=re.compile("^Gender"))
    await group.get_by_text("Female", exact=True).click()
    await expect(group.get_by_label("Female", exact=True)).not_to_be_checked()
    await expect(group).to_be_visible()
    await page.get_by_text("Audience", exact=True).click()
    await expect(group).to_be_hidden()

"""Notes and downloads of a review: nothing written is lost, what was approved is one download."""

import io
import re
import zipfile

from playwright.async_api import expect
from tests.e2e.stage import until

expect.set_options(timeout=45_000)  # two cores, shared with other tests


async def noted(studio, batch, text):
    """The server has this note of the first video before long."""

    async def there():
        return (await studio.stage.combinations(batch))[0]["notes"] == text

    await until(there, what=text, deadline_s=20)


async def test_a_note_that_could_not_be_saved_stays_and_is_tried_again(studio, line):
    batch = await studio.stage.made(2)
    page = await studio.open(f"/campaigns/{batch}/review", at=line.url)
    studio.expects("ERR_")
    notes = page.get_by_label("Notes")
    side = page.locator("review-side")
    line.cut()
    await notes.fill("Warmer light.")
    await page.get_by_role("heading", name="Review", exact=True).click()
    await expect(side.get_by_text("Not saved.")).to_be_visible()
    await expect(notes).to_have_value("Warmer light.")
    await page.keyboard.press("j")
    await expect(notes).to_have_value("")
    await page.keyboard.press("k")
    await expect(notes).to_have_value("Warmer light.")
    line.mend()
    await side.get_by_role("button", name="Try again").click()
    await noted(studio, batch, "Warmer light.")
    await expect(side.get_by_text("Saved.", exact=True)).to_be_visible()


async def test_of_two_notes_a_person_says_which_is_to_stand(studio):
    batch = await studio.stage.made(1)
    ann = await studio.stage.person("editor Ann")
    (first,) = [i["combinationId"] for i in await studio.stage.combinations(batch)]
    page = await studio.open(f"/campaigns/{batch}/review")
    # No event reaches the page, so that it cannot know what others say.
    await page.route("**/events*", lambda route: route.abort())
    await page.reload()
    await expect(page.locator("review-side pre.prompt")).to_be_visible()
    studio.expects("412", "ERR_FAILED")
    notes, side = page.get_by_label("Notes"), page.locator("review-side")
    await ann.patch(f"/api/campaigns/{batch}/combinations/{first}", {"notes": "Ann's note"})
    await notes.fill("Mine")
    await page.get_by_role("heading", name="Review", exact=True).click()
    await expect(side.get_by_role("alert")).to_contain_text("Yours was not saved.")
    await expect(notes).to_have_value("Mine")
    await side.get_by_role("button", name="Save mine instead").click()
    await noted(studio, batch, "Mine")
    await expect(notes).to_have_value("Mine")


async def test_the_approved_are_one_download_whatever_their_number(studio):
    batch = await studio.stage.made(3)
    first, *others = [i["combinationId"] for i in await studio.stage.combinations(batch)]
    path = f"/api/campaigns/{batch}/combinations"
    await studio.stage.owner.post(f"{path}/{first}/approve")
    for each in others:
        await studio.stage.owner.post(f"{path}/{each}/reject")
    page = await studio.open(f"/campaigns/{batch}/review")
    link = page.get_by_role("link", name="Download the approved")
    await expect(link).to_have_attribute("href", re.compile(r"files\.zip\?review=approved$"))
    async with page.expect_download() as coming:
        await link.click()
    archive = zipfile.ZipFile(io.BytesIO((await (await coming.value).path()).read_bytes()))
    (film,) = [name for name in archive.namelist() if name.endswith(".mp4")]
    assert first in film

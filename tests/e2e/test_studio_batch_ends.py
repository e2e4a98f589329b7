"""How a batch page ends: on paper, and where its campaign is deleted under it."""

from playwright.async_api import expect
from tests.e2e.stage import until


async def test_the_report_on_paper_has_every_video_with_its_status_and_cost(studio):
    batch = await studio.stage.finished(12)
    page = await studio.open(f"/campaigns/{batch}?view=grid&status=queued")
    await expect(page.get_by_text("No video fits")).to_be_visible()
    await page.evaluate("() => { globalThis.print = () => { globalThis.printed = true } }")
    await page.get_by_role("button", name="Download").first.click()
    await page.get_by_role("button", name="Print the batch report").click()
    await until(lambda: page.evaluate("globalThis.printed === true"))
    await page.emulate_media(media="print")
    rows = page.locator(".report tbody tr")
    await expect(rows).to_have_count(12)
    await expect(rows.first).to_contain_text("Completed")
    await expect(rows.first).to_contain_text("free")
    await expect(page.locator(".report dl")).to_contain_text("12 of 12 finished")
    await expect(page.locator(".report dl")).to_contain_text("Forecast")
    for word in ("Charged", "Reserved", "$0.00"):
        await expect(page.locator(".report")).not_to_contain_text(word)
    await expect(page.locator("batch-list")).not_to_be_visible()


async def test_a_deleted_campaign_says_so_where_it_is_still_watched(studio):
    batch = await studio.stage.made(1)
    page = await studio.open(f"/campaigns/{batch}")
    await expect(page.locator(".livemark")).to_have_text("Live")
    campaign = await studio.stage.owner.get(f"/api/campaigns/{batch}")
    answer = await studio.stage.owner.client.delete(
        f"/api/campaigns/{batch}", headers={"If-Match": f'"{campaign["version"]}"'}
    )
    assert answer.is_success, answer.text
    await expect(page.get_by_text("This campaign was deleted")).to_be_visible()

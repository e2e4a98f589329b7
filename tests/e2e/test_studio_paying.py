"""An order for real money in a browser: what the buyer is told, what is set aside, what comes."""

import pytest_asyncio
from playwright.async_api import expect
from tests.e2e import stage as stages
from tests.e2e.briefing import with_draft
from tests.e2e.looking import Studio, axe
from tests.e2e.stage import PAID_SECONDS, brief

FAILS = {"where": "job", "fault": "fail", "code": "moderation_blocked"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def till():
    """An installation whose provider charges."""
    async with stages.opened(paying=True) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def shop(till, machine_browser):
    """Pages of this test at that installation."""
    studio = Studio(stage=till, browser=machine_browser)
    yield studio
    till.sandbox.faults()
    await studio.close()


async def test_an_order_for_real_money(shop):
    form = brief(4, duration=PAID_SECONDS, budget=20)
    page = await with_draft(shop, "/new", form)
    await expect(page.locator(".summary .sum")).to_have_text("$8.00")
    await expect(page.locator(".summary")).not_to_contain_text("free")
    await expect(page.get_by_text("Made and charged by openai-videos.")).to_be_visible()
    await page.goto("/new/confirm")
    terms = page.get_by_role("region", name="Who makes them, and when")
    await expect(terms).to_contain_text("This is real money")
    await expect(page.get_by_role("region", name="What it costs")).to_contain_text(
        "Your provider's bill decides."
    )
    card = page.locator(".moneycard")
    await expect(card.locator(".sum")).to_have_text("$8.00")
    await expect(card).to_contain_text("Set aside now, charged video by video.")
    await axe(page)
    name = await page.get_by_label("Name of the batch").input_value()
    await page.get_by_role("button", name="Generate 4 videos · $8.00").click()
    await page.wait_for_url(f"**/campaigns/{name}")
    await expect(page.get_by_role("heading", name="All 4 videos are made")).to_be_visible(
        timeout=stages.PATIENCE_S * 1000
    )
    spend = (await shop.stage.status(name))["spend"]
    assert (spend["actual"], spend["committed"], spend["reserved"]) == (8, 8, 0)
    assert shop.stage.sandbox.ledger()["accepted"] == 4

    await page.goto("/")
    row = page.locator("campaign-row")
    await expect(row.locator(".cost")).to_contain_text("$8.00 of $20.00")
    await expect(row.locator(".cost")).not_to_contain_text("free")
    await expect(page.locator(".moneyline")).to_contain_text("Committed today")
    await page.goto("/settings/providers")
    own = page.get_by_role("article", name="openai-videos")
    await expect(own).to_contain_text("in the generic dialect of /v1/videos")
    await expect(own).not_to_contain_text("sk-nobody")


async def test_where_videos_are_charged_the_batch_page_names_the_sums(shop):
    following = shop.stage.sandbox.ledger()["accepted"] + 1  # jobs are counted for ever
    shop.stage.sandbox.faults(FAILS | {"jobs": {"only": [following]}})
    batch = await shop.stage.submit(brief(3, duration=PAID_SECONDS))
    await shop.stage.over(batch)
    page = await shop.open(f"/campaigns/{batch}")
    await expect(page.locator("batch-header .facts")).to_contain_text("Charged")
    await expect(page.locator("batch-header")).to_contain_text("of $6.00 estimated")
    await expect(page.locator("main")).not_to_contain_text("free")
    await expect(page.locator('.vid[data-status="completed"] .cost').first).to_have_text("$2.00")
    group = page.locator(".reasons li", has_text="Refused by the provider's moderation")
    await expect(group.get_by_role("button", name="Retry anyway 1 · $2.00")).to_be_visible()
    await page.locator("batch-actions").get_by_role("button", name="Retry 1 failed · $2.00").click()
    sure = page.get_by_role("dialog", name="Retry 1 failed video?")
    await expect(sure).to_contain_text("Each is a new order at $2.00, within your budgets.")
    await shop.stage.owner.post(f"/api/batch/{batch}/pause")
    await sure.get_by_role("button", name="Retry 1 failed · $2.00").click()
    reserved = page.locator("batch-header .facts > div", has_text="Reserved")
    await expect(reserved).to_contain_text("$2.00")
    await page.get_by_role("button", name="More").click()
    await page.get_by_role("button", name="Cancel all that is left").click()
    sure = page.get_by_role("dialog", name="Cancel what is left of this batch?")
    await expect(sure).to_contain_text("1 video still waits and costs nothing: $2.00 is given back")
    await sure.get_by_role("button", name="Cancel 1 video · saves $2.00").click()
    await expect(page.get_by_text("This batch was cancelled")).to_be_visible()

"""An order for real money in a browser: what the buyer is told, what is set aside, what comes."""

import pytest_asyncio
from playwright.async_api import expect
from tests.e2e import stage as stages
from tests.e2e.briefing import with_draft
from tests.e2e.looking import Studio, axe
from tests.e2e.stage import PAID_SECONDS, brief


@pytest_asyncio.fixture(loop_scope="session")
async def shop(machine_browser):
    """An installation whose provider charges."""
    async with stages.opened(paying=True) as opened:
        studio = Studio(stage=opened, browser=machine_browser)
        yield studio
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

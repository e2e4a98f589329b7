"""The last look before the order: what it costs, what stands in its way, and figures of now."""

import re

from playwright.async_api import expect
from tests.e2e.briefing import asked_once, with_draft
from tests.e2e.looking import NARROW, Studio, axe
from tests.e2e.stage import brief

FREE = "Generate 4 videos · free"


async def test_above_the_budget_nothing_can_be_ordered_and_the_card_says_why(
    studio: Studio,
) -> None:
    page = await with_draft(studio, "/new/confirm", {**brief(4), "budget": 0.5})
    sent = await asked_once(page, "/api/generate-batch")
    button = page.get_by_role("button", name=FREE)
    await expect(button).to_have_attribute("aria-disabled", "true")
    why = page.locator("#too-dear")
    await expect(why).to_contain_text("$4.00 is $3.50 above this campaign's budget ($0.50).")
    await expect(why.get_by_role("link", name="Change the brief")).to_be_visible()
    await expect(why.get_by_role("link", name="Raise a budget")).to_have_count(0)
    await button.click(force=True)
    await axe(page)
    assert sent == []


async def test_the_last_look_follows_budgets_while_somebody_thinks(studio: Studio) -> None:
    owner = studio.stage.owner
    page = await with_draft(studio, "/new/confirm", brief(4))
    button = page.get_by_role("button", name=FREE)
    await expect(button).to_have_attribute("aria-disabled", "false")
    sent = await asked_once(page, "/api/plan")
    try:
        await owner.patch("/api/budget", {"dailyBudget": 0})
        await page.evaluate("dispatchEvent(new Event('focus'))")  # they come back from elsewhere
        today = page.locator('[data-budget="Today, all campaigns"]')
        await expect(today).to_contain_text("too much for $0.00")
        await expect(button).to_have_attribute("aria-disabled", "true")
        raise_it = page.get_by_role("link", name="Raise a budget")
        await expect(raise_it).to_have_attribute("href", "/settings/budgets")
        assert len(sent) == 1  # the finish, too, is that of now
    finally:
        await owner.patch("/api/budget", {"dailyBudget": None})
    await page.evaluate("dispatchEvent(new Event('focus'))")
    await expect(button).to_have_attribute("aria-disabled", "false")


async def test_the_last_look_is_renewed_each_minute(studio: Studio) -> None:
    page = await with_draft(studio, "/", brief(4))
    await page.clock.install()
    await page.goto("/new/confirm")
    await expect(page.get_by_role("button", name=FREE)).to_be_visible()
    async with page.expect_response("**/api/plan"):
        await page.clock.run_for(61_000)


async def test_figures_that_may_be_old_are_called_so(studio: Studio) -> None:
    studio.expects("Failed to load resource")
    page = await with_draft(studio, "/new/confirm", brief(4))
    await expect(page.get_by_role("button", name=FREE)).to_be_visible()
    await page.route("**/api/plan", lambda route: route.abort())
    await page.evaluate("dispatchEvent(new Event('focus'))")
    await expect(page.get_by_text("these figures may be old")).to_be_visible()
    await page.unroute("**/api/plan")  # it asks again by itself
    await expect(page.get_by_text("these figures may be old")).to_have_count(0)


async def test_what_is_free_is_said_large_and_the_sum_is_a_forecast(studio: Studio) -> None:
    page = await with_draft(studio, "/new", brief(4))
    for path in ("/new", "/new/matrix"):
        await page.goto(path)
        await expect(page.locator(".summary .sum")).to_have_text("free")
        await expect(page.locator(".summary .moneycard")).to_contain_text("Forecast $4.00")
    await page.goto("/new/confirm")
    await expect(page.locator(".moneycard .sum")).to_have_text("free")
    await expect(page.locator(".moneycard")).to_contain_text("Forecast $4.00")
    bill = page.get_by_role("region", name="What it costs")
    await expect(bill).to_contain_text("Spotloom's own planning rate, $5.00 per 10 s")
    await expect(bill).not_to_contain_text("specification")


async def test_on_a_phone_the_sum_and_the_button_are_in_sight(studio: Studio) -> None:
    page = await with_draft(studio, "/new/confirm", brief(4), width=NARROW, height=844)
    button = page.get_by_role("button", name=FREE)
    await expect(button).to_be_in_viewport(ratio=1)
    await expect(page.locator(".moneycard .sum")).to_be_in_viewport(ratio=1)
    tabs = await page.locator(".tabs").bounding_box()
    found = await button.bounding_box()
    assert tabs
    assert found
    assert found["y"] + found["height"] <= tabs["y"]
    await page.get_by_label("Name of the batch").scroll_into_view_if_needed()
    await expect(button).to_be_in_viewport(ratio=1)
    await page.keyboard.press("End")
    await expect(page.get_by_text(re.compile("sent twice under one name"))).to_be_in_viewport()

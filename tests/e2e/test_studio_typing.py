"""What is being typed stays as it is, and the focus where it is, whatever arrives meanwhile."""

import asyncio
import re
from typing import Any

from playwright.async_api import Page, expect
from tests.e2e.briefing import with_draft
from tests.e2e.looking import Studio
from tests.e2e.stage import brief

expect.set_options(timeout=45_000)  # two cores, shared with other tests


async def with_another_time(page: Page, *, release: asyncio.Event | None = None) -> None:
    """From now on a plan takes 100 minutes, so that it can be seen; none comes before `release`."""

    async def told(route: Any) -> None:
        answer = await route.fetch()
        if release:
            await release.wait()
        plan = await answer.json()
        await route.fulfill(response=answer, json={**plan, "expectedSeconds": 6000})

    await page.route("**/api/plan", told)


async def renewed(page: Page) -> None:
    """The last look is renewed, as when somebody comes back to it."""
    await page.evaluate("dispatchEvent(new Event('focus'))")
    await expect(page.get_by_text("About 1 h 40 min")).to_be_visible()


async def test_a_name_is_not_wiped_while_it_is_typed(studio: Studio) -> None:
    page = await with_draft(studio, "/new/confirm", brief(4))
    name = page.get_by_label("Name of the batch")
    await expect(name).to_have_value(re.compile("^tarn-audio-"))
    given = await name.input_value()
    await name.fill("spring-te")
    await with_another_time(page)
    await renewed(page)
    await expect(name).to_have_value("spring-te")
    await name.press_sequentially("st")
    await name.blur()
    await expect(name).to_have_value("spring-test")
    await name.fill(" ")
    await name.blur()  # a batch has a name
    await expect(name).to_have_value(re.compile("^tarn-audio-"))
    await expect(name).not_to_have_value(given)


async def test_a_length_is_not_reset_while_it_is_typed(studio: Studio) -> None:
    page = await with_draft(studio, "/new", brief(4))
    await expect(page.locator(".summary")).to_contain_text("at a time")
    release = asyncio.Event()
    await with_another_time(page, release=release)
    await page.get_by_label("Big idea").fill("Another idea")
    seconds = page.get_by_label("Length in seconds")
    await seconds.fill("")
    release.set()
    await expect(page.locator(".summary")).to_contain_text("About 1 h 40 min")
    await expect(seconds).to_have_value("")
    await seconds.blur()
    await expect(seconds).to_have_value("2")


async def test_a_refusal_takes_the_focus_once(studio: Studio) -> None:
    studio.expects("409")
    batch = await studio.stage.submit(brief(1))
    page = await with_draft(studio, "/new/confirm", brief(4))
    name = page.get_by_label("Name of the batch")
    await name.fill(batch)
    await name.blur()
    await page.get_by_role("button", name="Generate 4 videos").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    await name.focus()
    await with_another_time(page)
    await renewed(page)
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(name).to_be_focused()
    await studio.stage.over(batch)


async def test_a_search_keeps_its_spaces(studio: Studio) -> None:
    batch = await studio.stage.finished(12)
    page = await studio.open(f"/campaigns/{batch}")
    find = page.get_by_label("Find videos")
    await find.press_sequentially("storytime ")
    await expect(page).to_have_url(re.compile("q=storytime$"))
    await expect(find).to_have_value("storytime ")
    await find.press_sequentially("cinema")
    await expect(page).to_have_url(re.compile(r"q=storytime\+cinema$"))
    wanted = [
        row["combinationId"]
        for row in await studio.stage.combinations(batch)
        if row["values"]["type"] == "storytime" and row["values"]["aesthetic"] == "cinema"
    ]
    found = page.locator(".vid[data-key]")
    await expect(found).to_have_count(len(wanted))
    # Spaces alone look for nothing.
    await find.fill("  ")
    await expect(found).to_have_count(12)
    await expect(page).to_have_url(re.compile(f"{batch}$"))

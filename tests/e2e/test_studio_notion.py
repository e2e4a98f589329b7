"""Notion in the studio: how a batch's pages stand, a video's own page, and pairing a webhook."""

import asyncio

import pytest
import pytest_asyncio
from playwright.async_api import expect
from tests.e2e import stage as stages
from tests.e2e.looking import Studio, axe, no_sideways_scroll
from tests.e2e.stage import brief, until
from tests.integration.notion_peer import running


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    with running.running(tmp_path_factory.mktemp("notion")) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def connected(peer):
    """A served Spotloom whose videos are shown in Notion."""
    settings = {"NOTION_API_KEY": peer.token, "NOTION_BASE_URL": peer.url}
    async with stages.opened(settings=settings) as stage:
        await stage.owner.post("/api/notion/setup", {"page": peer.home})
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def studio(connected, machine_browser):
    opened = Studio(stage=connected, browser=machine_browser)
    yield opened
    await opened.close()


async def test_a_batch_says_how_its_pages_stand_and_why_one_was_refused(studio, peer):
    batch = await studio.stage.made(3)
    page = await studio.open(f"/campaigns/{batch}")
    told = page.get_by_role("region", name="Pages in Notion")
    await expect(told).to_contain_text("Notion: 3 of 3 pages up to date")
    peer.faults(rules=[{"where": "updatePage", "fault": "status", "status": 400}])
    row = (await studio.stage.combinations(batch))[1]
    where = f"/api/campaigns/{batch}/combinations/{row['combinationId']}"
    await studio.stage.owner.patch(where, {"notes": "The best one."})
    await expect(told).to_contain_text("Notion: 2 of 3 pages up to date, 1 blocked")
    await told.get_by_text("Why Notion did not take one page").click()
    await expect(told).to_contain_text("(400 ")
    await axe(page)
    await no_sideways_scroll(page)
    await told.get_by_role("button", name="No. 2").click()
    link = page.get_by_role("dialog").get_by_role("link", name="Open its page")
    address = f"https://www.notion.so/{row['notionPageId'].replace('-', '')}"
    await expect(link).to_have_attribute("href", address)


async def test_a_batch_says_nothing_of_notion_where_it_is_not_connected(stage, machine_browser):
    studio = Studio(stage=stage, browser=machine_browser)
    page = await studio.open(f"/campaigns/{await stage.finished(4)}")
    await expect(page.locator("batch-header")).to_be_visible()
    await expect(page.get_by_role("region", name="Pages in Notion")).to_have_count(0)
    await studio.close()


async def test_a_webhook_is_verified_with_the_token_that_is_shown_once(studio, peer):
    peer.faults()
    owner = studio.stage.owner
    page = await studio.open("/settings/notion")
    await page.get_by_role("button", name="Open the pairing").click()
    await expect(page.get_by_text("Waits until")).to_be_visible()
    address = await page.get_by_label("The webhook").input_value()
    subscription = await asyncio.to_thread(peer.subscribe, address)
    await page.get_by_role("button", name="Show the token").click()
    shown = page.get_by_role("dialog", name="Verify the webhook in Notion")
    token = await shown.get_by_label("The verification token", exact=True).input_value()
    await axe(page)
    await shown.get_by_role("button", name="I have it").click()
    await expect(page.get_by_text("Paired", exact=True)).to_be_visible()
    await expect(page.get_by_role("button", name="Show the token")).to_have_count(0)
    # Notion sends nothing before it has the token back.
    peer.verify(subscription, token)
    batch = await studio.stage.submit(brief(1))
    await studio.stage.over(batch)

    async def row():
        (one,) = await studio.stage.combinations(batch)
        return one

    async def there():
        return (await row())["notionPageId"]

    peer.edit(await until(there), {"Notes": {"rich_text": [{"text": {"content": "Good."}}]}})

    async def came():
        return (await row())["notes"] == "Good."

    await until(came, what="the note", deadline_s=20)  # it is asked for after 30 s
    assert await owner.get("/api/notion")

"""The whole way of a marketer: from the sign-in link to the approved files."""

import hashlib
import io
import re
import zipfile

import pytest_asyncio
from playwright.async_api import expect
from tests.e2e import stage as stages
from tests.e2e.looking import Studio
from tests.e2e.stage import until

BATCH = "spring"
SECONDS = 2  # instead of the sample's ten, so that the test is done sooner


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fresh():
    """An installation on which nothing has been made yet."""
    async with stages.opened() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def alone(fresh, machine_browser):
    """Pages of that installation."""
    opened = Studio(stage=fresh, browser=machine_browser)
    yield opened
    await opened.close()


async def test_from_the_sign_in_link_to_the_approved_files(alone):
    # The plan of a brief while a field of it is being written; a page that is being left.
    alone.expects("422", "401")
    page = await entered(alone)
    struck = await written(page)
    await ordered(page)
    ledger = alone.stage.sandbox.ledger()
    assert (ledger["accepted"], ledger["peakConcurrent"] <= 4) == (10, True)
    downloaded = await reviewed(page)

    kept = await alone.stage.combinations(BATCH)
    assert not {each["combinationId"] for each in kept} & set(struck)
    approved = [each for each in kept if each["review"] == "approved"]
    assert (len(kept), len(approved)) == (10, 9)
    with zipfile.ZipFile(io.BytesIO(downloaded.read_bytes())) as files:
        films = [name for name in files.namelist() if name.endswith(".mp4")]
        assert {*files.namelist()} - {*films} == {"manifest.json"}
        found = {hashlib.sha256(files.read(name)).hexdigest() for name in films}
        assert len(films) == 9
    # The quick sandbox draws one film for all; that each is whole and its own is test_demo's.
    assert found == {each["files"]["video"]["sha256"] for each in approved}

    await left(page)


async def entered(alone):
    """The home page, after the way in that nobody else has."""
    page = await alone.open("/campaigns/nowhere", who=None)
    await expect(page).to_have_url(re.compile(r"/sign-in\?after="))  # nobody is let in
    link = await alone.stage.login_link()
    await page.goto(link)
    await page.wait_for_url(f"{alone.stage.url}/")
    return page


async def written(page):
    """Write the brief, and strike out two of its videos; their ids."""
    await expect(page.get_by_role("heading", name="Welcome to Spotloom")).to_be_visible()
    await page.get_by_role("link", name="Start with the sample brief").click()
    await page.wait_for_url("**/new?sample=1")
    await expect(page.get_by_role("textbox", name="Brand")).to_have_value("Tarn Audio")
    await expect(page.locator(".equation")).to_have_text("2 × 3 × 2 = 12 videos")
    await page.get_by_label("Length in seconds").fill(str(SECONDS))
    await expect(page.locator(".summary .sum")).to_have_text("free")
    await expect(page.locator(".summary .forecast")).to_have_text("Forecast $12.00")

    await page.get_by_role("button", name="See the matrix of 12 videos").click()
    await page.wait_for_url("**/new/matrix")
    rows = page.locator(".mbody > .mrow:visible")
    await expect(rows).to_have_count(12)
    struck = []
    for number in (0, 7):
        struck.append(await rows.nth(number).get_attribute("data-id"))
        await rows.nth(number).get_by_role("button", name=re.compile("^Exclude")).click()
    await page.get_by_role("link", name="Go on with 10 videos").click()
    await page.wait_for_url("**/new/confirm")
    return struck


async def ordered(page):
    """Confirm, and watch until all are made."""
    await page.get_by_label("Name of the batch").fill(BATCH)
    await page.get_by_label("Name of the batch").blur()
    await page.get_by_role("button", name="Generate 10 videos · free").click()
    await page.wait_for_url(f"**/campaigns/{BATCH}")
    await expect(page.get_by_role("heading", name="All 10 videos are made")).to_be_visible(
        timeout=stages.PATIENCE_S * 1000
    )


async def reviewed(page):
    """Decide about each, and download the approved; where that file is."""
    await page.get_by_role("link", name="Review 10 finished").click()
    await expect(page).to_have_title("0 of 10 reviewed · Tarn Audio · Spotloom")
    await until(lambda: page.evaluate("() => document.querySelector('video')?.readyState === 4"))
    for _ in range(8):
        await page.keyboard.press("a")
    await page.keyboard.press("r")
    await page.keyboard.press("1")
    await page.keyboard.press("w")
    await page.keyboard.press("a")
    await expect(page.get_by_text("All 10 are reviewed:")).to_be_visible()
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name="Download the approved").click()
    path = await (await waiting.value).path()
    await expect(page.get_by_text("9 approved, 1 rejected, 1 winner.")).to_be_visible()
    return path


async def left(page):
    """Find the campaign again, and sign out."""
    await page.get_by_role("link", name="Campaigns", exact=True).first.click()
    row = page.get_by_role("article", name=re.compile("The headphones you mend"))
    await expect(row).to_contain_text("Finished")
    assert await row.get_by_role("link").first.get_attribute("href") == f"/campaigns/{BATCH}"
    await page.get_by_role("button", name="Account and theme").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in*")
    await page.goto(f"/campaigns/{BATCH}/review")
    await expect(page).to_have_url(re.compile(r"/sign-in\?after="))

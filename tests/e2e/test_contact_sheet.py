"""The contact sheet works in a real browser, from a folder, with nothing but what lies in it."""

import asyncio
import hashlib
import os
import shutil

import pytest
from playwright.async_api import async_playwright
from tests.unit.cli import made
from tests.unit.media.videos import make_video

from spotloom.cli.export import export
from spotloom.contract.combinations import Failure
from spotloom.creative.status import Status
from spotloom.media.stills import inspect
from spotloom.media.store import Store, key_for

pytestmark = pytest.mark.skipif(
    os.environ.get("SPOTLOOM_NO_BROWSER") == "1", reason="SPOTLOOM_NO_BROWSER=1 was said"
)

EVIL = '</script><script>document.title = "taken"</script><img src=x onerror="document.title=1">'
PROMPT = f"Idea: A coin & a screw.\nLook: {EVIL}\nFormat: One finished ad of 10 seconds."


def film(folder):
    """A real film and its stills, as the store would hold them."""
    path = make_video(folder / "video.mp4", size=(144, 256), frames=240)
    seen = inspect(path, folder)
    return {"video": path, "poster": seen.poster, "sprite": seen.sprite}


async def stored(store, video, paths):
    files = {}
    for kind, path in paths.items():
        key = key_for("campaign", video.combination_id, 1, path.name)
        await store.put_file(key, path, content_type="video/mp4")
        content = path.read_bytes()
        files[kind] = made.file(
            url=key,
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
            width=144,
            height=256,
            seconds=10.0,
        )
    return video.model_copy(update={"files": files})


@pytest.fixture
async def folder(tmp_path):
    """Two aesthetics by two types, one of the four refused by the provider."""
    store = Store.open(str(tmp_path / "store"))
    paths = await asyncio.to_thread(film, tmp_path)
    videos = []
    for aesthetic in ("ugc", "cinema"):
        for kind in ("storytime", "listicle"):
            chosen = {"aesthetic": aesthetic, "type": kind}
            video = made.video(prompt=f"{PROMPT}\nStory: {kind}.", chosen=chosen)
            videos.append(await stored(store, video, paths))
    refused = Failure(code="moderation", message="The provider refused the prompt.")
    videos[3] = videos[3].model_copy(
        update={"status": Status.FAILED, "files": {}, "actual_cost": None, "error": refused}
    )
    out = tmp_path / "an export"
    campaign = made.campaign(provider="sandbox", brief={"brand": EVIL, "bigIdea": EVIL})
    await export(campaign, videos, fetch=lambda f, to: store.fetch(f.url, to), folder=out)
    return out


@pytest.fixture
async def browser():
    chromium = os.environ.get("SPOTLOOM_TEST_CHROMIUM") or shutil.which("chromium")
    assert chromium, "no chromium on PATH: install one, or set SPOTLOOM_NO_BROWSER=1"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser, folder):
    """The sheet, opened; afterwards it must have been quiet and have stayed in its folder."""
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    await page.goto((folder / "index.html").as_uri())
    yield page
    here = folder.as_uri()
    assert said == []
    assert [url for url in asked if not url.startswith((f"{here}/", "data:"))] == []


@pytest.fixture
def playing(page, wait_until_async):
    """`await playing()`: how many videos there are, once one has begun."""

    async def begun():
        # Not wait_for_function: it evaluates text in the page, whose policy forbids that.
        time = "document.querySelector('video')?.currentTime > 0.1"
        await wait_until_async(lambda: page.evaluate(time), 60)
        return await page.locator("video").count()

    return begun


async def focused(page):
    return await page.evaluate("document.activeElement.getAttribute('aria-label')")


async def test_a_film_plays_in_place_and_never_two(page, playing):
    cards = page.locator("li.card")
    await cards.nth(0).locator("a.frame").click()
    assert await playing() == 1
    assert await cards.nth(0).locator("video").count() == 1
    await cards.nth(1).locator("a.frame").click()
    assert await playing() == 1
    assert await cards.nth(1).locator("video").count() == 1
    assert await cards.nth(0).locator("a.frame").is_visible()


async def test_the_keyboard_plays_and_stops(page, playing):
    first = page.locator("a.frame").first
    for key in ("Enter", " "):
        await first.focus()
        await page.keyboard.press(key)
        assert await playing() == 1
        await page.keyboard.press("Escape")
        assert await page.locator("video").count() == 0
        assert await focused(page) == "Play UGC, Storytime"


async def test_a_film_that_ends_gives_its_picture_back(page, playing):
    await page.locator("a.frame").first.click()
    await playing()
    await page.locator("video").wait_for(state="detached", timeout=60_000)
    assert await page.locator("a.frame").first.is_visible()


async def test_the_pointer_scrubs_through_the_film(page):
    frame = page.locator("a.frame").first
    await frame.hover(position={"x": 10, "y": 100})
    await frame.locator(".scrub").wait_for(state="attached")
    box = await frame.bounding_box()
    places = []
    for share in (0.1, 0.9):
        await page.mouse.move(box["x"] + box["width"] * share, box["y"] + 90)
        scrub = frame.locator(".scrub")
        places.append(await scrub.evaluate("e => e.style.backgroundPosition"))
    assert places == ["50% 0%", "50% 100%"]  # the third of 25 cells, and the twenty-third


async def test_filters_and_words_narrow_what_is_shown(page):
    count, shown = page.locator("output"), page.locator("li.card:visible")

    async def press(name):
        await page.get_by_role("button", name=name, exact=True).click()

    assert await count.inner_text() == "4 of 4 shown"
    await press("UGC")
    assert await count.inner_text() == "2 of 4 shown"
    await press("Storytime")
    assert (await count.inner_text(), await shown.count()) == ("1 of 4 shown", 1)
    await press("Listicle")
    assert await count.inner_text() == "2 of 4 shown"
    await page.get_by_role("searchbox").fill("COIN story: listicle")
    assert await count.inner_text() == "1 of 4 shown"
    await page.get_by_role("searchbox").fill("nothing has this")
    assert await page.get_by_text("No video matches.").is_visible()
    await page.locator(".bar").get_by_role("button", name="Clear").click()
    assert (await count.inner_text(), await shown.count()) == ("4 of 4 shown", 4)
    await press("Failed")
    assert await shown.locator(".state").inner_text() == (
        "✕\nFailed\nThe provider refused the prompt."
    )


async def test_a_prompt_opens_and_is_copied_as_it_was_sent(page):
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    card = page.locator("li.card").first
    await card.get_by_role("button", name="Prompt", exact=True).click()
    assert f"Look\n{EVIL}" in (await card.locator(".prompt").inner_text()).replace("\n\n", "\n")
    await card.get_by_role("button", name="Copy prompt").click()
    await page.get_by_text("Prompt copied.").wait_for(state="attached")
    assert await page.evaluate("navigator.clipboard.readText()") == f"{PROMPT}\nStory: storytime."


async def test_a_hostile_brief_takes_nothing_over(page):
    assert EVIL in await page.locator("h1").inner_text()
    assert await page.title() == f"{EVIL} · 4 videos"
    assert await page.locator("h1 img, .prompt img").count() == 0
    assert await page.get_by_text("not AI footage").is_visible()


async def test_without_scripts_every_film_is_a_link(browser, folder):
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto((folder / "index.html").as_uri())
    names = await page.locator("a.frame").evaluate_all("all => all.map(a => a.href)")
    present = {path.as_uri() for path in folder.glob("*.mp4")}
    assert set(names) == present
    assert len(present) == 3
    assert await page.locator("input, button[data-copy]").locator("visible=true").count() == 0


@pytest.mark.parametrize("width", [360, 390, 768, 1440])
async def test_nothing_runs_over_the_edge(width, page):
    await page.set_viewport_size({"width": width, "height": 800})
    assert await page.evaluate("document.documentElement.scrollWidth") <= width

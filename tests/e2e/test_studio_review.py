"""Reviewing a campaign's videos in the studio, by keyboard, by thumb, and beside somebody else."""

import re

import pytest
import pytest_asyncio
from playwright.async_api import expect
from tests.e2e.looking import axe, no_sideways_scroll
from tests.e2e.stage import until

VIDEOS = 6


UNSAID = {"review": "none", "rejectReason": None, "winner": False, "notes": None}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def made(stage):
    """A finished campaign of this module's own."""
    return await stage.made(VIDEOS)


@pytest_asyncio.fixture(loop_scope="session")
async def batch(studio, made):
    """That campaign, as if nobody had said anything of it yet."""
    for row in await studio.stage.combinations(made):
        if {name: row[name] for name in UNSAID} != UNSAID:
            path = f"/api/campaigns/{made}/combinations/{row['combinationId']}"
            await studio.stage.owner.patch(path, UNSAID)
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def stored(studio, batch):
    """`await stored()`: what the server has, in the order of the matrix."""

    async def ask(*names):
        rows = await studio.stage.combinations(batch)
        return [tuple(row[name] for name in names) if names else row for row in rows]

    return ask


async def opened(studio, batch, query="", **more):
    page = await studio.open(f"/campaigns/{batch}/review{query}", **more)
    await expect(page.get_by_role("heading", name="Review", exact=True)).to_be_visible()
    return page


def key_of(page):
    """Which video is looked at, as the address says."""
    return re.search(r"[?&]video=(\w+)", page.url)[1]


async def soon(ask, *, what):
    """A condition of the server's that the page brings about by itself."""
    return await until(ask, what=what, deadline_s=15)


async def test_a_whole_review_by_keyboard_alone(studio, batch, stored):
    page = await opened(studio, batch)
    keys = [row["combinationId"] for row in await stored()]
    press = page.keyboard.press
    await expect(page).to_have_title(f"0 of {VIDEOS} reviewed · Tarn Audio · Spotloom")
    await press("a")
    await press("r")
    await expect(page.get_by_role("dialog", name="Why is it rejected?")).to_be_visible()
    await press("3")
    await press("r")
    await press("5")
    await page.keyboard.type("The coin is a button")
    await press("Enter")
    await press("w")
    await press("a")
    await press("n")
    await page.keyboard.type("Shorter, please.")
    await press("Escape")
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await press("ArrowRight")
    await expect(page).to_have_url(re.compile(f"video={keys[5]}"))
    await press("k")
    await expect(page).to_have_url(re.compile(f"video={keys[4]}"))
    await expect(page.get_by_text(f"4 of {VIDEOS} reviewed")).to_be_visible()

    async def all_stored():
        return await stored("review", "rejectReason", "winner", "notes") == [
            ("approved", None, False, None),
            ("rejected", "Visual glitch", False, None),
            ("rejected", "The coin is a button", False, None),
            ("approved", None, True, None),
            ("none", None, False, "Shorter, please."),
            ("none", None, False, None),
        ]

    await soon(all_stored, what="all that was said")
    await press("?")
    await expect(page.get_by_role("dialog", name="Keyboard")).to_contain_text("Approve")


async def test_the_last_decision_is_taken_back(studio, batch, stored):
    page = await opened(studio, batch)
    first = key_of(page)
    await page.keyboard.press("r")
    await page.keyboard.press("1")
    await page.keyboard.press("a")
    await page.keyboard.press("u")
    await page.keyboard.press("k")
    await expect(page.locator(".verdict")).to_contain_text("Rejected: Off-brand")
    await page.keyboard.press("a")
    await page.get_by_role("button", name="Undo").click()
    await expect(page).to_have_url(re.compile(f"video={first}"))
    await expect(page.locator(".verdict")).to_contain_text("Rejected: Off-brand")

    async def as_before():
        return (await stored("review", "rejectReason"))[:2] == [
            ("rejected", "Off-brand"),
            ("none", None),
        ]

    await soon(as_before, what="the decisions as they were")
    await page.keyboard.press("u")
    await page.keyboard.press("u")
    await expect(page.get_by_text("Nothing to undo.")).to_be_visible()
    await expect(page.get_by_text(f"0 of {VIDEOS} reviewed")).to_be_visible()


async def test_somebody_who_was_quicker_is_named_and_not_overwritten(studio, batch, stored):
    ann = await studio.stage.person("editor Ann")
    page = await opened(studio, batch)
    # No event reaches the page, so that it cannot know what others say.
    await page.route("**/events*", lambda route: route.abort())
    await page.reload()
    await expect(page.locator("review-side pre.prompt")).to_be_visible()
    first, second = [row["combinationId"] for row in await stored()][:2]
    path = f"/api/campaigns/{batch}/combinations"
    studio.expects("412", "ERR_FAILED")
    await ann.post(f"{path}/{first}/approve")
    await page.keyboard.press("r")
    await page.keyboard.press("2")
    await expect(page.get_by_text("Ann approved it a moment ago.")).to_be_visible()
    assert (await stored("review"))[0] == ("approved",)
    await page.get_by_role("button", name="Look", exact=True).click()
    await expect(page).to_have_url(re.compile(f"video={first}"))
    await expect(page.get_by_role("alert")).to_contain_text("Yours was not saved.")
    await page.get_by_role("button", name="Save mine instead").click()
    await soon(lambda: _first(stored, ("rejected", "Wrong message")), what="the second word")
    # What somebody says of another matter stands beside one's own.
    await ann.patch(f"{path}/{second}", {"notes": "Ann's note"})
    await page.keyboard.press("j")
    await page.keyboard.press("a")

    async def both():
        return (await stored("review", "notes"))[1] == ("approved", "Ann's note")

    await soon(both, what="both words")
    await expect(page.get_by_role("alert")).to_have_count(0)


async def _first(stored, wanted):
    return (await stored("review", "rejectReason"))[0] == wanted


async def test_what_others_decide_is_seen_as_it_happens(studio, batch, stored):
    ann = await studio.stage.person("editor Ann")
    page = await opened(studio, batch)
    await expect(page.get_by_text("Not reviewed yet.")).to_be_visible()
    first = key_of(page)
    await ann.post(f"/api/campaigns/{batch}/combinations/{first}/reject", {"reason": "Off-brand"})
    await expect(page.locator(".verdict")).to_contain_text("Rejected: Off-brand")
    await expect(page.locator(".verdict")).to_contain_text("Ann, just now")
    assert key_of(page) == first  # nothing moved


async def test_without_the_server_a_decision_is_taken_back_and_said(studio, batch, line, stored):
    page = await opened(studio, batch, at=line.url)
    studio.expects("ERR_")
    line.cut()
    await page.keyboard.press("a")
    await expect(page.locator(".toast", has_text="Spotloom does not answer.")).to_be_visible()
    await expect(page.get_by_text(f"0 of {VIDEOS} reviewed")).to_be_visible()
    await expect(page.get_by_text("Reconnecting")).to_be_visible()
    line.mend()
    await expect(page.get_by_text("Reconnecting")).to_be_hidden()
    await page.keyboard.press("k")
    await page.keyboard.press("a")
    await soon(lambda: _first(stored, ("approved", None)), what="the approval")


async def test_the_next_film_is_there_before_it_is_asked_for(studio, batch):
    page = await studio.open("/")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"/campaigns/{batch}/review")
    films = page.locator("review-player video")
    await expect(films).to_have_count(2)
    source = await films.nth(1).get_attribute("src")
    assert await films.nth(1).get_attribute("preload") == "auto"
    await expect(films.nth(1)).to_be_hidden()
    await until(lambda: films.nth(1).evaluate("film => film.readyState === 4"), what="the next")
    await films.nth(1).evaluate("film => { film.known = true }")
    before = asked.count(studio.stage.url + source)
    await page.keyboard.press("j")
    shown = page.locator("review-player video:not([hidden])")
    await expect(shown).to_have_attribute("src", source)
    assert await shown.evaluate("film => film.known && film.readyState === 4")
    assert asked.count(studio.stage.url + source) == before


async def test_the_keyboard_plays_stops_and_steps(studio, batch):
    page = await opened(studio, await studio.stage.finished(3))
    film = page.locator("review-player video:not([hidden])")
    at = "film => film.currentTime"
    await until(lambda: film.evaluate("film => film.readyState === 4"), what="the film")
    await page.keyboard.press("m")
    assert await film.evaluate("film => film.muted")
    await page.keyboard.press("l")
    assert await film.evaluate("film => film.loop")
    await page.keyboard.press(" ")
    await until(lambda: film.evaluate("film => !film.paused && film.currentTime > 0.1"))
    await page.keyboard.press(" ")
    await until(lambda: film.evaluate("film => film.paused"))
    await film.evaluate("film => { film.currentTime = 1 }")  # a frame from neither end
    before = await film.evaluate(at)
    await page.keyboard.press(",")
    back = await film.evaluate(at)
    await page.keyboard.press(".")
    assert back == pytest.approx(before - 1 / 24, abs=0.012)
    assert await film.evaluate(at) == pytest.approx(before, abs=0.012)
    # Once somebody has pressed play, the next film begins by itself.
    await page.keyboard.press(" ")
    await page.keyboard.press("j")
    await until(lambda: film.evaluate("film => !film.paused && film.currentTime > 0"))


async def test_two_films_run_in_step(studio):
    batch = await studio.stage.finished(VIDEOS)
    page = await opened(studio, batch)
    await page.keyboard.press("c")
    films = page.locator("review-pair video")
    await expect(films).to_have_count(2)
    for number in (0, 1):
        await until(lambda n=number: films.nth(n).evaluate("film => film.readyState === 4"))
    await page.keyboard.press("l")
    await page.keyboard.press(" ")
    await until(lambda: films.nth(1).evaluate("film => film.currentTime > 0.3"))
    apart = "() => { const [a, b] = document.querySelectorAll('review-pair video');"
    apart += " return Math.abs(a.currentTime - b.currentTime) }"
    await films.nth(1).evaluate("film => { film.currentTime = 1.5 }")
    await until(lambda: _less(page, apart, 0.13), what="two films in step")
    assert [await films.nth(n).evaluate("film => film.muted") for n in (0, 1)] == [False, True]
    await page.keyboard.press("2")
    await expect(page.locator(".pane[data-active]")).to_have_attribute(
        "aria-label", re.compile("R")
    )
    assert [await films.nth(n).evaluate("film => film.muted") for n in (0, 1)] == [True, False]
    await page.keyboard.press("j")
    assert "view=two" in page.url
    third = (await studio.stage.combinations(batch))[2]["combinationId"]
    await expect(page).to_have_url(re.compile(f"with={third}"))
    await page.keyboard.press("Escape")
    await expect(page.locator("review-pair")).to_have_count(0)


async def _less(page, expression, most):
    return await page.evaluate(expression) < most


async def test_the_sheet_selects_and_decides_for_many(studio, batch, stored):
    page = await opened(studio, batch)
    press = page.keyboard.press
    await press("g")
    shots = page.locator(".shot")
    await expect(shots).to_have_count(VIDEOS)
    await press("x")
    await press("ArrowRight")
    await press("x")
    await expect(page.get_by_text("2 selected")).to_be_visible()
    await press("a")
    await expect(page.locator(".shot .tag", has_text="Approved")).to_have_count(2)
    await expect(page.get_by_text("Approved · 2 videos.")).to_be_visible()
    await shots.nth(2).locator(".pick").click()
    await shots.nth(5).locator(".pick").click(modifiers=["Shift"])
    await press("r")
    await press("4")
    await expect(page.locator(".shot .tag", has_text="Rejected")).to_have_count(4)
    await expect(page.get_by_text("All 6 are reviewed:")).to_be_visible()

    async def decided():
        rows = await stored("review", "rejectReason")
        return rows == [("approved", None)] * 2 + [("rejected", "Audio problem")] * 4

    await soon(decided, what="six decisions")
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name="Download the approved").click()
    assert (await waiting.value).suggested_filename == f"{batch}.zip"
    await press("u")
    await expect(page.get_by_text("2 of 6 reviewed")).to_be_visible()


async def test_the_pointer_runs_through_a_film_on_the_sheet(studio):
    page = await opened(studio, await studio.stage.finished(VIDEOS), "?view=sheet")
    frame = page.locator(".shot .open").first
    box = await frame.bounding_box()
    places = []
    for share in (0.1, 0.9):
        await page.mouse.move(box["x"] + box["width"] * share, box["y"] + 60)
        strip = frame.locator(".strip")
        places.append(await strip.evaluate("e => e.style.backgroundPosition"))
    assert places == ["50% 0%", "50% 100%"]  # the third of 25 pictures, and the twenty-third


async def test_the_filter_is_in_the_address_and_back_takes_it_back(studio, batch, stored):
    page = await opened(studio, batch)
    await page.keyboard.press("a")
    await page.keyboard.press("w")
    show = page.get_by_role("group", name="Show")
    await show.get_by_role("button", name="Winners").click()
    await expect(page.locator("review-side")).to_contain_text("1 of 1")
    await expect(page).to_have_url(re.compile("show=winners"))
    await page.keyboard.press("g")
    await expect(page.locator(".shot")).to_have_count(1)
    await page.go_back()
    await expect(page.locator("review-side")).to_contain_text("1 of 1")
    await page.go_back()
    await expect(page.locator("review-side")).to_contain_text(f"of {VIDEOS}")
    await page.get_by_role("button", name="Choices").click()
    await page.locator("#choices").get_by_role("button", name="Listicle").click()
    await expect(page).to_have_url(re.compile("type=listicle"))
    await page.keyboard.press("Escape")
    await page.reload()
    await expect(page.locator("review-side")).to_contain_text(f"of {VIDEOS // 3}")
    await show.get_by_role("button", name="Rejected").click()
    await expect(page.get_by_role("heading", name="No video matches")).to_be_visible()
    await page.get_by_role("button", name="Show all").last.click()
    await expect(page.locator("review-side")).to_contain_text(f"of {VIDEOS}")


async def test_films_that_are_finished_meanwhile_join_in(studio):
    following = studio.stage.sandbox.ledger()["accepted"] + 1  # jobs are counted for ever
    studio.stage.sandbox.faults({"where": "job", "fault": "hang", "jobs": {"only": [following]}})
    batch = await studio.stage.submit()
    page = await opened(studio, batch)
    await expect(page.get_by_text("of 3 reviewed")).to_be_visible(timeout=30_000)
    await expect(page.get_by_text("1 video not finished")).to_be_visible()
    await studio.stage.owner.post(f"/api/batch/{batch}/cancel", {})
    await studio.stage.over(batch)


async def test_a_viewer_looks_and_changes_nothing(studio):
    page = await opened(studio, await studio.stage.finished(VIDEOS), who="viewer")
    await expect(page.locator("review-side h2")).to_be_visible()
    for name in ("Approve", "Reject", "Winner"):
        await expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    for key in ("a", "r", "w", "n", "u", "x"):
        await page.keyboard.press(key)
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_text(f"0 of {VIDEOS} reviewed")).to_be_visible()
    assert "/review" in page.url


async def test_nothing_serious_in_any_way_of_looking(studio):
    batch = await studio.stage.finished(VIDEOS)
    for query in ("", "?view=two", "?view=sheet", "?show=winners"):
        page = await opened(studio, batch, query)
        await axe(page)
        await no_sideways_scroll(page)
    await page.get_by_role("button", name="Show all").last.click()
    await page.keyboard.press("r")
    await axe(page)


async def test_a_thumb_decides_on_a_small_screen(studio, batch, stored):
    page = await opened(studio, batch, width=390, height=844, has_touch=True, is_mobile=True)
    bar = page.get_by_role("group", name="Decide and go on")
    for name in ("Approve", "Reject", "Next video"):
        box = await bar.get_by_role("button", name=name).bounding_box()
        assert box["height"] >= 48, name
        assert box["width"] >= 48, name
    await bar.get_by_role("button", name="Approve").tap()
    await bar.get_by_role("button", name="Reject").tap()
    await page.get_by_role("button", name="Audio problem").tap()
    await expect(page.get_by_text(f"2 of {VIDEOS} reviewed")).to_be_visible()
    await bar.get_by_role("button", name="Previous video").tap()
    await expect(page.locator(".verdict")).to_contain_text("Audio problem")
    await no_sideways_scroll(page)

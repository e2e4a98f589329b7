"""Videos as cards, and two beside each other: by mouse, by thumb, on a small screen."""

import pytest
from playwright.async_api import expect
from tests.e2e.looking import axe, no_sideways_scroll
from tests.e2e.stage import brief, until

expect.set_options(timeout=45_000)  # two cores, shared with other tests
PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}
EDGES = """() => { const main = document.querySelector("main");
  const right = main.getBoundingClientRect().right - parseFloat(getComputedStyle(main).paddingRight)
  return [...document.querySelectorAll(".list.grid .vid")]
    .map(e => e.getBoundingClientRect().right - right) }"""
PLAYS = "film => !film.paused && film.currentTime > 0"


async def plays(film):
    return await until(lambda: film.evaluate(PLAYS), what="a film that plays", deadline_s=20)


async def test_a_thumb_plays_stops_and_hears_a_video_in_its_card(studio):
    batch = await studio.stage.finished(5)
    page = await studio.open(f"/campaigns/{batch}?view=grid", **PHONE)
    card = page.locator(".list.grid .vid").first
    await card.locator(".media").tap()
    film = card.locator("video")
    await plays(film)
    assert await film.evaluate("film => film.muted")
    sound = card.get_by_role("button", name="Sound on")
    box = await sound.bounding_box()
    assert min(box["width"], box["height"]) >= 40
    await sound.tap()
    await expect(card.get_by_role("button", name="Sound off")).to_be_visible()
    assert not await film.evaluate("film => film.muted")
    await axe(page)
    await film.tap(position={"x": 60, "y": 60})
    await expect(page.locator("video")).to_have_count(0)
    await expect(page.locator("dialog.drawer[open]")).to_have_count(0)
    await card.locator(".about").tap()
    await expect(page.locator("dialog.drawer")).to_be_visible()


@pytest.mark.parametrize("width", [360, 390, 768, 1440])
async def test_the_cards_stay_within_the_page(studio, width):
    batch = await studio.stage.finished(12)
    page = await studio.open(f"/campaigns/{batch}?view=grid", width=width, height=640)
    await expect(page.locator(".list.grid .vid")).to_have_count(12)
    await no_sideways_scroll(page, width=width)
    assert max(await page.evaluate(EDGES)) <= 1


async def test_a_cards_reason_is_whole_and_its_title_begins_with_what_neighbours_differ_in(studio):
    following = studio.stage.sandbox.ledger()["accepted"] + 1  # jobs are counted for ever
    studio.stage.sandbox.faults(
        {"where": "job", "fault": "fail", "code": "moderation_blocked"}
        | {"jobs": {"only": [following]}}
    )
    batch = await studio.stage.submit(brief(12))
    await studio.stage.over(batch)
    page = await studio.open(f"/campaigns/{batch}?view=grid&sort=status")
    reason = page.locator(".list.grid .why")
    await expect(reason).to_have_text("Refused by the provider's moderation")
    whole = "e => { const [a, b] = [e, e.closest('.media')].map(x => x.getBoundingClientRect());"
    whole += (
        " return a.left >= b.left && a.right <= b.right && e.scrollWidth <= e.clientWidth + 1 }"
    )
    assert await reason.evaluate(whole)
    await axe(page)
    items = await studio.stage.combinations(batch)
    differ = [k for k, v in items[0]["values"].items() if v != items[1]["values"][k]]
    assert len(differ) == 1
    told = await page.evaluate("() => JSON.parse(document.getElementById('data').textContent)")
    (words,) = [dict(d["options"]) for d in told["dimensions"] if d["key"] == differ[0]]
    await page.goto(f"/campaigns/{batch}?view=grid")
    titles = page.locator(".list.grid .about .two")
    for number in (0, 1):
        first = words[items[number]["values"][differ[0]]]
        await expect(titles.nth(number)).to_contain_text(f"{number + 1}. {first}")
        title = await page.locator(".list.grid .about").nth(number).get_attribute("title")
        assert title.endswith(first)


async def test_on_a_phone_two_videos_stand_at_one_height_and_say_which_is_approved(studio):
    batch = await studio.stage.made(6)
    keys = [i["combinationId"] for i in await studio.stage.combinations(batch)]
    ask = f"/campaigns/{batch}/review?view=two&video={keys[0]}&with={keys[5]}"
    page = await studio.open(ask, **PHONE)
    films = page.locator("review-pair video")
    await expect(films).to_have_count(2)
    tops = await films.evaluate_all("all => all.map(e => e.getBoundingClientRect().top)")
    assert tops[0] == tops[1]
    bar = page.get_by_role("group", name="Decide and go on")
    await expect(bar.get_by_role("button", name="Approve left")).to_be_visible()
    await films.nth(1).tap()
    await bar.get_by_role("button", name="Approve right").tap()

    async def approved():
        found = {i["combinationId"]: i["review"] for i in await studio.stage.combinations(batch)}
        return found[keys[5]] == "approved" and found[keys[0]] == "none"

    await until(approved, what="the right one approved", deadline_s=20)
    for button in await bar.get_by_role("button").all():
        assert (await button.bounding_box())["width"] >= 44
        assert await button.evaluate("e => e.scrollWidth <= e.clientWidth")
    await no_sideways_scroll(page)
    await axe(page)


async def test_the_boxes_of_the_sheet_lie_off_the_pictures_on_a_phone(studio):
    batch = await studio.stage.finished(6)
    page = await studio.open(f"/campaigns/{batch}/review?view=sheet", **PHONE)
    shots = page.locator(".shot")
    await expect(shots).to_have_count(6)
    over = """all => all.some(e => e.querySelector(".pick input").getBoundingClientRect().top
      < e.querySelector(".open").getBoundingClientRect().bottom)"""
    assert not await shots.evaluate_all(over)
    await shots.first.locator(".pick").tap()
    await expect(page.get_by_text("1 selected")).to_be_visible()
    await axe(page)


async def test_the_order_is_reversed_by_a_button_that_says_so(studio):
    batch = await studio.stage.finished(5)
    page = await studio.open(f"/campaigns/{batch}")
    turn = page.get_by_role("button", name="Reverse the order")
    await expect(turn).to_have_attribute("aria-pressed", "false")
    await turn.click()
    await expect(turn).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(".vid[data-key] .no").first).to_have_text("5")
    await expect(page.get_by_role("columnheader", name="Tries")).to_have_count(1)


@pytest.mark.parametrize("width", [1000, 1440])
async def test_the_decision_of_two_stays_within_its_card(studio, width):
    batch = await studio.stage.finished(6)
    page = await studio.open(f"/campaigns/{batch}/review?view=two", width=width)
    side = page.locator("review-side .card")
    await expect(side.get_by_role("button", name="Approve left")).to_be_visible()
    over = """card => { const { right } = card.getBoundingClientRect();
      return [...card.querySelectorAll(".deeds .button")].some(e =>
        e.scrollWidth > e.clientWidth || e.getBoundingClientRect().right > right) }"""
    assert not await side.evaluate(over)

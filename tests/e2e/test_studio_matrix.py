"""The matrix and the order: ids, exclusions, undo, the keyboard, and one order whatever happens."""

import asyncio
import csv
import io
import json
import re
from typing import Any

from playwright.async_api import expect
from tests.e2e.briefing import WIDE, asked_once, choose, draft, made, rows, with_draft
from tests.e2e.looking import Studio
from tests.e2e.stage import brief


async def test_the_matrix_has_the_servers_ids_and_costs(studio: Studio) -> None:
    form = {**brief(12), "dimensions": WIDE}
    page = await with_draft(studio, "/new/matrix", form)
    await expect(rows(page)).to_have_count(600)
    plan = await studio.stage.owner.post("/api/plan", {"formData": form})
    shown = await page.locator(".mbody > .mrow").evaluate_all("all => all.map(e => e.dataset.id)")
    assert shown == [row["combinationId"] for row in plan["combinations"]]
    await expect(page.locator(".equation")).to_have_text(plan["equation"])


async def test_exclusions_survive_edits_and_going_back(studio: Studio) -> None:
    page = await with_draft(studio, "/new/matrix", {**brief(12), "dimensions": WIDE})
    await page.get_by_role("button", name=re.compile(r"^Unhinged")).click()
    await page.get_by_role("button", name="Exclude as a rule: Mood is Unhinged").click()
    await expect(page.locator(".summary")).to_contain_text("300 excluded = 300 videos")
    await page.get_by_role("button", name="Clear filters").click()
    await rows(page).nth(0).get_by_role("button", name=re.compile("^Exclude")).click()
    first = await rows(page).nth(0).get_attribute("data-id")
    await page.get_by_role("link", name="Edit the brief").click()
    await page.wait_for_url("**/new")
    await expect(page.locator(".summary")).to_contain_text("301 excluded = 299 videos")
    # An option more: the rule holds for what it brings, the single one for itself alone.
    await choose(page, "Intention", "Heighten Mood")
    await expect(page.locator(".summary")).to_contain_text("401 excluded = 399 videos")
    mood = page.get_by_role("group", name=re.compile("^Mood"))
    await mood.get_by_text("Wholesome").click()
    await expect(mood.get_by_label("Wholesome")).not_to_be_checked()
    await choose(page, "Mood", "Wholesome")
    await page.goto("/new/matrix?state=excluded&mood=wholesome")
    await expect(rows(page)).to_have_count(1)
    assert await rows(page).nth(0).get_attribute("data-id") == first


async def test_undo_and_redo_by_keyboard_and_toast(studio: Studio) -> None:
    page = await with_draft(studio, "/new/matrix", brief(12))
    await expect(rows(page)).to_have_count(12)
    for place in (0, 1, 2):
        await rows(page).nth(place).get_by_role("button", name=re.compile("^Exclude")).click()
    await expect(made(page)).to_have_count(9)
    await page.keyboard.press("Control+z")
    await page.keyboard.press("Control+z")
    await expect(made(page)).to_have_count(11)
    await page.keyboard.press("Control+Shift+z")
    await expect(made(page)).to_have_count(10)
    await rows(page).nth(5).get_by_role("button", name=re.compile("^Exclude")).click()
    await expect(made(page)).to_have_count(9)
    await page.get_by_role("status").get_by_role("button", name="Undo").click()
    await expect(made(page)).to_have_count(10)
    kept = await draft(page)
    assert kept is not None
    assert len(kept["form"]["exclude"]) == 2


async def test_a_rule_of_the_vocabulary_is_told_and_stays(studio: Studio) -> None:
    choices = {**brief(4)["dimensions"], "type": ["skit", "storytime"], "audioStyle": ["silence"]}
    page = await with_draft(
        studio, "/new/matrix?state=excluded", {**brief(12), "dimensions": choices}
    )
    await expect(rows(page).first).to_contain_text("Left out")
    button = rows(page).first.get_by_role("button")
    await expect(button).to_be_disabled()
    await expect(button).to_have_attribute("title", re.compile("live on words"))
    before = await made(page).count()
    await rows(page).first.click()
    await page.keyboard.press("e")
    assert await made(page).count() == before


async def test_the_whole_way_by_keyboard_alone(studio: Studio) -> None:
    studio.expects("404")
    page = await with_draft(studio, "/new", brief(12))
    await page.keyboard.press("m")
    await page.wait_for_url("**/new/matrix")
    await expect(rows(page)).to_have_count(12)
    for key in ("j", "x", "Shift+ArrowDown", "Shift+ArrowDown", "e"):
        await page.keyboard.press(key)
    await expect(made(page)).to_have_count(9)
    await page.keyboard.press("Escape")
    await page.keyboard.press("k")
    await page.keyboard.press("e")  # the row that is looked at comes back
    await expect(made(page)).to_have_count(10)
    await page.keyboard.press("Control+a")
    await expect(page.locator(".bulkbar")).to_contain_text("12 selected")
    await page.keyboard.press("Escape")
    await expect(page.locator(".bulkbar")).to_have_count(0)
    await page.keyboard.press("/")
    await page.keyboard.type("storytime")
    await expect(rows(page)).not_to_have_count(12)
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.wait_for_url("**/new/confirm")
    button = page.get_by_role("button", name="Generate 10 videos · free")
    await button.focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/campaigns/**")


async def test_a_double_click_and_a_lost_answer_order_once(studio: Studio) -> None:
    studio.expects("Failed to load resource", "404")
    page = await with_draft(studio, "/new/confirm", brief(4))
    sent = await asked_once(page, "/api/generate-batch")
    batch = (await draft(page) or {})["batchId"]
    assert batch.startswith("tarn-audio-")
    lost = asyncio.Event()

    async def arrives_but_is_lost(route: Any) -> None:
        await route.fetch()
        lost.set()
        await route.abort("connectionreset")

    await page.route("**/api/generate-batch", arrives_but_is_lost, times=1)
    button = page.get_by_role("button", name="Generate 4 videos · free")
    await button.dblclick()
    await asyncio.wait_for(lost.wait(), 15)
    await expect(page.get_by_role("alert")).to_contain_text("the same name is never made twice")
    assert len(sent) == 1
    await page.get_by_role("button", name="Ask again").click()
    await page.wait_for_url(f"**/campaigns/{batch}")
    assert len(sent) == 2
    listed = await studio.stage.owner.get("/api/campaigns", params={"text": batch})
    assert [each["totalVideos"] for each in listed["items"]] == [4]


async def test_a_refused_order_says_what_to_do(studio: Studio) -> None:
    studio.expects("409")
    owner = studio.stage.owner
    batch = await studio.stage.submit()
    page = await with_draft(studio, "/new/confirm", brief(4))
    name = page.get_by_label("Name of the batch")
    await name.fill(batch)
    await name.blur()
    button = page.get_by_role("button", name="Generate 4 videos · free")
    await button.click()
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("The name is taken")
    await alert.get_by_role("button", name="Use a new name").click()
    await expect(name).not_to_have_value(batch)
    try:
        await owner.patch("/api/budget", {"dailyBudget": 0})  # while the page is open
        await button.click()
        await expect(alert).to_contain_text("The budget does not allow it")
        await expect(alert.get_by_role("link", name="Change the brief")).to_be_visible()
        raise_it = alert.get_by_role("link", name="Raise a budget")
        await expect(raise_it).to_have_attribute("href", "/settings/budgets")
        await expect(button).to_have_attribute("aria-disabled", "true")
    finally:
        await owner.patch("/api/budget", {"dailyBudget": None})


async def test_a_price_that_changed_meanwhile_is_not_ordered(studio: Studio) -> None:
    studio.expects("409")
    page = await with_draft(studio, "/new/confirm", brief(4))
    await expect(page.get_by_role("button", name="Generate 4 videos · free")).to_be_visible()

    async def dearer(route: Any) -> None:
        body = route.request.post_data_json
        body["matrixResult"]["estimatedCost"] = 1.5
        await route.continue_(post_data=json.dumps(body))

    await page.route("**/api/generate-batch", dearer, times=1)
    await page.locator("#order").click()
    await expect(page.get_by_role("alert")).to_contain_text("It would be something else now")
    await page.get_by_role("button", name="Work it out again").click()
    await expect(page.get_by_role("alert")).to_have_count(0)
    await expect(page.locator("#order")).to_have_attribute("aria-busy", "false")


async def test_the_matrix_goes_out_as_csv(studio: Studio) -> None:
    form = {**brief(12), "brand": "=HYPERLINK(1)", "exclude": [{"aesthetic": "ugc"}]}
    page = await with_draft(studio, "/new/matrix", form)
    await rows(page).nth(0).get_by_role("button", name=re.compile("^Exclude")).click()
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="CSV").click()  # before the new plan is there
    file = await (await saved.value).path()
    lines = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
    assert list(lines[0])[:2] == ["combinationId", "funnelLevel"]
    assert [line["made"] for line in lines].count("no") == 4
    # Also what is excluded has its prompt.
    assert all("The headphones you mend" in line["prompt"] for line in lines)
    assert len({line["prompt"] for line in lines}) == 12


async def test_the_matrix_is_reached_with_tab_and_the_arrows_scroll_elsewhere(
    studio: Studio,
) -> None:
    page = await with_draft(studio, "/new/matrix", brief(24))
    await expect(rows(page)).to_have_count(24)
    await page.keyboard.press("ArrowDown")
    await expect(page.locator(".mrow[aria-current]")).to_have_count(0)
    await page.get_by_label("Select all that are shown").focus()
    for _ in range(9):
        await page.keyboard.press("Tab")
        if await page.evaluate("() => Boolean(document.activeElement.closest('.mbody'))"):
            break
    await expect(rows(page).nth(0)).to_be_focused()
    await expect(rows(page).nth(0)).to_have_attribute("aria-current", "true")
    await page.keyboard.press("ArrowDown")
    await expect(rows(page).nth(1)).to_be_focused()
    await page.keyboard.press("Shift+ArrowDown")
    await expect(page.locator(".bulkbar")).to_contain_text("2 selected")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Tab")
    await expect(rows(page).nth(2)).to_be_focused()  # where one has been
    assert await page.locator(".mbody > .mrow[tabindex='0']").count() == 1
    await page.get_by_label("Find in all dimensions").fill("listicle")
    assert await page.locator(".mbody > .mrow[tabindex='0']:visible").count() == 1


async def test_striking_out_among_what_is_made_goes_on_with_the_row_that_took_the_place(
    studio: Studio,
) -> None:
    page = await with_draft(studio, "/new/matrix?state=made", brief(12))
    await expect(rows(page)).to_have_count(12)
    all_of_them = await rows(page).evaluate_all("all => all.map(e => e.dataset.id)")
    for key in ("j", "j", "e"):
        await page.keyboard.press(key)
    await expect(rows(page)).to_have_count(11)
    await expect(rows(page).nth(1)).to_be_focused()
    await page.keyboard.press("e")
    await expect(rows(page)).to_have_count(10)
    await expect(rows(page).nth(1)).to_have_attribute("aria-current", "true")
    await page.keyboard.press("j")
    await expect(rows(page).nth(2)).to_be_focused()
    await expect(rows(page).nth(2)).to_have_attribute("data-id", all_of_them[4])
    kept = await draft(page)
    assert kept is not None
    assert kept["form"]["exclude"] == all_of_them[1:3]


async def test_sorted_and_selected_by_range(studio: Studio) -> None:
    page = await with_draft(studio, "/new/matrix", brief(12))
    head = page.get_by_role("columnheader", name="Type")
    await head.get_by_role("button").click()
    await expect(head).to_have_attribute("aria-sort", "ascending")
    await page.wait_for_url("**sort=type*")
    kinds = await rows(page).locator("[data-label='Type']").all_text_contents()
    assert len(kinds) == 12
    assert kinds == [kind for kind in dict.fromkeys(kinds) for _ in range(kinds.count(kind))]
    await head.get_by_role("button").click()
    back = await rows(page).locator("[data-label='Type']").all_text_contents()
    assert list(dict.fromkeys(back)) == list(dict.fromkeys(kinds))[::-1]
    await rows(page).nth(1).locator(".pick").click()
    await rows(page).nth(4).click(modifiers=["Shift"])
    await expect(page.locator(".bulkbar")).to_contain_text("4 selected")
    chosen = await rows(page).evaluate_all("all => all.map(e => 'selected' in e.dataset)")
    assert chosen == [1 <= place <= 4 for place in range(12)]


async def test_exclusions_survive_the_browsers_back(studio: Studio) -> None:
    page = await with_draft(studio, "/new", brief(12))
    await page.get_by_role("button", name="See the matrix of 12 videos").click()
    await page.wait_for_url("**/new/matrix")
    await rows(page).nth(3).get_by_role("button", name=re.compile("^Exclude")).click()
    await page.get_by_role("link", name="Go on with 11 videos").click()
    await expect(page.get_by_role("button", name="Generate 11 videos · free")).to_be_visible()
    await page.go_back()
    await expect(made(page)).to_have_count(11)
    await page.go_back()
    await expect(page.locator(".summary")).to_contain_text("1 excluded = 11 videos")
    await page.go_forward()
    await expect(made(page)).to_have_count(11)


async def test_a_viewer_may_plan_and_not_order(studio: Studio) -> None:
    page = await with_draft(studio, "/new/confirm", brief(4), who="viewer")
    await expect(page.get_by_text("Your role is viewer")).to_be_visible()
    await expect(page.locator("#order")).to_have_count(0)

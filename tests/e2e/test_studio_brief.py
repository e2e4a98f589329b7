"""From an empty form to an accepted order: the brief, its matrix, and the button with the sum."""

import asyncio
import json
import re
import uuid
from typing import Any

import pytest
import yaml
from playwright.async_api import Page, expect
from tests.e2e.looking import Studio, axe, no_sideways_scroll
from tests.e2e.stage import brief, until

expect.set_options(timeout=20_000)  # two cores, shared with other tests

WIDE = {
    "funnelLevel": ["unaware", "problem-aware", "solution-aware", "product-aware", "most-aware"],
    "aesthetic": ["animated-2d", "ugc", "professional", "cinema"],
    "type": ["broll-visual-narrative", "storytime", "listicle", "vsl", "skit"],
    "intention": ["educate", "entertain", "inspire"],
    "mood": ["wholesome", "unhinged"],
    "audioStyle": ["music-light-upbeat"],
}


async def workspace(page: Page) -> str:
    text = await page.locator("#data").text_content()
    return str(json.loads(text or "")["workspace"])


async def draft(page: Page) -> dict[str, Any] | None:
    """What the browser keeps."""
    key = f"spotloom.draft.{await workspace(page)}"
    text = await page.evaluate("key => localStorage.getItem(key)", key)
    return None if text is None else dict(json.loads(text))


async def with_draft(studio: Studio, path: str, form: dict[str, Any], **more: Any) -> Page:
    """A page that finds this draft in its browser."""
    page = await studio.open("/new", **more)
    key = f"spotloom.draft.{await workspace(page)}"
    kept = json.dumps({"form": form, "batchId": "", "savedAt": None})
    await page.evaluate("([key, text]) => localStorage.setItem(key, text)", [key, kept])
    await page.goto(path)
    return page


async def choose(page: Page, dimension: str, *options: str) -> None:
    group = page.get_by_role("group", name=re.compile(f"^{dimension}"))
    for option in options:
        await group.get_by_text(option, exact=True).click()  # the input itself lies hidden
        await expect(group.get_by_label(option, exact=True)).to_be_checked()


def rows(page: Page):
    return page.locator(".mbody > .mrow:visible")


def made(page: Page):
    return page.locator(".mbody > .mrow:visible:not([data-why])")


async def asked_once(page: Page, path: str) -> list[dict[str, Any]]:
    """The bodies that the page sends to that path from now on."""
    sent: list[dict[str, Any]] = []

    def note(request: Any) -> None:
        if request.method == "POST" and request.url.endswith(path):
            sent.append(request.post_data_json)

    page.on("request", note)
    return sent


async def test_from_an_empty_form_to_an_accepted_order(studio: Studio) -> None:
    studio.expects("422", "404")  # the brief while it has gaps; the batch's page is another's
    page = await studio.open("/new")
    idea = f"Headphones you mend with a coin, {uuid.uuid4().hex[:6]}"
    await page.get_by_role("textbox", name="Brand").fill("Tarn Audio")
    await page.get_by_label("Big idea").fill(idea)
    await expect(page.locator(".equation")).to_contain_text("Nothing chosen yet")
    await choose(page, "Funnel Level", "Unaware", "Problem Aware")
    await choose(page, "Aesthetic", "UGC", "Cinema")
    await choose(page, "Type", "Storytime", "Listicle", "Skit")
    await choose(page, "Intention", "Educate")
    await choose(page, "Mood", "Wholesome")
    await choose(page, "Audio Style", "Music (Light, Upbeat)")
    await expect(page.locator(".equation")).to_have_text("2 × 2 × 3 = 12 videos")
    await page.get_by_label("Length in seconds").fill("2")
    await expect(page.locator(".summary .sum")).to_have_text("$12.00")
    await page.get_by_role("button", name="See the matrix of 12 videos").click()
    await page.wait_for_url("**/new/matrix")

    await expect(rows(page)).to_have_count(12)
    await rows(page).nth(0).get_by_role("button", name=re.compile("^Exclude")).click()
    await rows(page).nth(5).get_by_role("button", name=re.compile("^Exclude")).click()
    await expect(page.locator(".summary")).to_contain_text("2 excluded = 10 videos")
    gone = [await rows(page).nth(n).get_attribute("data-id") for n in (0, 5)]
    await page.get_by_role("link", name="Go on with 10 videos").click()
    await page.wait_for_url("**/new/confirm")

    button = page.get_by_role("button", name="Generate 10 animatics · free")
    await expect(button).to_be_visible()
    await expect(
        page.get_by_text("The sandbox draws animatics here; nothing is charged.")
    ).to_be_visible()
    batch = f"spring-{uuid.uuid4().hex[:6]}"
    await page.get_by_label("Name of the batch").fill(batch)
    await page.get_by_label("Name of the batch").blur()
    await button.click()
    await page.wait_for_url(f"**/campaigns/{batch}")

    status = await studio.stage.status(batch)
    assert status["totalVideos"] == 10
    ids = {each["combinationId"] for each in await studio.stage.combinations(batch)}
    assert not ids & set(gone)
    campaign = await studio.stage.owner.get(f"/api/campaigns/{batch}")
    assert campaign["brief"]["bigIdea"] == idea
    assert set(campaign["brief"]["exclude"]) == set(gone)
    await page.goto("/new")
    assert await draft(page) is None


async def test_a_draft_comes_back_after_a_crash_and_can_be_started_over(studio: Studio) -> None:
    studio.expects("422")
    page = await studio.open("/new")
    await page.get_by_label("Big idea").fill("A thought that must not be lost")
    await choose(page, "Mood", "Intense")
    # No unload: the tab is gone at once, as by a crash. Another one of the same browser opens.
    other = await page.context.new_page()
    await page.close(run_before_unload=False)
    await other.goto("/new")
    await expect(other.get_by_label("Big idea")).to_have_value("A thought that must not be lost")
    await expect(other.get_by_label("Intense", exact=True)).to_be_checked()
    await expect(other.get_by_text("Your draft is back")).to_be_visible()
    await other.get_by_role("button", name="Start over").click()
    await expect(other.get_by_label("Big idea")).to_have_value("")
    assert await draft(other) is None
    await other.get_by_role("button", name="Undo").click()
    await expect(other.get_by_label("Big idea")).to_have_value("A thought that must not be lost")
    kept = await draft(other)
    assert kept is not None
    assert kept["form"]["dimensions"]["mood"] == ["intense"]


async def test_what_is_wrong_stands_beside_its_field(studio: Studio) -> None:
    studio.expects("422")
    page = await with_draft(studio, "/new", {**brief(4), "bigIdea": "", "landingUrl": "nowhere"})
    address = page.get_by_label("Landing page")
    await expect(page.locator("#field-landingUrl-error")).to_contain_text("is not a web address")
    await expect(address).to_have_attribute("aria-invalid", "true")
    # A gap that nobody has come to yet is no reproach.
    await expect(page.locator("#field-bigIdea-error")).to_have_count(0)
    await page.get_by_role("button", name="See the matrix of 4 videos").click()
    await expect(page.get_by_role("alert")).to_contain_text("2 things to change first")
    await expect(page.get_by_label("Big idea")).to_be_focused()
    await expect(page.locator("#field-bigIdea-error")).to_contain_text("Is missing")
    await page.get_by_role("alert").get_by_role("button", name="Landing page").click()
    await expect(address).to_be_focused()
    await address.fill("https://example.com/new")
    await page.get_by_label("Big idea").fill("Now there is one")
    await expect(page.locator("#field-landingUrl-error")).to_have_count(0)
    await page.get_by_role("button", name="See the matrix of 4 videos").click()
    await page.wait_for_url("**/new/matrix")


async def test_over_the_cap_nothing_is_cut_and_one_click_fits(studio: Studio) -> None:
    studio.expects("422")
    wide = {**WIDE, "type": [*WIDE["type"], "modern-tv-ad"]}  # 5 × 4 × 6 × 3 × 2
    page = await with_draft(studio, "/new", {**brief(12), "dimensions": wide})
    await expect(page.locator(".equation")).to_have_text("5 × 4 × 6 × 3 × 2 = 720 videos")
    notice = page.locator('[data-notice="cap"]')
    await expect(notice).to_contain_text("720 videos; a batch holds 660")
    way = notice.get_by_role("button", name=re.compile("Drop Modern TV Ad from Type"))
    await expect(way).to_contain_text("600 videos")
    await way.click()
    await expect(page.locator(".equation")).to_have_text("5 × 4 × 5 × 3 × 2 = 600 videos")
    await expect(notice).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(notice).to_be_visible()
    # Excluding in the matrix counts as well.
    await page.get_by_role("button", name="See the matrix of 720 videos").click()
    await page.wait_for_url("**/new/matrix")
    await page.get_by_role("button", name=re.compile("^Modern TV Ad")).click()
    await page.get_by_role("button", name="Exclude all 120").click()
    await expect(page.get_by_role("link", name="Go on with 600 videos")).to_be_visible()
    await page.get_by_role("link", name="Go on with 600 videos").click()
    await expect(page.get_by_role("button", name="Generate 600 animatics · free")).to_be_visible()


async def test_above_the_budget_each_way_says_what_it_costs(studio: Studio) -> None:
    page = await with_draft(studio, "/new", {**brief(12), "duration": 10, "budget": 40})
    notice = page.locator('[data-notice="budget"]')
    await expect(notice).to_contain_text("$60.00 is $20.00 above this campaign's budget ($40.00)")
    await notice.get_by_role("button", name=re.compile("Make them 6 s long")).click()
    await expect(page.locator(".summary .sum")).to_have_text("$36.00")
    await expect(notice).to_have_count(0)


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
    button = page.get_by_role("button", name="Generate 10 animatics · free")
    await button.focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/campaigns/**")


async def test_chips_by_arrow_keys(studio: Studio) -> None:
    studio.expects("422")
    page = await studio.open("/new")
    group = page.get_by_role("group", name=re.compile("^Mood"))
    await group.get_by_label("Wholesome").focus()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Space")
    await expect(group.get_by_label("Unhinged")).to_be_checked()
    await expect(group.locator(".hint")).to_contain_text("Absurd and a little wild.")
    await group.get_by_role("button", name="Choose all of Mood").click()
    await expect(group.get_by_role("checkbox", checked=True)).to_have_count(5)
    await group.get_by_role("button", name="Choose none of Mood").click()
    await expect(group.get_by_role("checkbox", checked=True)).to_have_count(0)


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
    button = page.get_by_role("button", name="Generate 4 animatics · free")
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
    batch = await studio.stage.submit()
    page = await with_draft(studio, "/new/confirm", {**brief(4), "budget": 0.5})
    name = page.get_by_label("Name of the batch")
    await name.fill(batch)
    await name.blur()
    over = page.locator('[data-budget="This campaign"]')
    await expect(over).to_contain_text("$3.50 too much for $0.50")
    button = page.get_by_role("button", name="Generate 4 animatics · free")
    await button.click()
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("The name is taken")
    await alert.get_by_role("button", name="Use a new name").click()
    await expect(name).not_to_have_value(batch)
    await button.click()
    await expect(alert).to_contain_text("The budget does not allow it")
    await expect(alert.get_by_role("link", name="Change the brief")).to_be_visible()


async def test_a_price_that_changed_meanwhile_is_not_ordered(studio: Studio) -> None:
    studio.expects("409")
    page = await with_draft(studio, "/new/confirm", brief(4))
    await expect(page.get_by_role("button", name="Generate 4 animatics · free")).to_be_visible()

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


async def test_a_brief_goes_out_as_a_file_and_comes_back(studio: Studio) -> None:
    studio.expects("422")
    form = {**brief(12), "visualMessaging": "Two\nlines: “true” & no.", "budget": 99.5}
    form["exclude"] = [{"type": ["listicle"]}, "kabcd2345wxy"]
    page = await with_draft(studio, "/new", form)
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="Export").click()
    file = await (await saved.value).path()
    text = file.read_text(encoding="utf-8")
    assert yaml.safe_load(text)["exclude"] == form["exclude"]
    await page.get_by_role("button", name="Start over").click()
    await page.locator("input[type=file]").set_input_files(
        {"name": "mine.yaml", "mimeType": "application/yaml", "buffer": text.encode()}
    )
    await expect(page.get_by_label("What people see")).to_have_value(form["visualMessaging"])
    kept = (await draft(page) or {})["form"]
    kept["dimensions"] = {key: chosen for key, chosen in kept["dimensions"].items() if chosen}
    in_order = {key: sorted(chosen) for key, chosen in form["dimensions"].items()}
    assert {key: sorted(chosen) for key, chosen in kept["dimensions"].items()} == in_order
    assert {key: kept[key] for key in form if key != "dimensions"} == {
        key: value for key, value in form.items() if key != "dimensions"
    }
    await page.locator("input[type=file]").set_input_files(
        {"name": "bad.yaml", "mimeType": "application/yaml", "buffer": b"brand: ["}
    )
    await expect(
        page.get_by_text("bad.yaml was not opened; your draft is as it was.")
    ).to_be_visible()
    await expect(page.get_by_label("What people see")).to_have_value(form["visualMessaging"])


async def test_templates_are_kept_opened_renamed_and_deleted(studio: Studio) -> None:
    studio.expects("422")
    page = await with_draft(studio, "/new", brief(4))
    name = f"Ours {uuid.uuid4().hex[:6]}"
    await page.get_by_role("button", name="Templates").click()
    box = page.get_by_role("dialog", name="Templates")
    await box.get_by_label("Name of the new template").fill(name)
    await box.get_by_role("button", name="Save", exact=True).click()
    await expect(box.get_by_role("button", name=re.compile(f"^{name}"))).to_be_visible()
    await axe(page)
    await box.get_by_role("button", name=f"Rename {name}").click()
    await box.get_by_label("New name").fill(f"{name} B")
    await page.keyboard.press("Enter")
    opener = box.get_by_role("button", name=re.compile(f"^{name} B"))
    await expect(opener).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Start over").click()
    await page.get_by_role("button", name="Templates").click()
    await opener.click()
    await expect(page.locator(".equation")).to_have_text("2 × 3 = 6 videos")
    await page.get_by_role("button", name="Templates").click()
    await box.get_by_role("button", name=f"Delete {name} B").click()
    await expect(opener).to_have_count(0)


async def test_a_campaign_and_the_sample_are_there_to_start_from(studio: Studio) -> None:
    batch = await studio.stage.finished(videos=3)
    page = await with_draft(studio, "/new", {**brief(4), "bigIdea": "Mine"})
    await page.goto(f"/new?from={batch}")
    await expect(page.locator(".summary")).to_contain_text("3 videos")
    assert page.url.endswith("/new")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_label("Big idea")).to_have_value("Mine")
    await page.goto("/new?sample=1")
    await expect(page.locator(".equation")).to_have_text("2 × 3 × 2 = 12 videos")
    await expect(page.get_by_label("The voice")).not_to_be_empty()


async def test_the_matrix_goes_out_as_csv(studio: Studio) -> None:
    page = await with_draft(studio, "/new/matrix", {**brief(12), "brand": "=HYPERLINK(1)"})
    await rows(page).nth(0).get_by_role("button", name=re.compile("^Exclude")).click()
    await rows(page).nth(1).click()
    await expect(page.locator(".prompt")).to_contain_text("The headphones you mend")
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="CSV").click()
    file = await (await saved.value).path()
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("combinationId,funnelLevel,")
    assert sum(",no," in line for line in lines) == 1


async def test_a_viewer_may_plan_and_not_order(studio: Studio) -> None:
    page = await with_draft(studio, "/new/confirm", brief(4), who="viewer")
    await expect(page.get_by_text("Your role is viewer")).to_be_visible()
    await expect(page.locator("#order")).to_have_count(0)


@pytest.mark.parametrize("path", ["/new", "/new/matrix", "/new/confirm"])
async def test_each_page_is_accessible_and_fits_a_phone(studio: Studio, path: str) -> None:
    choices = brief(24)["dimensions"] | {"mood": ["wholesome", "unhinged"], "gender": ["male"]}
    form = {**brief(24), "dimensions": choices, "budget": 10, "exclude": [{"mood": ["unhinged"]}]}
    page = await with_draft(studio, path, form)
    await expect(page.locator(".moneycard")).to_contain_text(re.compile("videos|animatics"))
    if path == "/new/matrix":
        await rows(page).nth(0).click()
        await page.keyboard.press("x")
        await expect(page.locator(".prompt")).to_be_visible()
    await until(page.locator(".notice, .bill, .bulkbar").count, what="the page's parts")
    await axe(page)
    await no_sideways_scroll(page)
    await axe(page, themes=("light",))


async def test_an_empty_brief_is_accessible_and_leads_back(studio: Studio) -> None:
    page = await studio.open("/new")
    await axe(page)
    for path in ("/new/matrix", "/new/confirm"):
        await page.goto(path)
        await expect(page.get_by_role("link", name="Edit the brief").first).to_be_visible()
        await axe(page)

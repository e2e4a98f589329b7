"""The brief: from an empty form to an accepted order, drafts, templates, files, ways to fit."""

import json
import re
import uuid
from typing import Any

import pytest
import yaml
from playwright.async_api import Page, expect
from tests.e2e.briefing import WIDE, choose, draft, rows, with_draft
from tests.e2e.looking import Studio, axe, no_sideways_scroll
from tests.e2e.stage import brief, until


async def fill_in(page: Page, idea: str) -> None:
    """From an empty form to the matrix of twelve."""
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
    await expect(page.locator(".summary .sum")).to_have_text("free")
    await expect(page.locator(".summary .forecast")).to_have_text("Forecast $12.00")
    await page.get_by_role("button", name="See the matrix of 12 videos").click()
    await page.wait_for_url("**/new/matrix")

    await expect(rows(page)).to_have_count(12)


async def test_from_an_empty_form_to_an_accepted_order(studio: Studio) -> None:
    studio.expects("422", "404")  # the brief while it has gaps; the batch's page is another's
    page = await studio.open("/new")
    idea = f"Headphones you mend with a coin, {uuid.uuid4().hex[:6]}"
    await fill_in(page, idea)
    await rows(page).nth(0).get_by_role("button", name=re.compile("^Exclude")).click()
    await rows(page).nth(5).get_by_role("button", name=re.compile("^Exclude")).click()
    await expect(page.locator(".summary")).to_contain_text("2 excluded = 10 videos")
    gone = [await rows(page).nth(n).get_attribute("data-id") for n in (0, 5)]
    await page.get_by_role("link", name="Go on with 10 videos").click()
    await page.wait_for_url("**/new/confirm")

    button = page.get_by_role("button", name="Generate 10 videos · free")
    await expect(button).to_be_visible()
    terms = page.get_by_role("region", name="Who makes them, and when")
    await expect(terms).to_contain_text("draws each video as an animatic")
    await expect(terms).to_contain_text("Nothing is charged.")
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
    await expect(page.get_by_role("button", name="Generate 600 videos · free")).to_be_visible()


async def test_above_the_budget_each_way_says_what_it_costs(studio: Studio) -> None:
    page = await with_draft(studio, "/new", {**brief(12), "duration": 10, "budget": 40})
    notice = page.locator('[data-notice="budget"]')
    await expect(notice).to_contain_text("$60.00 is $20.00 above this campaign's budget ($40.00)")
    await notice.get_by_role("button", name=re.compile("Make them 6 s long")).click()
    await expect(page.locator(".summary .forecast")).to_have_text("Forecast $36.00")
    await expect(notice).to_have_count(0)


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


async def test_a_template_is_overwritten_undone_and_what_fails_is_told(studio: Studio) -> None:
    studio.expects("Failed to load resource")
    name = f"Kept {uuid.uuid4().hex[:6]}"
    made = {"name": name, "formData": brief(4)}
    kept = await studio.stage.owner.post("/api/templates", made)
    page = await with_draft(studio, "/new", {**brief(6), "bigIdea": "Newer than the template"})
    await page.get_by_role("button", name="Templates").click()
    box = page.get_by_role("dialog", name="Templates")
    await box.get_by_role("button", name=f"Save the brief over {name}").click()
    await expect(page.get_by_text(f"“{name}” is the brief as it is now.")).to_be_visible()
    path = f"/api/templates/{kept['id']}"

    async def idea() -> str:
        return str((await studio.stage.owner.get(path))["formData"]["bigIdea"])

    assert await idea() == "Newer than the template"
    await page.get_by_role("button", name="Undo").click()

    async def undone() -> bool:
        return await idea() == made["formData"]["bigIdea"]

    await until(undone, what="the template as it was")
    await page.route(f"**{path}", lambda route: route.abort())
    for deed in ("Save the brief over", "Delete"):
        await box.get_by_role("button", name=f"{deed} {name}").click()
        told = page.locator(".toast.bad", has_text="Spotloom does not answer")
        await expect(told).not_to_have_count(0)
        for each in await told.all():
            await each.evaluate("toast => toast.remove()")


async def test_a_matrix_that_cannot_be_worked_out_says_so(studio: Studio) -> None:
    studio.expects("Failed to load resource")
    page = await with_draft(studio, "/", brief(4))
    await page.route("**/api/plan", lambda route: route.abort())
    await page.goto("/new")
    await page.get_by_role("button", name="See the matrix of 4 videos").click()
    await expect(page.get_by_text("the matrix cannot be worked out yet")).to_be_visible()
    await page.unroute("**/api/plan")
    await page.get_by_role("button", name="See the matrix of 4 videos").click()
    await page.wait_for_url("**/new/matrix")


async def test_a_refused_clipboard_is_told(studio: Studio) -> None:
    page = await with_draft(studio, "/new/matrix", brief(4))
    await rows(page).nth(0).click()
    await page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new DOMException('no')); }"
    )
    await page.get_by_role("button", name="Copy").click()
    await expect(page.get_by_text("The browser did not let us copy.")).to_be_visible()


async def test_an_imported_file_is_undone(studio: Studio) -> None:
    page = await with_draft(studio, "/new", {**brief(4), "bigIdea": "Mine"})
    text = yaml.safe_dump({**brief(6), "bigIdea": "Out of a file"})
    await page.locator("input[type=file]").set_input_files(
        {"name": "theirs.yaml", "mimeType": "application/yaml", "buffer": text.encode()}
    )
    await expect(page.get_by_label("Big idea")).to_have_value("Out of a file")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_label("Big idea")).to_have_value("Mine")
    await expect(page.locator("[data-kept]")).to_contain_text("4 videos")


async def test_another_model_shows_only_what_it_offers(studio: Studio) -> None:
    async def narrower(route: Any) -> None:
        """The catalog's models offer the same here; a provider's may not."""
        answer = await route.fetch()
        before, data, after = re.split(r'(?<=id="data">)(.*)(?=</script>)', await answer.text())
        told = json.loads(data)
        told["models"][1] |= {"durations": [4, 8, 12], "sizes": {"16:9": "1280x720"}, "loop": False}
        await route.fulfill(response=answer, body=before + json.dumps(told) + after)

    page = await with_draft(studio, "/", {**brief(4), "duration": 10, "loop": True})
    await page.route(re.compile("/new$"), narrower)
    await page.goto("/new")
    await expect(page.get_by_label("Seamless loop")).to_be_checked()
    await page.get_by_text("sora-2-pro", exact=True).click()
    length = page.get_by_role("group", name="Length")
    await expect(length.get_by_role("radio")).to_have_count(3)
    await expect(length.get_by_label("4 s", exact=True)).to_be_checked()
    await expect(page.get_by_label("Seamless loop")).to_have_count(0)
    shapes = page.get_by_role("group", name="Format").get_by_role("radio")
    await expect(shapes).to_have_count(1)
    await expect(shapes).to_be_checked()
    await expect(page.get_by_text("sora-2-pro does not make 10 s")).to_be_visible()
    kept = (await draft(page) or {})["form"]
    assert (kept["duration"], kept["aspectRatio"], kept["loop"]) == (4, "16:9", False)


async def test_a_warning_and_the_time_stand_beside_the_brief(studio: Studio) -> None:
    form = brief(4)
    choices = {**form["dimensions"], "aesthetic": ["ugc", "cinema"], "mood": ["unhinged"]}
    choices["ageGeneration"] = ["baby-boomer"]
    page = await with_draft(studio, "/new", {**form, "dimensions": choices})
    warning = page.locator(".notice.warn[data-rule]")
    await expect(warning).to_contain_text(re.compile(r"\d+ videos? (is|are) like this\."))
    await expect(page.locator(".summary")).to_contain_text(
        re.compile(r"About \d+ (s|min) at 4 at a time")
    )


@pytest.mark.parametrize("path", ["/new", "/new/matrix", "/new/confirm"])
async def test_each_page_is_accessible_and_fits_a_phone(studio: Studio, path: str) -> None:
    choices = brief(24)["dimensions"] | {"mood": ["wholesome", "unhinged"], "gender": ["male"]}
    form = {**brief(24), "dimensions": choices, "budget": 10, "exclude": [{"mood": ["unhinged"]}]}
    page = await with_draft(studio, path, form)
    await expect(page.locator(".moneycard")).to_contain_text("videos")
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


async def test_templates_opened_again_at_once_stay_open(studio: Studio) -> None:
    page = await with_draft(studio, "/new", brief(4))
    opens = page.get_by_role("button", name="Templates")
    await opens.click()
    await expect(page.get_by_role("dialog", name="Templates")).to_be_visible()
    open_ones = """button => new Promise(done => { const open = "dialog[open]";
        const first = document.querySelector(open);
        first.addEventListener("close", () => done(document.querySelectorAll(open).length));
        first.close(); button.click(); })"""
    assert await opens.evaluate(open_ones) == 1

"""The batch page as people use it: a real browser, server, worker, database and sandbox."""

import asyncio
import csv
import io
import json
import re
import zipfile

import pytest
from playwright.async_api import expect
from tests.e2e.looking import axe, no_sideways_scroll
from tests.e2e.stage import brief, until

expect.set_options(timeout=45_000)  # two cores, shared with other tests
FAILS = {"where": "job", "fault": "fail", "code": "moderation_blocked"}
HANGS = {"where": "job", "fault": "hang"}
NO_LIST = {"where": "list", "fault": "status", "status": 405}
SHOWN = """() => [...document.querySelectorAll(".vid[data-key]")].map(row => [row.dataset.key,
  row.dataset.status, row.querySelector("progress")?.value ?? null])"""
PLAYS = """() => { const film = document.querySelector("video");
  return film && !film.paused && film.currentTime > 0 && film.muted }"""


async def reached(page, expression):
    """Wait until the page's answer is true; its policy stops wait_for_function."""
    return await until(lambda: page.evaluate(expression), what=expression)


async def truth(stage, batch):
    return [
        [i["combinationId"], i["status"], i["progress"] if i["status"] == "generating" else None]
        for i in await stage.combinations(batch)
    ]


def chip(page, word):
    return page.locator("batch-header .chip", has_text=word)


async def test_a_batch_is_followed_to_its_finished_files(studio):
    slow = {"where": "create", "fault": "slow", "seconds": 5, "calls": {"first": 4}}
    studio.stage.sandbox.faults(slow)  # so that the last two still wait when the batch is paused
    batch = await studio.stage.submit(brief(6))
    await studio.stage.owner.post(f"/api/batch/{batch}/pause")
    page = await studio.open(f"/campaigns/{batch}")
    await expect(page.locator(".livemark")).to_have_text("Live")
    await expect(page.get_by_text("This batch is paused")).to_be_visible()
    await page.locator("batch-actions").get_by_role("button", name="Resume").click()
    await expect(page.get_by_role("heading", name="All 6 videos are made")).to_be_visible(
        timeout=120_000
    )
    await expect(page).to_have_title("100 % · Tarn Audio · Spotloom")
    await expect(chip(page, "Done")).to_contain_text("6")
    await expect(page.locator('.vid[data-status="completed"] .frame img')).to_have_count(6)
    await expect(page.get_by_text("Animatics drawn here; nothing is charged").first).to_be_visible()
    review = page.get_by_role("link", name="Review 6 finished")
    campaign = (await studio.stage.owner.get(f"/api/campaigns/{batch}"))["id"]
    assert await review.get_attribute("href") == f"/campaigns/{campaign}/review"
    assert await page.evaluate(SHOWN) == await truth(studio.stage, batch)
    await page.get_by_role("button", name="More").click()
    duplicate = page.get_by_role("link", name="Duplicate as new brief")
    assert await duplicate.get_attribute("href") == f"/new?from={campaign}"


async def test_what_is_looked_at_stands_in_the_address_and_the_way_back_works(studio):
    batch = await studio.stage.finished(12)
    page = await studio.open(f"/campaigns/{batch}")
    rows = page.locator(".vid[data-key]")
    await expect(rows).to_have_count(12)
    await chip(page, "Queued").click()
    await expect(page).to_have_url(re.compile(r"\?status=queued$"))
    await expect(page.get_by_text("No video fits")).to_be_visible()
    await page.go_back()
    await expect(rows).to_have_count(12)
    await page.get_by_role("button", name="Filter").click()
    await page.get_by_role("checkbox", name="Cinema", exact=True).check()
    await expect(page).to_have_url(re.compile(r"option=aesthetic%3Acinema"))
    wanted = sum(
        i["values"]["aesthetic"] == "cinema" for i in await studio.stage.combinations(batch)
    )
    await expect(rows).to_have_count(wanted)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Grid").click()
    await expect(page.locator(".list.grid .vid")).to_have_count(wanted)
    await page.keyboard.press("/")
    await page.get_by_label("Find videos").fill("storytime")
    await expect(page).to_have_url(re.compile("q=storytime"))
    await page.get_by_label("Sort by").select_option("Status")
    address = page.url
    assert {"view=grid", "q=storytime", "sort=status"} <= set(address.split("?")[1].split("&"))
    found = await rows.count()
    again = await studio.open(address.removeprefix(studio.stage.url))
    await expect(again.locator(".list.grid .vid")).to_have_count(found)
    await again.get_by_role("button", name="Show all").click()
    await expect(again.locator(".list.grid .vid")).to_have_count(12)


async def test_where_nothing_is_charged_failed_videos_are_retried_for_free(studio):
    studio.stage.sandbox.faults(FAILS | {"jobs": {"every": 2}})
    batch = await studio.stage.submit(brief(4))
    page = await studio.open(f"/campaigns/{batch}")
    retry = page.locator("batch-actions").get_by_role("button", name="Retry 2 failed · free")
    await expect(retry).to_be_visible()
    for spoken in (page.locator("batch-actions"), page.locator("batch-trouble")):
        await expect(spoken).not_to_contain_text("$")
    cost = page.locator("batch-header .facts > div", has_text="Cost")
    await expect(cost).to_have_text(re.compile(r"^\s*Cost\s*free\s*Forecast \$4\.00\s*$"))
    await expect(page.locator("batch-header")).to_have_text(re.compile(r"^[^$]*\$4\.00[^$]*$"))
    for word in ("Charged", "Reserved"):
        await expect(page.locator("batch-header dt", has_text=word)).to_have_count(0)
    await expect(page.locator('.vid[data-status="completed"] .cost').first).to_have_text("free")
    group = page.locator(".reasons li", has_text="Refused by the provider's moderation")
    await expect(group).to_contain_text("Edit the idea")
    await expect(group.get_by_role("link", name="Edit in a new brief")).to_be_visible()
    await axe(page)
    await retry.click()
    dialog = page.get_by_role("dialog", name="Retry 2 failed videos?")
    await expect(dialog).to_contain_text("refused by moderation")
    await expect(dialog).to_contain_text("nothing is charged. The forecast, $2.00, counts against")
    await dialog.get_by_role("button", name="Back").click()
    assert (await studio.stage.status(batch))["counts"]["failed"] == 2
    studio.stage.sandbox.faults()
    await retry.click()
    await dialog.get_by_role("button", name="Retry 2 failed · free").click()
    await expect(page.get_by_role("heading", name="All 4 videos are made")).to_be_visible()
    tries = page.locator(".vid .tries", has_text="2 tries")
    await expect(tries).to_have_count(2)


async def test_one_reason_is_retried_alone(studio):
    studio.stage.sandbox.faults(
        {"where": "create", "fault": "moderation", "calls": {"only": [1]}},
        FAILS | {"code": "bad_day", "jobs": {"every": 1}},
    )
    batch = await studio.stage.submit(brief(2))
    await studio.stage.over(batch)
    studio.stage.sandbox.faults()
    page = await studio.open(f"/campaigns/{batch}?status=failed")
    group = page.locator(".reasons li", has_text="could not make it")
    await group.get_by_role("button", name="Retry 1 · free").click()
    await page.get_by_role("dialog").get_by_role("button", name="Retry 1 video · free").click()
    await expect(chip(page, "Done")).to_contain_text("1")
    assert (await studio.stage.over(batch))["counts"]["failed"] == 1
    # The list stays as it was found until it is asked for anew.
    await expect(page.locator(".vid[data-key]")).to_have_count(2)
    await page.get_by_role("button", name="1 video changed · sort again").click()
    await expect(page.locator(".vid[data-key]")).to_have_count(1)


async def test_cancelling_says_what_is_kept_and_what_no_longer_counts(studio):
    studio.stage.sandbox.faults(HANGS)
    batch = await studio.stage.submit(brief(7))
    page = await studio.open(f"/campaigns/{batch}")
    await expect(page.locator('.vid[data-status="generating"]')).to_have_count(4)
    await page.get_by_role("button", name="More").click()
    await page.get_by_role("button", name="Cancel all that is left").click()
    dialog = page.get_by_role("dialog", name="Cancel what is left of this batch?")
    await expect(dialog).to_contain_text("3 videos still wait; the forecast, $3.00, no longer")
    await expect(dialog).to_contain_text("4 videos at the provider will be asked to stop")
    await dialog.get_by_role("button", name="Cancel 7 videos", exact=True).click()
    await expect(page.get_by_text("This batch was cancelled")).to_be_visible()
    await expect(chip(page, "Cancelled")).to_contain_text("7")


async def test_a_selection_is_made_and_acted_on_by_the_keyboard(studio):
    batch = await studio.stage.made(5)
    page = await studio.open(f"/campaigns/{batch}")
    await expect(page.locator(".vid[data-key]")).to_have_count(5)
    for key in ("j", "x", "j", "Shift+ArrowDown"):
        await page.keyboard.press(key)
    bar = page.get_by_role("toolbar", name="Selected videos")
    await expect(bar).to_contain_text("3 selected")
    await axe(page)
    await page.keyboard.press("a")
    await expect(page.locator(".vid .approved")).to_have_count(3)

    async def approved():
        found = [item["review"] for item in await studio.stage.combinations(batch)]
        return found.count("approved") == 3

    await until(approved)
    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(page.locator(".vid .approved")).to_have_count(0)

    async def put_back():
        return {item["review"] for item in await studio.stage.combinations(batch)} == {"none"}

    await until(put_back)
    await page.keyboard.press("Escape")
    await expect(bar).to_have_count(0)


async def test_the_drawer_opens_by_keyboard_and_moves_on_while_it_is_open(studio):
    batch = await studio.stage.finished(5)
    items = await studio.stage.combinations(batch)
    page = await studio.open(f"/campaigns/{batch}")
    await expect(page.locator(".vid[data-key]")).to_have_count(5)
    for key in ("j", "j", "Enter"):
        await page.keyboard.press(key)
    drawer = page.locator("dialog.drawer")
    second, third = items[1], items[2]
    await expect(page).to_have_url(re.compile(f"video={second['combinationId']}"))
    await expect(drawer).to_contain_text(f"No. 2 of 5, {second['combinationId']}")
    await expect(drawer.locator(".prompt")).to_have_text(second["prompt"])
    await expect(drawer).to_contain_text(second["providerJobId"])
    for step in ("Queued", "Sent", "Accepted", "Ready at the provider", "Over"):
        await expect(drawer.locator(".timeline")).to_contain_text(step)
    await page.keyboard.press("j")
    await expect(drawer).to_contain_text(f"No. 3 of 5, {third['combinationId']}")
    await expect(drawer.locator(".prompt")).to_have_text(third["prompt"])
    await page.keyboard.press(" ")
    await reached(page, PLAYS)
    await axe(page)
    await page.keyboard.press("Escape")
    await expect(drawer).not_to_be_visible()
    await expect(page).not_to_have_url(re.compile("video="))
    await expect(page.locator(f'.vid[data-key="{third["combinationId"]}"]')).to_be_focused()
    linked = await studio.open(f"/campaigns/{batch}?video={second['combinationId']}")
    await expect(linked.locator("dialog.drawer")).to_contain_text("No. 2 of 5")


async def test_notes_and_an_address_are_kept(studio):
    batch = await studio.stage.made(1)
    (item,) = await studio.stage.combinations(batch)
    page = await studio.open(f"/campaigns/{batch}?video={item['combinationId']}")
    await page.get_by_label("Notes").fill("For the spring fair.")
    await page.get_by_label("Where you have put the video").fill("https://video.example/1.mp4")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await page.locator("dialog.drawer").get_by_role("button", name="Winner").click()
    await expect(page.locator("dialog.drawer .tag", has_text="Winner")).to_be_visible()

    async def kept():
        (now,) = await studio.stage.combinations(batch)
        return (now["notes"], now["videoUrl"], now["winner"]) == (
            *("For the spring fair.", "https://video.example/1.mp4"),
            True,
        )

    await until(kept)


async def test_a_film_plays_in_its_card_and_only_one_at_a_time(studio):
    batch = await studio.stage.finished(5)
    page = await studio.open(f"/campaigns/{batch}?view=grid")
    cards = page.locator(".list.grid .vid")
    await cards.nth(0).locator(".media").hover()
    await expect(cards.nth(0).locator(".scrub")).to_have_count(1)
    await cards.nth(0).locator(".playmark").click()
    await reached(page, PLAYS)
    await cards.nth(1).locator(".playmark").click()
    await reached(page, PLAYS)
    await expect(page.locator("video")).to_have_count(1)
    await expect(cards.nth(1).locator("video")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.locator("video")).to_have_count(0)
    await axe(page)
    await no_sideways_scroll(page)


async def doubtful(studio, videos=1):
    """A batch of which nobody knows whether it was bought; and its page at the first of them."""
    studio.stage.sandbox.faults(
        {"where": "create", "accepted": True, "fault": "drop", "calls": {"first": videos}},
        NO_LIST | {"calls": {"first": 100_000}},
    )
    batch = await studio.stage.submit(brief(videos))
    page = await studio.open(f"/campaigns/{batch}")
    await page.get_by_role("button", name="Decide no. 1").click()
    return batch, page


async def test_a_possibly_charged_video_is_fetched_from_the_job_that_a_person_names(studio):
    known = {job["id"] for job in studio.stage.sandbox.ledger()["jobs"]}
    batch, page = await doubtful(studio)
    (job,) = {job["id"] for job in studio.stage.sandbox.ledger()["jobs"]} - known
    drawer = page.locator("dialog.drawer")
    await expect(drawer).to_contain_text("Here it is free whatever you decide.")
    await axe(page)
    await drawer.get_by_label("The provider's job id").fill(job)
    await drawer.get_by_role("button", name="It is there: fetch it").click()
    await expect(drawer.locator(".status.completed")).to_be_visible()
    assert (await studio.stage.combinations(batch))[0]["providerJobId"] == job


async def test_a_possibly_charged_video_is_retried_or_given_up(studio):
    batch, page = await doubtful(studio)
    drawer = page.locator("dialog.drawer")
    await drawer.get_by_role("button", name="Give up").click()
    sure = page.get_by_role("dialog", name="Give this video up?")
    await sure.get_by_role("button", name="Give up").click()
    await expect(drawer.locator(".status.lost").first).to_be_visible()
    studio.stage.sandbox.faults()
    await drawer.get_by_role("button", name="Retry · free").click()
    sure = page.get_by_role("dialog", name="Retry 1 video?")
    await expect(sure).to_contain_text("may have been made already")
    await sure.get_by_role("button", name="Retry 1 video · free").click()
    await expect(drawer.locator(".status.completed").first).to_be_visible()
    await expect(drawer.locator("details")).to_have_count(2)
    assert (await studio.stage.status(batch))["spend"]["unknown"] > 0


@pytest.mark.timed
async def test_a_line_that_was_cut_for_ten_seconds_leaves_nothing_wrong(studio, line):
    studio.expects("ERR_", "Failed to load")
    studio.stage.sandbox.faults(HANGS)
    batch = await studio.stage.submit(brief(7))
    page = await studio.open(f"/campaigns/{batch}", at=line.url)
    await expect(page.locator('.vid[data-status="generating"]')).to_have_count(4)
    line.cut()
    await expect(page.locator(".livemark")).to_have_text("Reconnecting")
    await studio.stage.owner.post(f"/api/batch/{batch}/cancel")
    await asyncio.sleep(10)  # as long as the line is to stay cut

    async def equal():
        return await page.evaluate(SHOWN) == await truth(studio.stage, batch)

    assert not await equal()
    line.mend()
    await until(equal, what="the page to be right", deadline_s=8)
    await expect(page.locator(".livemark")).to_have_text("Live")
    await expect(page.get_by_text("This batch was cancelled")).to_be_visible()


async def test_a_page_recovers_by_itself_when_the_server_comes_back(studio):
    studio.expects("ERR_", "Failed to load")
    batch = await studio.stage.submit(brief(3))
    page = await studio.open(f"/campaigns/{batch}")
    await studio.stage.kill()
    await expect(page.locator(".livemark")).to_have_text("Reconnecting")
    await studio.stage.start()
    await expect(page.locator(".livemark")).to_have_text("Live")
    await studio.stage.over(batch)
    await expect(page.get_by_role("heading", name="All 3 videos are made")).to_be_visible()
    assert await page.evaluate(SHOWN) == await truth(studio.stage, batch)


async def test_files_and_manifests_are_downloaded(studio):
    batch = await studio.stage.finished(5)
    page = await studio.open(f"/campaigns/{batch}")
    items = await studio.stage.combinations(batch)

    async def got(click):
        async with page.expect_download() as coming:
            await click()
        return (await (await coming.value).path()).read_bytes()

    async def chosen(name):
        await page.get_by_role("button", name="Download").first.click()
        await page.get_by_role("button", name=name).click()

    archive = zipfile.ZipFile(io.BytesIO(await got(lambda: chosen("All 5 finished videos (ZIP)"))))
    assert len([n for n in archive.namelist() if n.endswith(".mp4")]) == 5
    table = (await got(lambda: chosen("Manifest as CSV"))).decode()
    assert [r["combinationId"] for r in csv.DictReader(io.StringIO(table))] == [
        item["combinationId"] for item in items
    ]
    told = json.loads(await got(lambda: chosen("Manifest as JSON")))
    assert told == json.loads(archive.read("manifest.json"))
    assert [v["combinationId"] for v in told["videos"]] == [i["combinationId"] for i in items]
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    bar = page.get_by_role("toolbar", name="Selected videos")
    archive = zipfile.ZipFile(
        io.BytesIO(await got(lambda: bar.get_by_role("button", name="Download 1").click()))
    )
    (film,) = [n for n in archive.namelist() if n.endswith(".mp4")]
    assert items[0]["combinationId"] in film


async def test_a_viewer_sees_everything_and_no_button_that_is_not_theirs(studio):
    following = studio.stage.sandbox.ledger()["accepted"] + 1  # jobs are counted for ever
    studio.stage.sandbox.faults(FAILS | {"jobs": {"only": [following]}})
    batch = await studio.stage.submit(brief(2))
    await studio.stage.over(batch)
    page = await studio.open(f"/campaigns/{batch}", who="viewer")
    await expect(page.locator(".vid[data-key]")).to_have_count(2)
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog.drawer .prompt")).to_be_visible()
    for name in ("Retry", "Cancel", "Approve", "Pause", "Duplicate", "Save", "Winner"):
        await expect(page.get_by_role("button", name=re.compile(f"^{name}"))).to_have_count(0)
    await axe(page)


@pytest.mark.parametrize("view", ["", "?view=grid"])
async def test_the_page_is_for_everybody_and_fits_a_phone(studio, view):
    batch = await studio.stage.finished(12)
    page = await studio.open(f"/campaigns/{batch}{view}")
    await expect(page.locator(".vid[data-key]")).to_have_count(12)
    await axe(page)
    await no_sideways_scroll(page)
    await axe(page)

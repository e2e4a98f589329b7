"""What the pages say is so: counts and sums, verdicts that came late, campaigns that are gone."""

import datetime as dt
import re

import pytest
from playwright.async_api import expect
from tests.e2e.looking import axe
from tests.e2e.stage import brief, until

expect.set_options(timeout=45_000)  # two cores, shared with other tests


async def test_figures_that_are_ahead_of_the_rows_promise_nothing(studio):
    studio.stage.sandbox.faults(
        {"where": "job", "fault": "fail", "code": "bad_day", "jobs": {"every": 1}}
    )
    batch = await studio.stage.submit(brief(2))
    await studio.stage.over(batch)
    studio.expects("ERR_FAILED")
    page = await studio.open("/")
    await page.clock.install(time=dt.datetime.now(dt.UTC))
    await page.route("**/events*", lambda route: route.abort())

    async def earlier(route):  # as it was while both were made
        answer = await route.fetch()
        text = await answer.text()
        for now, then in (
            *((r'"failed"(?!\s*:)', '"generating"'), (r'"failed": 2', '"failed": 0')),
            *((r'"generating": 0', '"generating": 2'), (r'"over": 2', '"over": 0')),
        ):
            text, many = re.subn(now, then, text)
            assert many, now
        await route.fulfill(response=answer, body=text)

    await page.route(f"**/campaigns/{batch}", earlier)
    await page.goto(f"/campaigns/{batch}")
    await expect(page.locator('.vid[data-status="generating"]')).to_have_count(2)
    await page.clock.fast_forward(16_000)
    await expect(page.locator('.vid[data-status="failed"]')).to_have_count(2)
    actions = page.locator("batch-actions")
    await expect(actions.get_by_role("button", name="Retry 2 failed · free")).to_be_visible()
    await expect(actions.get_by_role("link", name="Edit the")).to_have_count(0)


async def test_a_verdict_whose_video_could_not_be_read_is_read_later(studio):
    batch = await studio.stage.made(2)
    ann = await studio.stage.person("editor Ann")
    first = (await studio.stage.combinations(batch))[0]["combinationId"]
    page = await studio.open(f"/campaigns/{batch}/review?video={first}")
    await expect(page.locator("review-side pre.prompt")).to_be_visible()
    studio.expects("ERR_FAILED")
    refused = []

    async def once(route):
        refused.append(route.request.url)
        await route.abort()

    path = f"/api/campaigns/{batch}/combinations/{first}"
    await page.route(f"**{path}", once, times=1)
    await ann.post(f"{path}/reject", {"reason": "Off-brand"})
    await expect(page.locator(".verdict")).to_contain_text("Rejected: Off-brand")
    assert refused


async def test_a_review_of_a_deleted_campaign_says_so_and_decides_nothing(studio):
    batch = await studio.stage.made(1)
    page = await studio.open(f"/campaigns/{batch}/review")
    await expect(page.get_by_text("0 of 1 reviewed")).to_be_visible()
    campaign = await studio.stage.owner.get(f"/api/campaigns/{batch}")
    answer = await studio.stage.owner.client.delete(
        f"/api/campaigns/{batch}", headers={"If-Match": f'"{campaign["version"]}"'}
    )
    assert answer.is_success, answer.text
    await expect(page.get_by_text("This campaign was deleted")).to_be_visible()
    await expect(page.get_by_text("Reconnecting")).to_have_count(0)
    await axe(page)
    asked = []
    page.on("request", lambda request: asked.append(request.method))
    for key in ("a", "w", "u", "r"):
        await page.keyboard.press(key)
    await expect(page.get_by_text("0 of 1 reviewed")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert set(asked) <= {"GET"}


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("/campaigns/{}?status=constructor&sort=toString", ".vid[data-key]"),
        ("/campaigns/{}/review?view=sheet&show=constructor", ".shot"),
        ("/campaigns/{}/review?view=valueOf", "review-player"),
        ("/?show=toString", "campaign-row"),
    ],
)
async def test_a_crafted_link_blanks_no_page(studio, path, rows):
    batch = await studio.stage.finished(3)
    page = await studio.open(path.format(batch))
    await expect(page.locator(rows).first).to_be_visible()


async def test_selected_videos_are_rejected_without_a_keyboard_and_one_is_downloaded_as_it_is(
    studio,
):
    batch = await studio.stage.made(3)
    page = await studio.open(f"/campaigns/{batch}")
    await page.get_by_label("Select video 1").check()
    await page.get_by_label("Select video 2").check()
    bar = page.get_by_role("toolbar", name="Selected videos")
    await bar.get_by_role("button", name="Reject 2").click()
    await page.get_by_role("dialog").get_by_role("button", name="Audio problem").click()

    async def rejected():
        found = [each["rejectReason"] for each in await studio.stage.combinations(batch)]
        return found == ["Audio problem", "Audio problem", None]

    await until(rejected, what="both rejections")
    await axe(page)
    await page.locator(".vid[data-key] .state").first.click()
    drawer = page.locator("dialog.drawer")
    async with page.expect_download() as coming:
        await drawer.get_by_role("link", name="Download").click()
    saved = await coming.value
    assert saved.suggested_filename.endswith(".mp4")
    assert (await saved.path()).read_bytes()[4:8] == b"ftyp"

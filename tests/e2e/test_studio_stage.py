"""The stage itself: what it promises to the tests that stand on it."""

import pytest
from playwright.async_api import expect
from tests.e2e.looking import axe, no_sideways_scroll
from tests.e2e.stage import brief


@pytest.mark.parametrize("videos", [1, 3, 5, 7, 12, 100, 660])
def test_a_brief_has_as_many_videos_as_it_says(videos):
    asked = brief(videos)
    rows = 1
    for options in asked["dimensions"].values():
        rows *= len(options)
    assert rows - len(asked.get("exclude", [])) == videos


async def test_a_finished_campaign_stands_on_the_home_page(studio):
    batch = await studio.stage.finished(3)
    page = await studio.open(f"/?text={batch}")  # the stage is shared: others may be newer
    await expect(page.locator(f'a[href="/campaigns/{batch}"]').first).to_be_visible()
    await axe(page)
    await no_sideways_scroll(page)


async def test_the_roles_are_who_they_say(studio):
    for who, role in (("owner", "admin"), ("viewer", "viewer"), ("editor Ann", "editor")):
        person = await studio.stage.person(who)
        assert (await person.get("/api/session"))["actor"]["role"] == role
        page = await studio.open("/", who=who)
        assert await page.locator("body").get_attribute("data-role") == role


async def test_faults_reach_the_provider_and_end_with_the_test(studio):
    studio.stage.sandbox.faults({"where": "job", "fault": "fail", "code": "moderation_blocked"})
    batch = await studio.stage.submit(brief(2))
    assert (await studio.stage.over(batch))["counts"]["failed"] == 2


async def test_the_server_returns_at_the_same_port(studio):
    page = await studio.open("/")
    studio.expects("ERR_")
    await studio.stage.kill()
    assert not studio.stage.serves
    await studio.stage.start()
    await page.reload()
    assert await page.title() == "Campaigns · Spotloom"


async def test_a_cut_line_lets_nothing_through_until_it_is_mended(studio, line):
    page = await studio.open("/", at=line.url)
    studio.expects("ERR_")
    ask = "() => fetch('/api/session').then(a => a.status, () => 'cut')"
    assert await page.evaluate(ask) == 200
    line.cut()
    assert await page.evaluate(ask) == "cut"
    assert line.refused
    line.mend()
    assert await page.evaluate(ask) == 200


async def test_a_page_that_complains_fails_its_test(studio):
    page = await studio.open("/")
    studio.expects("404", "not here", "another.example")
    await page.evaluate("() => fetch('/api/nothing-here')")
    await page.evaluate("() => { setTimeout(() => { throw new Error('not here') }) }")
    await page.evaluate("() => fetch('http://another.example/').catch(() => 0)")
    await expect(page.locator("body")).to_be_visible()
    told = "\n".join(studio.wrong)
    assert "404" in told
    assert "page error: " in told
    assert "another.example" in told

"""The first run in a real browser: a one-time link, the welcome, a password, the way back in."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio
from playwright.async_api import expect
from tests.e2e import stage as stages
from tests.e2e.looking import Studio, axe, no_sideways_scroll

from spotloom import embedded
from spotloom.campaigns import ids


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fresh_stage() -> AsyncIterator[stages.Stage]:
    """An installation in which nothing was done yet."""
    async with stages.opened() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def fresh(fresh_stage, machine_browser) -> AsyncIterator[Studio]:
    opened = Studio(stage=fresh_stage, browser=machine_browser)
    yield opened
    await opened.close()


def in_session(test):
    return pytest.mark.asyncio(loop_scope="session")(test)


@in_session
async def test_a_new_owner_is_welcomed_and_shown_where_to_begin(fresh):
    link = await fresh.stage.login_link()
    page = await fresh.open(link.removeprefix(fresh.stage.url), who=None)
    await page.wait_for_url(f"{fresh.stage.url}/")
    await expect(page.get_by_role("heading", name="Welcome to Spotloom")).to_be_visible()
    await expect(page.get_by_text("It costs nothing, and nothing leaves")).to_be_visible()
    start = page.get_by_role("link", name="Start with the sample brief")
    await expect(start).to_have_attribute("href", "/new?sample=1")
    await axe(page)
    await no_sideways_scroll(page)
    # Back does not lead to the secret, and it is used up.
    assert "#" not in page.url
    fresh.expects("401")
    again = await fresh.open(link.removeprefix(fresh.stage.url), who=None)
    await expect(again.get_by_role("alert")).to_contain_text("The link was used before")
    await axe(again)


@in_session
async def test_the_door_shows_only_the_ways_that_there_are(fresh):
    page = await fresh.open("/sign-in", who=None)
    by_link = page.get_by_role("region", name="With a one-time link")
    await expect(by_link).to_contain_text("spotloom login-link")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await by_link.get_by_role("button", name="Copy").click()
    await expect(by_link.get_by_role("button", name="Copied")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == "spotloom login-link"
    for name in ("Continue with Clerk", "Sign in"):
        await expect(page.get_by_role("button", name=name)).to_have_count(0)
    await axe(page)
    await no_sideways_scroll(page)


@in_session
async def test_a_viewer_of_an_empty_workspace_is_told_what_will_be_there(fresh):
    page = await fresh.open("/", who="viewer")
    await expect(page.get_by_role("heading", name="Welcome to Spotloom")).to_be_visible()
    await expect(page.get_by_role("link", name="Start with")).to_have_count(0)
    await page.goto("/queue")
    await expect(page.get_by_role("heading", name="No lane yet")).to_be_visible()
    await axe(page)


@in_session
async def test_the_owner_sets_a_password_and_comes_back_with_it(fresh):
    page = await fresh.open("/sign-in/done", who=None)
    await page.wait_for_url("**/sign-in?after=%2Fsettings%2Fsign-in")
    link = await fresh.stage.login_link()
    await page.goto(f"/sign-in?after=/settings/sign-in{link[link.index('#') :]}")
    await page.wait_for_url("**/settings/sign-in")
    await page.get_by_label("A new one").fill("a kettle, a lamp, a loaf")
    await page.get_by_role("button", name="Save the password").click()
    await expect(page.get_by_text("The password is saved.")).to_be_visible(timeout=30_000)
    await page.get_by_role("button", name="Account and theme").click()
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await page.wait_for_url(f"{fresh.stage.url}/sign-in")
    await axe(page)
    await no_sideways_scroll(page)
    fresh.expects("401")
    await page.get_by_label("Your password").fill("something else")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("is not right", timeout=30_000)
    await page.get_by_label("Your password").fill("a kettle, a lamp, a loaf")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{fresh.stage.url}/")


@in_session
async def test_nobody_is_led_elsewhere_after_signing_in(fresh):
    page = await fresh.open("/sign-in?after=//elsewhere.example/", who=None)
    assert await page.locator("body").get_attribute("data-after") == "/"


@in_session
async def test_people_of_several_workspaces_go_from_one_to_another(fresh):
    # Who sets a password is signed out elsewhere, and the owner's own client with them.
    link = await fresh.stage.login_link()
    await fresh.stage.owner.post("/auth/link", {"secret": link.partition("#")[2]})
    page = await fresh.open("/")
    account = page.get_by_role("button", name="Account and theme")
    await account.click()
    await expect(page.get_by_role("button", name="Theirs")).to_have_count(0)
    await asyncio.to_thread(another_workspace, fresh.stage, "Theirs")
    await page.reload()
    await account.click()
    await expect(page.get_by_role("button", name="local")).to_have_attribute("aria-pressed", "true")
    await axe(page)
    await page.get_by_role("button", name="Theirs").click()
    await expect(page.locator("body")).to_have_attribute("data-role", "viewer")
    await page.goto("/settings/sign-in")
    here = page.get_by_role("listitem").filter(has_text="You are here")
    await expect(here).to_contain_text("Theirs")
    await page.get_by_role("button", name="Go there").click()
    await expect(page.locator("body")).to_have_attribute("data-role", "admin")


def another_workspace(stage, name):
    """A second workspace, in which the owner is a viewer."""
    server = embedded.start(stage.home)
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            workspace = ids.new()
            connection.execute(
                "INSERT INTO spotloom.workspace (id, name) VALUES (%s, %s)", (workspace, name)
            )
            connection.execute(
                "INSERT INTO spotloom.member (workspace_id, person_id, role)"
                " SELECT %s, id, 'viewer' FROM spotloom.person WHERE subject = 'owner'",
                (workspace,),
            )
    finally:
        server.stop()

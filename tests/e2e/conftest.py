"""Gives the tests of the whole product their stage; stage.py tells how to use it."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright
from tests.e2e import line as lines
from tests.e2e import looking
from tests.e2e import stage as stages
from tests.e2e.line import Line
from tests.e2e.looking import Studio
from tests.e2e.stage import Stage

OURS = frozenset({"stage", "machine_browser"})
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What uses the stage runs in its loop, and not at all where no browser is wanted."""
    for item in items:  # all of the session's: other folders have stages of their own
        if item.path.parent == HERE and OURS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            if os.environ.get("SPOTLOOM_NO_BROWSER") == "1":
                item.add_marker(pytest.mark.skip(reason="SPOTLOOM_NO_BROWSER=1 was said"))


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """A served Spotloom beside a quick sandbox, for all tests of this folder."""
    async with stages.opened() as opened:
        yield opened


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def machine_browser() -> AsyncIterator[Browser]:
    """One chromium for all tests of this folder; every page has a context of its own."""
    async with async_playwright() as playwright:
        browser = await looking.chromium(playwright)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def studio(stage: Stage, machine_browser: Browser) -> AsyncIterator[Studio]:
    """Pages of this test; afterwards they must have been quiet, and the server be up again."""
    opened = Studio(stage=stage, browser=machine_browser)
    yield opened
    stage.sandbox.faults()
    if not stage.serves:
        await stage.start()
    try:
        await stage.quiet()  # or what is left over would be dealt the faults of the next test
    finally:
        await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def line(stage: Stage) -> AsyncIterator[Line]:
    """A line to the server that the test may cut."""
    async with lines.laid(stage.url) as laid:
        yield laid

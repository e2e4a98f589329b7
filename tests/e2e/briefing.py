"""Drafts, choices and rows: what the tests of the brief and of the matrix share."""

import json
import re
from typing import Any

from playwright.async_api import Locator, Page, expect
from tests.e2e.looking import Studio

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
    """The workspace that the page is of."""
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
    """Click these chips, which were not chosen."""
    group = page.get_by_role("group", name=re.compile(f"^{dimension}"))
    for option in options:
        await group.get_by_text(option, exact=True).click()  # the input itself lies hidden
        await expect(group.get_by_label(option, exact=True)).to_be_checked()


def rows(page: Page) -> Locator:
    """The combinations that are shown."""
    return page.locator(".mbody > .mrow:visible")


def made(page: Page) -> Locator:
    """Those of them that would be made."""
    return page.locator(".mbody > .mrow:visible:not([data-why])")


async def asked_once(page: Page, path: str) -> list[dict[str, Any]]:
    """The bodies that the page sends to that path from now on."""
    sent: list[dict[str, Any]] = []

    def note(request: Any) -> None:
        if request.method == "POST" and request.url.endswith(path):
            sent.append(request.post_data_json)

    page.on("request", note)
    return sent

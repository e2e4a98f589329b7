"""Pages of the studio in a real browser, and the rules that every page is held to.

No console error, no page error, no request to another host; `axe` finds nothing serious in light
nor in dark; nothing runs over the edge at 390 px.
"""

import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_playwright_python
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
)
from tests.e2e.stage import Stage

PATIENCE_MS = 20_000  # two cores, shared with other tests
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
THEMES = ("light", "dark")
NARROW = 390
# What the page asks axe for: everything that it knows, only the answer is cut to what is found.
_RUN = """axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations.map(
    rule => ({id: rule.id, impact: rule.impact, help: rule.help,
              at: rule.nodes.map(node => node.target.join(" ") + ": " + node.failureSummary)})))"""
# Infinite ones, such as a skeleton's, end by themselves where less motion is wanted.
_SETTLED = """new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame))
    .then(() => Promise.allSettled(document.getAnimations().map(each => each.finished)))"""
_WIDEST = """() => [...document.querySelectorAll("body *")]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.tagName + "." + e.className).slice(0, 8)"""


expect.set_options(timeout=PATIENCE_MS)


async def chromium(playwright: Playwright) -> Browser:
    """The machine's chromium, which finds nobody but this machine."""
    found = os.environ.get("SPOTLOOM_TEST_CHROMIUM") or shutil.which("chromium")
    assert found, "no chromium on PATH: install one, or set SPOTLOOM_NO_BROWSER=1"
    return await playwright.chromium.launch(
        executable_path=found,
        chromium_sandbox=False,  # it does not start as root
        args=[
            "--disable-background-networking",
            "--disable-component-update",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ],
    )


@dataclass(kw_only=True)
class Studio:
    """Browsers of one test, each with nothing in it but its person's session."""

    stage: Stage
    browser: Browser
    wrong: list[str] = field(default_factory=list)  # what its pages complained of
    _contexts: list[BrowserContext] = field(default_factory=list)
    _meant: list[str] = field(default_factory=list)

    async def open(
        self,
        path: str,
        *,
        who: str | None = "owner",
        theme: str = "light",
        width: int = 1440,
        height: int = 900,
        at: str | None = None,
        **more: Any,
    ) -> Page:
        """A page in a new browser; `who` is one of stage.person, or None for nobody."""
        context = await self.browser.new_context(
            base_url=at or self.stage.url,
            viewport={"width": width, "height": height},
            color_scheme=theme,
            **more,
        )
        self._contexts.append(context)
        self._watch(context, at or self.stage.url)
        if who is not None:
            await context.add_cookies((await self.stage.person(who)).cookies)
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(path)
        return page

    def expects(self, *parts: str) -> None:
        """Lines of the console with one of these in them are meant by this test."""
        self._meant += parts

    async def close(self) -> None:
        """Close all pages; they must have been quiet."""
        for context in self._contexts:
            await context.close()
        left = [line for line in self.wrong if not any(part in line for part in self._meant)]
        assert not left, "\n".join(left)

    def _watch(self, context: BrowserContext, home: str) -> None:
        def said(message: ConsoleMessage) -> None:
            if message.type == "error":
                where = message.location.get("url", "")
                self.wrong.append(f"console: {message.text} ({where})")

        def asked(url: str) -> None:
            parts = urlsplit(url)
            if parts.scheme not in {"data", "blob"} and not url.startswith(f"{home}/"):
                self.wrong.append(f"a request to another host: {url}")

        context.on("console", said)
        context.on("weberror", lambda error: self.wrong.append(f"page error: {error.error}"))
        context.on("request", lambda request: asked(request.url))


async def axe(page: Page, *, themes: tuple[str, ...] = THEMES) -> None:
    """Nothing serious or critical on the page as it stands, in light and in dark."""
    # Not page.evaluate, which the page's policy of no eval may stop.
    session = await page.context.new_cdp_session(page)

    async def evaluated(expression: str) -> Any:
        answer = await session.send(
            "Runtime.evaluate",
            {"expression": expression, "awaitPromise": True, "returnByValue": True},
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    await evaluated(AXE.read_text(encoding="utf-8"))
    serious = []
    for theme in themes:
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        await evaluated(_SETTLED)  # else a colour is met on its way to another
        for rule in await evaluated(_RUN):
            if rule["impact"] in {"serious", "critical"}:
                at = "\n    ".join(re.sub(r"\s+", " ", place) for place in rule["at"][:6])
                serious.append(f"{theme}: {rule['id']} ({rule['help']})\n    {at}")
    await session.detach()
    assert not serious, "\n".join(serious)


async def no_sideways_scroll(page: Page, *, width: int = NARROW) -> None:
    """At that width the page scrolls up and down, never sideways."""
    height = (page.viewport_size or {"height": 844})["height"]
    await page.set_viewport_size({"width": width, "height": height})
    wide = await page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= width, f"{wide} px: {await page.evaluate(_WIDEST)}"

"""Takes the pictures of the studio's screens: real films, wide and narrow, light and dark."""  # noqa: INP001 - a script, no package

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import APIRequestContext, Browser, Page

PICTURES = Path(__file__).resolve().parent / "studio"
SIZES = ((1440, 900), (390, 844))
THEMES = ("light", "dark")
QUALITY = 70
SECTIONS = ("budgets", "members", "keys", "webhooks", "notion", "sign-in", "audit", "about")
MOST_BYTES = 3_000_000  # of all pictures together
PATIENCE_S = 900

LIVE = "evening-tea"  # a batch that is under way in the pictures
BRIEF = {
    "brand": "Halden Tea",
    "productCategory": "evening tea",
    "bigIdea": "The tea that ends the working day. Put the kettle on, close the laptop.",
    "visualMessaging": "Steam rises, a laptop closes, a window turns from blue to amber.",
    "audioMessaging": "Some things can wait until tomorrow.",
    "callToAction": "Try seven evenings",
    "dimensions": {
        "funnelLevel": ["problem-aware"],
        "aesthetic": ["cinema", "ugc", "animated-2d"],
        "type": ["storytime", "listicle", "broll-visual-narrative", "skit"],
        "intention": ["heighten-mood"],
        "mood": ["wholesome"],
        "audioStyle": ["music-light-upbeat", "vo-conversational"],
    },
    "model": "sora-2",
    "duration": 4,
    "aspectRatio": "9:16",
    "budget": 60,
}
# What becomes of the live batch's jobs, by their number in it: it stands still for its pictures.
BLOCKED, LOST = 5, 11
UNDER_WAY = {15: 78, 16: 52, 17: 31, 18: 9}  # in progress for ever, at these percents
STANDS_AT = {"completed": 12, "failed": 2, "generating": 4, "queued": 6}


@dataclass(frozen=True, kw_only=True)
class Served:
    """A Spotloom that is up."""

    url: str
    link: str  # signs the owner in, once
    home: Path


@dataclass(frozen=True)
class Screen:
    """What is pictured, and how one gets there."""

    name: str
    path: str
    act: Callable[[Page], None] = lambda _page: None


@contextmanager
def served(home: Path, environment: dict[str, str]) -> Iterator[Served]:
    """`spotloom up` in that data folder, where nobody has signed in before."""
    said = home.with_suffix(".said")
    command = [sys.executable, "-m", "spotloom", "up", "--port", "0"]
    with said.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, env=environment, cwd=home.parent, stdout=subprocess.DEVNULL, stderr=file
        )
    try:
        link = _until(
            lambda: re.search(r"(http\S+)/sign-in#\S+", said.read_text()), what="the server"
        )
        yield Served(url=link[1], link=link[0], home=home)
    finally:
        process.terminate()
        process.wait(60)


def first_run(browser: Browser, place: Served) -> None:
    """Picture the way in, and the welcome on the other side of it."""
    _take(browser, place, [Screen("sign-in", "/sign-in")], session=None)
    _take(browser, place, [Screen("welcome", "/")], session=_signed_in(browser, place))


def screens(browser: Browser, place: Served) -> None:
    """Picture everything else: the demo's films reviewed, another batch under way."""
    session = _signed_in(browser, place)
    context = browser.new_context(base_url=place.url, storage_state=session)
    (demo,) = _told(context.request.get("/api/campaigns"))["items"]
    _review(context.request, demo["batchId"], place.url)
    _under_way(context.request, place)
    there = _told(context.request.get(f"/api/campaigns/{LIVE}/combinations?status=failed"))["items"]
    failed = there[0]["combinationId"]
    context.close()
    _take(browser, place, _wanted(demo["batchId"], failed), session=session)
    total = sum(path.stat().st_size for path in PICTURES.glob("*.webp"))
    _say(f"docs/pictures/studio: {total:,} bytes")
    if total > MOST_BYTES:
        sys.exit(f"docs: the studio's pictures are larger than {MOST_BYTES:,} bytes together.")


def _wanted(demo: str, failed: str) -> list[Screen]:
    """What there is to see once there are films."""
    live, review = f"/campaigns/{LIVE}", f"/campaigns/{demo}/review"
    return [
        Screen("home", "/"),
        Screen("brief", "/new?sample=1", _to_what_varies),
        Screen("matrix", "/new?sample=1", _to_the_matrix),
        Screen("confirm", "/new?sample=1", _to_the_sum),
        Screen("batch", live),
        Screen("films", f"{live}?view=grid", _to_the_films),
        Screen("video", f"{live}?video={failed}"),
        Screen("review", review),
        Screen("compare", f"{review}?view=two"),
        Screen("sheet", f"{review}?view=sheet"),
        Screen("queue", "/queue"),
        Screen("settings", "/settings"),
        *(Screen(f"settings-{section}", f"/settings/{section}") for section in SECTIONS),
    ]


def _signed_in(browser: Browser, place: Served) -> Any:
    """The owner's session, as their browser keeps it."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(place.link)
    page.wait_for_url(f"{place.url}/")
    session = context.storage_state()
    context.close()
    return session


def _review(ask: APIRequestContext, batch: str, url: str) -> None:
    """Say something of half of the films, as a marketer does."""
    films = _told(ask.get(f"/api/campaigns/{batch}/combinations"))["items"]
    said: list[dict[str, Any]] = [
        {
            "review": "approved",
            "winner": True,
            "notes": "The hook works. Keep it in the next wave.",
        },
        {"review": "approved"},
        {"review": "rejected", "rejectReason": "Wrong message"},
        {"review": "approved"},
        {"review": "approved"},
        {"review": "rejected", "rejectReason": "Visual glitch"},
        {"review": "approved", "winner": True},
    ]
    for film, word in zip(films, said, strict=False):
        path = f"/api/campaigns/{batch}/combinations/{film['combinationId']}"
        _told(ask.patch(path, data=word, headers={"If-Match": "*", "Origin": url}))


def _under_way(ask: APIRequestContext, place: Served) -> None:
    """Order the other batch, and let it come as far as the pictures show it."""
    sandbox = json.loads((place.home / "sandbox" / "ready.json").read_text())["url"]
    before = _sandbox(f"{sandbox}/sandbox/ledger")["accepted"]

    def fails(number: int, code: str, message: str) -> dict[str, Any]:
        jobs = {"only": [before + number]}
        return {"where": "job", "fault": "fail", "code": code, "message": message, "jobs": jobs}

    rules = [
        fails(BLOCKED, "moderation_blocked", "The prompt was refused by the safety system."),
        fails(LOST, "internal_error", "The video could not be rendered."),
        {"where": "job", "fault": "hang", "jobs": {"only": [before + n for n in UNDER_WAY]}},
    ]
    for number, percent in UNDER_WAY.items():
        jobs = {"only": [before + number]}
        rules.append({"where": "poll", "fault": "stuck", "value": percent, "jobs": jobs})
    _sandbox(f"{sandbox}/sandbox/faults", {"rules": rules})
    order = {"formData": BRIEF, "batchId": LIVE}
    _told(ask.post("/api/generate-batch", data=order, headers={"Origin": place.url}))
    _say("making the films of a batch that is under way")

    def there() -> bool:
        counts = _told(ask.get(f"/api/batch/{LIVE}"))["counts"]
        return all(counts[name] == many for name, many in STANDS_AT.items())

    _until(there, what=f"{LIVE} as it is pictured")


def _to_what_varies(page: Page) -> None:
    page.goto("/new")  # the draft, without the word on where it came from
    what = page.get_by_role("heading", name="What varies")
    what.evaluate("heading => heading.closest('section, .card').scrollIntoView()")


def _to_the_matrix(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^See the matrix")).click()
    page.wait_for_url("**/new/matrix")
    for number in (3, 8):
        page.locator(".mbody > .mrow").nth(number).get_by_role(
            "button", name=re.compile("^Exclude")
        ).click()


def _to_the_sum(page: Page) -> None:
    _to_the_matrix(page)
    page.get_by_role("link", name=re.compile("^Go on with")).click()
    page.wait_for_url("**/new/confirm")


def _to_the_films(page: Page) -> None:
    page.locator(".vid img").first.wait_for(state="attached")
    page.locator("batch-tools").evaluate("tools => tools.scrollIntoView()")


def _take(browser: Browser, place: Served, wanted: Sequence[Screen], *, session: Any) -> None:
    """Each screen in both sizes and both themes."""
    PICTURES.mkdir(exist_ok=True)
    for width, height in SIZES:
        for theme in THEMES:
            context = browser.new_context(
                base_url=place.url,
                viewport={"width": width, "height": height},
                color_scheme=theme,
                reduced_motion="reduce",
                storage_state=session,
            )
            page = context.new_page()
            page.set_default_timeout(60_000)  # the machine may be busy
            for screen in wanted:
                page.goto(screen.path)
                screen.act(page)
                _shoot(page, PICTURES / f"{screen.name}-{width}-{theme}.webp")
            context.close()


def _shoot(page: Page, target: Path) -> None:
    page.evaluate(
        """() => Promise.all([document.fonts.ready, ...[...document.images]
            .filter(each => each.getBoundingClientRect().top < innerHeight)
            .map(each => each.decode().catch(() => {}))])"""
    )
    page.wait_for_timeout(600)  # toasts and the first events have come by then
    shot = target.with_suffix(".png")
    page.screenshot(path=shot)
    with Image.open(shot) as picture:
        picture.convert("RGB").save(target, quality=QUALITY, method=6)
    shot.unlink()
    _say(f"docs/pictures/studio/{target.name}: {target.stat().st_size:,} bytes")


def _told(answer: Any) -> Any:
    if not answer.ok:
        sys.exit(f"docs: {answer.url} answered {answer.status}: {answer.text()}")
    return answer.json()


def _sandbox(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data)  # noqa: S310 - of our own sandbox
    with opener.open(request, timeout=30) as answer:
        return dict(json.load(answer))


def _until(condition: Callable[[], Any], *, what: str) -> Any:
    end = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        if time.monotonic() > end:
            sys.exit(f"docs: waited {PATIENCE_S} s for {what}.")
        time.sleep(0.2)
    return value


def _say(words: str) -> None:
    sys.stderr.write(f"docs: {words}\n")

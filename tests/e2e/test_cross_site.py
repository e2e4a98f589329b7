"""A page of another port, or of another host, cannot make a signed-in browser spend."""

import asyncio
import contextlib
import os
import shutil
import tempfile
import uuid
from pathlib import Path

import pytest
import structlog
from playwright.async_api import async_playwright
from tests.integration import live_stage, signing_in
from tests.integration.api_stage import brief
from tests.integration.database_fixtures import started

pytestmark = pytest.mark.skipif(
    os.environ.get("SPOTLOOM_NO_BROWSER") == "1", reason="SPOTLOOM_NO_BROWSER=1 was said"
)

PAGE = b"<!doctype html><meta charset=utf-8><title>Elsewhere</title><p>A harmless page."

# Each is run in the other site's page, as its own script; `url` is a route that spends.
ATTACKS = {
    "fetch, as a form would": """url => fetch(url, {method: "POST", mode: "no-cors",
        credentials: "include"}).then(a => a.type, e => "refused")""",
    "fetch with a simple body": """url => fetch(url, {method: "POST", mode: "no-cors",
        credentials: "include", body: "{}"}).then(a => a.type, e => "refused")""",
    "fetch with JSON": """url => fetch(url, {method: "POST", credentials: "include",
        headers: {"Content-Type": "application/json"}, body: "{}"})
        .then(a => a.status, e => "refused")""",
    "fetch with a header of ours": """url => fetch(url, {method: "POST", credentials: "include",
        headers: {"Idempotency-Key": "12345678"}}).then(a => a.status, e => "refused")""",
    "fetch that outlives its page": """url => fetch(url, {method: "POST", mode: "no-cors",
        credentials: "include", keepalive: true}).then(a => a.type, e => "refused")""",
    "beacon": """url => navigator.sendBeacon(url, "{}")""",
    "XMLHttpRequest": """url => new Promise(done => { const ask = new XMLHttpRequest();
        ask.open("POST", url); ask.withCredentials = true;
        ask.onloadend = () => done(ask.status); ask.send(); })""",
    "form in a frame": """url => new Promise(done => {
        const frame = document.createElement("iframe"); frame.name = "sink";
        document.body.append(frame);
        const form = document.createElement("form"); form.method = "post"; form.action = url;
        form.target = "sink"; form.enctype = "text/plain"; document.body.append(form);
        frame.onload = () => done("sent"); form.submit(); })""",
    "form in a new window": """url => new Promise(done => {
        const form = document.createElement("form"); form.method = "post"; form.action = url;
        form.target = "_blank"; document.body.append(form);
        form.submit(); setTimeout(done, 500, "sent"); })""",
    "image": """url => new Promise(done => { const image = new Image();
        image.onload = image.onerror = () => done("sent"); image.src = url; })""",
    "script": """url => new Promise(done => { const script = document.createElement("script");
        script.onload = script.onerror = () => done("sent"); script.src = url;
        document.body.append(script); })""",
}
OPENS_ITS_OWN_PAGE = """url => { const form = document.createElement("form");
    form.method = "post"; form.action = url; document.body.append(form); form.submit(); }"""
READ = """url => fetch(url, {credentials: "include"}).then(a => a.text(), e => "refused")"""
FRAMED = """url => new Promise(done => { const frame = document.createElement("iframe");
    frame.src = url; frame.onload = () => { let inside = "foreign";
      try { inside = frame.contentDocument ? "readable" : "foreign"; } catch {}
      done(inside); }; document.body.append(frame); })"""


@contextlib.asynccontextmanager
async def elsewhere():
    """Another server of this machine, whose every page is harmless; its port."""

    async def met(reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\n"
            writer.write(head.encode() + b"Connection: close\r\n\r\n" + PAGE)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture(scope="module")
def server_url():
    with tempfile.TemporaryDirectory(prefix="spotloom-home-") as folder:
        Path(folder).chmod(0o711)  # root's database runs as another account
        with started(Path(folder)) as url:
            yield url


@pytest.fixture
async def house(server_url):
    """The whole application, with one batch of which every video has failed."""
    with live_stage.ground(server_url) as ground:
        async with signing_in.house(ground) as house:
            yield house


@pytest.fixture
async def context():
    chromium = os.environ.get("SPOTLOOM_TEST_CHROMIUM") or shutil.which("chromium")
    assert chromium, "no chromium on PATH: install one, or set SPOTLOOM_NO_BROWSER=1"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium)
        context = await browser.new_context()
        yield context
        await browser.close()


ASK = """([url, body]) => fetch(url, {method: "POST", headers: body
    ? {"Content-Type": "application/json"} : {}, body: body && JSON.stringify(body)})
    .then(async a => [a.status, await a.text()])"""


@pytest.fixture
async def studio(house, context):
    """A page of ours in a browser whose person has signed in, as people do."""
    page = await context.new_page()
    await page.goto(await house.gate.login_link())
    await page.wait_for_url(f"{house.url}/")
    await page.goto(f"{house.url}/healthz")  # a page of ours that asks for nothing by itself
    return page


@pytest.fixture
async def spends(house, studio):
    """The address that buys a failed batch again, and needs no body to do so."""
    batch_id = f"b-{uuid.uuid4().hex[:8]}"
    order = {"formData": brief(2), "batchId": batch_id}
    status, said = await studio.evaluate(ASK, [f"{house.url}/api/generate-batch", order])
    assert status == 200, said
    house.run("UPDATE spotloom.generation SET status = 'failed', over_at = now()")
    return f"{house.url}/api/batch/{batch_id}/retry-failed"


def bought(house):
    return house.value("SELECT count(*) FROM spotloom.generation")


def cookies_seen(context, url):
    """Whether each POST to our application, of which the browser was told the end, had our cookie.

    It is not told of the ends that it keeps from the other site's page.
    """
    seen = []

    async def note(answer):
        if answer.url.startswith(url) and answer.request.method == "POST":
            headers = await answer.request.all_headers()
            seen.append("spotloom=" in headers.get("cookie", ""))

    context.on("response", note)
    return seen


@pytest.mark.parametrize(
    ("name", "sends_the_cookie"),
    [
        ("127.0.0.1", True),  # another port is the same site, so SameSite lets the cookie go
        ("localhost", False),
        ("studio.localhost", False),
    ],
)
async def test_another_site_cannot_make_a_signed_in_browser_spend(
    house, context, studio, spends, name, sends_the_cookie, wait_until_async
):
    before = bought(house)
    assert before == 2
    cookies = cookies_seen(context, house.url)
    with structlog.testing.capture_logs() as log:
        await attack_from(name, context, spends)
        await wait_until_async(lambda: answers(log).count(("POST", 403)) >= 8)
    answered = answers(log)
    # Refused before any route; and what asks for leave first, or only looks, finds no such method.
    assert {*answered} == {("POST", 403), ("GET", 405), ("OPTIONS", 405)}
    assert any(cookies) == sends_the_cookie  # else there was nothing to prove
    assert bought(house) == before

    status, said = await studio.evaluate(ASK, [spends, None])  # our own page can
    assert status == 200, said
    assert bought(house) == before + 2


def answers(log):
    """What our application answered, by the log."""
    return [(e["method"], e["status"]) for e in log if e["event"] == "http.answered"]


async def attack_from(name, context, spends):
    """Everything that a page of that host can try."""
    async with elsewhere() as port:
        for attack in ATTACKS.values():
            page = await context.new_page()
            await page.goto(f"http://{name}:{port}/")
            await page.evaluate(attack, spends)
            await page.close()
        page = await context.new_page()
        await page.goto(f"http://{name}:{port}/")
        async with page.expect_navigation():
            await page.evaluate(OPENS_ITS_OWN_PAGE, spends)
        assert "another site" in await page.content()


async def test_another_site_can_neither_read_nor_frame_what_is_ours(house, context, studio, spends):
    async with elsewhere() as port:
        for name in ("127.0.0.1", "localhost"):
            page = await context.new_page()
            said = []
            page.on("console", lambda message, said=said: said.append(message.text))
            await page.goto(f"http://{name}:{port}/")
            for path in ("/api/campaigns", "/api/session", "/readyz"):
                assert await page.evaluate(READ, house.url + path) == "refused"
            assert await page.evaluate(FRAMED, f"{house.url}/sign-in/done") == "foreign"
            assert [text for text in said if "frame-ancestors" in text]
            await page.close()


async def test_a_name_that_is_moved_to_our_address_finds_nobody_in(house, context, studio):
    """DNS rebinding: the attacker's name, our address and port, the browser sees one origin."""
    moved = house.url.replace("127.0.0.1", "moved.localhost")
    page = await context.new_page()
    answer = await page.goto(f"{moved}/api/campaigns")
    assert answer.status == 421
    assert bought(house) == 0

"""The whole product on a stage: a served Spotloom, a quick sandbox, people, finished campaigns.

`stage` (one for each test process, see conftest.py) is a real `spotloom up` with its PostgreSQL
and its worker, beside a sandbox that is a process of its own. `studio` (one for each test) opens
pages in a real browser and holds them to the rules of looking.py. A test that takes either runs in
the session's event loop; a fixture of yours that uses them says so, too:

    @pytest_asyncio.fixture(loop_scope="session")
    async def page(studio):
        return await studio.open("/")                   # the owner, signed in, 1440 px, light

    async def test_a_campaign_can_be_seen(studio):
        batch = await studio.stage.finished(videos=3)   # shared by all: look at it, change nothing
        page = await studio.open(f"/campaigns/{batch}", who="viewer", theme="dark", width=390)
        await expect(page.get_by_text("3 videos")).to_be_visible()
        await axe(page)                                 # light and dark
        await no_sideways_scroll(page)                  # at 390 px

    async def test_a_failed_video_is_told(studio):
        studio.stage.sandbox.faults({"where": "job", "fault": "fail", "jobs": {"every": 2}})
        batch = await studio.stage.submit(brief(4))     # your own: do with it what you like
        await studio.stage.over(batch)

Faults are those of docs/sandbox.md, and end with the test. `{"where": "job", "fault": "hang"}`
keeps a video generating for as long as you like; cancel the batch before you leave. `stop`,
`start` and `kill` are for the server, always at one port; `line.cut()` and `line.mend()` (fixture
`line`, opened with `studio.open(path, at=line.url)`) for the network between page and server.
Lines of the console that a test means to provoke are named first: `studio.expects("412")`.
"""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from tests.integration.command_line import PROGRAM, ROOT, data_folder
from tests.integration.sandbox_process import Server as Sandbox
from tests.integration.sandbox_process import serving

T = TypeVar("T")

PATIENCE_S = 120  # two cores, shared with other tests
SECONDS = 2  # of a film
PAID_SECONDS = 4  # the shortest that openai-videos offers
CHOICES = {
    "funnelLevel": ["problem-aware", "unaware", "solution-aware", "product-aware", "most-aware"],
    "aesthetic": ["cinema", "ugc", "professional", "animated-2d"],
    "type": ["storytime", "listicle", "broll-visual-narrative"],
    "intention": ["educate", "entertain", "inspire", "challenge-belief"],
    "mood": ["wholesome", "intense", "shocking"],
    "audioStyle": ["music-light-upbeat"],
}


def brief(videos: int = 4, **more: Any) -> dict[str, Any]:
    """A brief of that many videos as the API takes it, unlike every other; 1 to 660 of them.

    What does not divide is excluded from the end: 7 videos are 3 × 3 without two.
    """
    dimensions, rows = _dimensions(videos)
    left = rows - videos
    return {
        "brand": "Tarn Audio",
        "bigIdea": f"The headphones you mend with a coin, {uuid.uuid4().hex[:8]}.",
        "dimensions": dimensions,
        "model": "sora-2",
        "duration": SECONDS,
        "aspectRatio": "9:16",
        **({"exclude": _last(dimensions, left)} if left else {}),
        **more,
    }


def _dimensions(videos: int) -> tuple[dict[str, list[str]], int]:
    """The fewest options whose product reaches that many, and the product."""
    counts = dict.fromkeys(CHOICES, 1)
    rows = 1
    for key in ("type", "aesthetic", "funnelLevel", "intention", "mood"):
        without = rows
        while rows < videos and counts[key] < len(CHOICES[key]):
            counts[key] += 1
            rows = without * counts[key]
    return {key: CHOICES[key][: counts[key]] for key in CHOICES}, rows


def _last(dimensions: dict[str, list[str]], many: int) -> list[dict[str, str]]:
    """The conditions that the last rows alone meet."""
    keys = list(dimensions)
    rows: list[dict[str, str]] = [{}]
    for key in keys:
        rows = [row | {key: option} for row in rows for option in dimensions[key]]
    return rows[-many:]


async def until(
    condition: Callable[[], T | Awaitable[T | None] | None],
    *,
    what: str = "",
    deadline_s: float = PATIENCE_S,
) -> T:
    """The condition's first true value; it may be a coroutine's."""
    end = time.monotonic() + deadline_s
    while True:
        answer = condition()
        value = await answer if isinstance(answer, Awaitable) else answer
        if value:
            return value
        assert time.monotonic() < end, f"waited {deadline_s} s for {what or condition}: {value!r}"
        await asyncio.sleep(0.05)


@dataclass(kw_only=True)
class Person:
    """Somebody with a part in the workspace, and their browser's cookies."""

    name: str
    role: str
    client: httpx2.AsyncClient

    @property
    def cookies(self) -> list[dict[str, Any]]:
        """Their session as a browser keeps it."""
        return [
            {"name": each.name, "value": each.value, "domain": "127.0.0.1", "path": "/"}
            for each in self.client.cookies.jar
        ]

    async def get(self, path: str, **more: Any) -> Any:
        """What the API answers them."""
        return _told(await self.client.get(path, **more))

    async def post(self, path: str, body: Any = None, **more: Any) -> Any:
        """Have the API do it; its answer."""
        return _told(await self.client.post(path, json=body, **more))

    async def patch(self, path: str, body: Any, **more: Any) -> Any:
        """Have the API change it, whatever its version; its answer."""
        return _told(await self.client.patch(path, json=body, headers={"If-Match": "*"}, **more))


def _told(reply: httpx2.Response) -> Any:
    assert reply.is_success, f"{reply.request.method} {reply.request.url}: {reply.text}"
    return reply.json() if reply.content else None


@dataclass(kw_only=True)
class Stage:
    """A served Spotloom; `url` is where, for as long as the stage stands."""

    home: Path
    sandbox: Sandbox
    url: str = "http://127.0.0.1:0"  # any port that is free, until the server has started
    people: dict[str, Person] = field(default_factory=dict)
    _finished: dict[int, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)  # beside those that all tests need
    _process: "subprocess.Popen[bytes] | None" = None

    # The server.

    async def start(self) -> None:
        """Serve, again at the port that it had; returns when it answers."""
        said = self.home / "said"
        with said.open("wb") as file:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
                [*PROGRAM, "up", "--port", self.url.rpartition(":")[2]],
                cwd=self.home,
                env=os.environ | self._settings(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
            )
        serving_at = re.compile(r"Serving (http://[\d.]+:\d+),")
        await until(lambda: serving_at.search(said.read_text()) or self._ended(), what="the server")
        assert not self._ended(), said.read_text()
        self.url = serving_at.findall(said.read_text())[0]

    async def stop(self, *, kill: bool = False) -> None:
        """Ask the server to leave, or kill it; returns when it has left."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        await asyncio.to_thread(self._process.wait, PATIENCE_S)
        self._process = None

    async def kill(self) -> None:
        """The server dies, as by a power cut."""
        await self.stop(kill=True)

    @property
    def serves(self) -> bool:
        """Whether the server is up."""
        return self._process is not None and not self._ended()

    def said(self) -> str:
        """What the server has written for its operator since it started."""
        return (self.home / "said").read_text()

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _settings(self) -> dict[str, str]:
        return {
            "SPOTLOOM_HOME": str(self.home),
            "PYTHONPATH": str(ROOT / "src"),
            "SPOTLOOM_POLL_SECONDS": "0.2",
            **self.settings,
        }

    async def command(self, *words: str) -> str:
        """What `spotloom …` prints beside the running server."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *PROGRAM[1:],
            *words,
            cwd=self.home,
            env=os.environ | self._settings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert process.returncode == 0, err.decode()
        return out.decode()

    async def login_link(self) -> str:
        """A one-time link of the owner's."""
        return (await self.command("login-link", "--url", self.url)).strip()

    # People.

    async def person(self, who: str) -> Person:
        """The `owner`, a `viewer`, an `editor`, an `admin`; or `editor Ann`, by that name."""
        if who not in self.people:
            role, _, name = who.partition(" ")
            self.people[who] = await self._invited(role, name or f"A {role}")
        return self.people[who]

    @property
    def owner(self) -> Person:
        """Whoever the installation belongs to."""
        return self.people["owner"]

    async def signed_in(self, link: str, name: str, **more: str) -> Person:
        """The person behind a link of ours, of either sort."""
        role = more.get("role", "admin")
        person = Person(name=name, role=role, client=self._client())
        secret = link.strip().partition("#")[2]
        if role == "admin" and not more:
            await person.post("/auth/link", {"secret": secret})
        else:
            password = f"correct horse of {uuid.uuid4().hex}"
            said = {"secret": secret, "name": name, "password": password}
            await person.post("/auth/invitations", said)
        return person

    async def _invited(self, role: str, name: str) -> Person:
        address = f"{uuid.uuid4().hex[:8]}@studio.example"
        answer = await self.owner.post("/api/invitations", {"email": address, "role": role})
        return await self.signed_in(answer["link"], name, role=role)

    def _client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            base_url=self.url, headers={"origin": self.url}, trust_env=False, timeout=PATIENCE_S
        )

    # Campaigns.

    async def submit(self, order: dict[str, Any] | None = None, *, batch: str = "") -> str:
        """Order the brief's videos, 4 unless said otherwise; the batch id."""
        batch = batch or f"b-{uuid.uuid4().hex[:8]}"
        wanted = {"formData": order or brief(), "batchId": batch}
        await self.owner.post("/api/generate-batch", wanted)
        return batch

    async def status(self, batch: str) -> dict[str, Any]:
        """How far the batch is."""
        return dict(await self.owner.get(f"/api/batch/{batch}"))

    async def over(self, batch: str, *, deadline_s: float = PATIENCE_S) -> dict[str, Any]:
        """How the batch stands once nothing more happens to it by itself."""

        async def ended() -> dict[str, Any] | None:
            now = await self.status(batch)
            return now if now["over"] == now["totalVideos"] else None

        return await until(ended, what=f"the end of {batch}", deadline_s=deadline_s)

    async def quiet(self) -> None:
        """Reopen the lanes, and wait until nothing is under way that was not paused by a test."""

        async def over() -> bool:
            lanes = (await self.owner.get("/api/queue/status"))["lanes"]
            for lane in lanes:
                if lane["blocked"] or lane["pausedUntil"]:
                    await self.owner.patch(f"/api/queue/lanes/{lane['id']}", {"state": "open"})
            return all(lane["held"] + lane["waiting"] == lane["heldBack"] for lane in lanes)

        await until(over, what="the end of what a test has left at work", deadline_s=60)

    async def made(self, videos: int = 4, **more: Any) -> str:
        """A campaign of the caller's own whose videos are all finished; its batch id."""
        batch = await self.submit(brief(videos, **more))
        end = await self.over(batch)
        assert end["counts"]["completed"] == videos, end["counts"]
        return batch

    async def finished(self, videos: int = 4) -> str:
        """A finished campaign that all tests of this process share; nobody changes it."""
        if videos not in self._finished:
            self._finished[videos] = await self.made(videos)
        return self._finished[videos]

    async def combinations(self, batch: str) -> list[dict[str, Any]]:
        """All of the campaign's combinations, in the order of the matrix."""
        found, cursor = [], ""
        while cursor is not None:
            page = await self.owner.get(
                f"/api/campaigns/{batch}/combinations",
                params={"limit": 200} | ({"cursor": cursor} if cursor else {}),
            )
            found += page["items"]
            cursor = page["nextCursor"]
        return found


@contextlib.asynccontextmanager
async def opened(
    *,
    instant_s: float = 0.05,
    limit: int = 4,
    settings: dict[str, str] | None = None,
    paying: bool = False,
) -> AsyncIterator[Stage]:
    """A stage of its own: jobs at its sandbox take that long, and so many are made at once.

    `paying`: new batches go to openai-videos, which is that sandbox under another name; its price
    counts as real money.
    """
    seconds = PAID_SECONDS if paying else SECONDS
    with _ground(instant_s=instant_s, limit=limit, seconds=seconds) as (home, sandbox):
        paid = {
            "SPOTLOOM_PROVIDER": "openai-videos",
            "SORA_BASE_URL": f"{sandbox.url}/v1",
            "SORA_API_KEY": "sk-nobody-else-has-this",
        }
        ours = (paid if paying else {}) | (settings or {})
        stage = Stage(home=home, sandbox=sandbox, settings=ours)
        await stage.start()
        try:
            link = await until(lambda: re.search(r"http\S+#\S+\n", stage.said()), what="a link")
            stage.people["owner"] = await stage.signed_in(link[0], "owner")
            yield stage
        finally:
            for person in stage.people.values():
                await person.client.aclose()
            await stage.stop()


@contextlib.contextmanager
def _ground(*, instant_s: float, limit: int, seconds: int) -> Iterator[tuple[Path, Sandbox]]:
    """A data folder with its database, and the sandbox that a server there finds at work."""
    quick = ("--instant-seconds", str(instant_s), "--limit", str(limit), "--processes", "1")
    with data_folder() as home:
        stock = ("--warm", f"720x1280:{seconds}")
        with serving(home / "sandbox", *quick, *stock) as sandbox:
            yield home, sandbox

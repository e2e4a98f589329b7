"""The client says in types and errors of ours what a served Spotloom answers, and pays once."""

import asyncio
import hashlib
import inspect
import json
import os
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.integration import api_document, api_stage, live_server, live_stage
from tests.integration.api_stage import brief
from tests.integration.live_server import Door
from tests.integration.live_stage import Ground
from tests.unit.cli import made

from spotloom.auth.roles import Role
from spotloom.client import AsyncClient, Client, batches
from spotloom.client.call import MOST_TRIES, Call, Operation
from spotloom.client.errors import Different, Misused, NotAllowed, ServerFault, Stale
from spotloom.client.operations import Operations
from spotloom.contract.combinations import CombinationEdit, File
from spotloom.contract.lanes import BudgetEdit, LaneEdit
from spotloom.errors import (
    BriefError,
    BudgetRefused,
    Conflict,
    NotFound,
    OutcomeUnknown,
    SetupError,
    Transient,
)
from spotloom.media.store import key_for

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = json.loads(api_document.DOCUMENT.read_text(encoding="utf-8"))
# For browsers, for who lets others in, or said by an operation that takes several at once.
NOT_OF_THE_CLIENT = {
    *("useLink", "usePassword", "useInvitation", "useClerkToken", "beginOidc", "endOidc"),
    *("getSession", "signOut", "signOutEverywhere", "listSessions", "endSession"),
    *("setPassword", "listWorkspaces", "switchWorkspace"),
    *("listMembers", "changeMember", "removeMember", "listInvitations", "invite"),
    *("takeBackInvitation", "listKeys", "makeKey", "revokeKey"),
    *("takeSoraWebhook", "takeProviderWebhook", "takeClerkWebhook"),
    *("getHealth", "getReadiness", "getMetrics"),
    *("cancelCombination", "retryCombination"),
}
BY_THEMSELVES = {"watchBatch", "getMedia", "getCampaignFiles"}  # they stream


# Against the document


def calls() -> Iterator[Call[Any]]:
    """A call of every operation, with whatever fits its arguments."""
    things = {
        *("brief", "priority", "decision", "changes", "version", "url", "events", "lane"),
        *("name", "combination", "asset", "hook", "delivery"),
    }
    given: dict[str, Any] = dict.fromkeys(things, "x") | {
        "brief": {},
        "priority": "high",
        "decision": "give-up",
        "version": 1,
        "url": "https://studio.example/hook",
        "events": ["video.failed"],
    }
    for name, operation in vars(Operations).items():
        if isinstance(operation, Operation):
            wanted = inspect.signature(operation.build).parameters.values()
            needed = {p.name: given[p.name] for p in wanted if p.default is p.empty}
            if "changes" in needed:
                changes = {"edit_lane": LaneEdit, "edit": CombinationEdit}.get(name, BudgetEdit)
                needed["changes"] = changes.model_construct()
            yield operation.build(**needed)


async def test_the_client_has_every_operation_of_the_document_and_no_other() -> None:
    told = {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }
    ours = {call.operation: call for call in calls()}
    assert set(told) == set(ours) | BY_THEMSELVES | NOT_OF_THE_CLIENT
    for name, call in ours.items():
        method, path, operation = told[name]
        parts = [part for part in path.split("/") if not part.startswith("{")]
        own = [part for part in call.path.split("/") if part != "x"]
        assert (call.method, own) == (method, parts), name
        known = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"}
        assert set(call.query) <= known, name
        takes_key = any(p["name"] == "idempotency-key" for p in operation.get("parameters", ()))
        spends = name in {"generateBatch", "retryFailed", "resolveCombination", "addHook"}
        assert takes_key == spends, name


async def test_both_clients_have_the_same_methods_each_with_its_sentence() -> None:
    plain, later = ({n for n in dir(c) if not n.startswith("_")} for c in (Client, AsyncClient))
    assert plain == later
    assert len(plain) > 35
    assert [n for n in plain if not (getattr(Client, n).__doc__ or "").strip()] == []
    with Client("http://127.0.0.1", key="spk_x") as client:
        assert inspect.signature(client.pause) == inspect.signature(batches.pause)


# Against a served Spotloom


@pytest.fixture(scope="module")
def ground(database_url: str) -> Iterator[Ground]:
    with (
        live_stage.template(database_url) as like,
        live_stage.ground(database_url, like=like) as one,
    ):
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    parts, engines = api_stage.parts_over(ground.url, tmp_path_factory.mktemp("media"))
    async with live_server.served(parts, ground, role=Role.ADMIN) as one:
        yield one
    await parts.gate.close()
    for engine in engines:
        await engine.dispose()


@pytest_asyncio.fixture(loop_scope="module")
async def client(door: Door) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(door.url, key=door.key) as one:
        yield one


async def test_a_brief_goes_from_plan_to_batch_and_is_steered(client: AsyncClient) -> None:
    wanted = brief(2, 2)
    plan = await client.plan(wanted)
    assert (plan.total_videos, plan.equation) == (4, "2 × 2 = 4 videos")
    queued = await client.submit(wanted, batch_id="steered", plan=plan)
    assert (queued.batch_id, queued.total_videos) == ("steered", 4)
    assert await client.submit(wanted, batch_id="steered", plan=plan) == queued
    status = await client.batch("steered")
    assert (status.total_videos, status.over, status.counts["queued"]) == (4, 0, 4)
    campaign = await client.campaign("steered")
    assert campaign.id == status.campaign_id
    assert (await client.pause("steered")).state == "paused"
    assert (await client.resume("steered")).state == "active"
    first, *others = [each.combination_id async for each in client.each_combination("steered")]
    assert len(others) == 3
    assert (await client.prioritise("steered", "high", combinations=[first])).moved == 1
    assert (await client.cancel("steered", combinations=[first])).cancelled == 1
    assert (await client.retry("steered")).queued == 1
    assert (await client.cancel("steered")).cancelled == 4
    await client.delete_campaign("steered")
    with pytest.raises(NotFound):
        await client.campaign("steered")


async def test_people_edit_what_they_have_seen(client: AsyncClient) -> None:
    await client.submit(brief(), batch_id="edited")
    (seen,) = (await client.combinations("edited")).items
    name = seen.combination_id
    after = await client.edit("edited", name, CombinationEdit(winner=True), version=seen.version)
    assert (after.winner, after.review) == (True, "none")
    with pytest.raises(Stale):
        await client.edit("edited", name, CombinationEdit(winner=False), version=seen.version)
    assert (await client.approve("edited", name)).review == "approved"
    assert (await client.reject("edited", name, reason="Blurred.")).reject_reason == "Blurred."
    found = await client.combinations("edited", review=["rejected"], winner=True)
    assert [each.combination_id for each in found.items] == [name]


async def test_lists_are_walked_page_by_page(client: AsyncClient, door: Door) -> None:
    for number in range(5):
        await client.submit(brief(), batch_id=f"walked-{number}")
    page = await client.campaigns(text="walked-", limit=2)
    assert page.next_cursor is not None
    names = [each.batch_id async for each in client.each_campaign(text="walked-", limit=2)]
    assert names == [f"walked-{number}" for number in reversed(range(5))]

    def plainly() -> list[str]:
        with Client(door.url, key=door.key) as plain:
            return [each.batch_id for each in plain.each_campaign(text="walked-", limit=2)]

    assert await asyncio.to_thread(plainly) == names
    audited = {entry.action async for entry in client.each_entry(limit=3)}
    assert "batch.submitted" in audited


async def test_limits_and_hooks(client: AsyncClient) -> None:
    await client.submit(brief(), batch_id="limits")
    (lane,) = (await client.queue()).lanes
    assert (await client.edit_lane(lane.id, LaneEdit(limit=7))).limit == 7
    assert (await client.edit_budget(BudgetEdit(daily_budget=None))).daily_budget is None
    hook = await client.add_hook("https://studio.example/hook", ["video.failed"])
    assert hook.secret
    assert [each.id for each in (await client.hooks()).items] == [hook.id]
    assert [each async for each in client.each_delivery(hook.id)] == []
    await client.delete_hook(hook.id)
    assert (await client.vocabulary()).most_videos == 660
    assert (await client.models()).models


async def test_what_goes_wrong_is_an_error_of_ours(client: AsyncClient, door: Door) -> None:
    with pytest.raises(BriefError) as wrong:
        await client.plan(brief(2, moody="yes", aspectRatio="3:7"))
    assert {p.field for p in wrong.value.problems} == {"formData.moody", "formData.aspectRatio"}
    assert "The server calls this request" in wrong.value.__notes__[0]
    with pytest.raises(NotFound):
        await client.batch("no/such ../batch?x")
    wanted = brief(2)
    plan = await client.plan(wanted)
    with pytest.raises(Different) as different:
        await client.submit(wanted, plan=plan, excluded=[plan.combinations[0].combination_id])
    assert different.value.problems
    with pytest.raises(BudgetRefused):
        await client.submit(brief(2, budget=1), batch_id="dear")
    await client.submit(wanted, batch_id="once")
    with pytest.raises(Conflict, match="different brief"):
        await client.submit(brief(2), batch_id="once")
    async with AsyncClient(door.url, key="spk_" + "x" * 43) as stranger:
        with pytest.raises(NotAllowed):
            await stranger.budget()


async def test_an_address_or_a_key_that_can_be_none_is_said_at_once() -> None:
    for server in ("", "spotloom.example", "ftp://x", "http://a:b@c", "http://x:0", "http://[x"):
        with pytest.raises(SetupError):
            Client(server, key="spk_x")
    for key in ("", " ", "a\nb", "schlüssel"):
        with pytest.raises(SetupError):
            Client("http://127.0.0.1", key=key)


# Against a line that is lost


@dataclass
class Line:
    """Stands between client and server, and loses what it is told to."""

    answers: Callable[[httpx2.Request], httpx2.Response | Exception]
    seen: list[httpx2.Request] = field(default_factory=list)

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        answer = self.answers(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self) -> Client:
        transport = httpx2.MockTransport(self.handle)
        return Client("http://127.0.0.1", key="spk_x", transport=transport)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the pauses between tries."""
    monkeypatch.setattr("time.sleep", lambda _: None)


QUEUED = {"batchId": "spring", "totalVideos": 1, "status": "queued"}


async def test_a_submit_whose_answer_was_lost_is_sent_again_under_its_key(quick: None) -> None:
    lost = [httpx2.ReadError("reset"), httpx2.ReadTimeout("slow")]
    line = Line(lambda _: lost.pop() if lost else httpx2.Response(200, json=QUEUED))
    with line.client() as client:
        assert client.submit({"brand": "x"}, batch_id="spring").batch_id == "spring"
    assert len(line.seen) == 3
    assert len({r.headers["idempotency-key"] for r in line.seen}) == 1
    assert {json.loads(r.content)["batchId"] for r in line.seen} == {"spring"}


async def test_an_edit_whose_answer_was_lost_is_not_repeated(quick: None) -> None:
    line = Line(lambda _: httpx2.ReadError("reset"))
    with line.client() as client, pytest.raises(OutcomeUnknown, match="may have been carried out"):
        client.edit("spring", "k1", CombinationEdit(winner=True), version=1)
    assert len(line.seen) == 1


@pytest.mark.parametrize(
    ("status", "headers", "times", "error"),
    [
        (429, {"retry-after": "1"}, MOST_TRIES, Transient),
        (429, {"retry-after": "3600"}, 1, Transient),
        (503, {}, MOST_TRIES, Transient),
        (502, {}, MOST_TRIES, Transient),
        (500, {}, 1, ServerFault),
        (404, {}, 1, SetupError),  # of something that is no Spotloom
        (400, {}, 1, SetupError),
    ],
)
async def test_only_what_can_pass_is_asked_again(
    quick: None, status: int, headers: dict[str, str], times: int, error: type[Exception]
) -> None:
    line = Line(lambda _: httpx2.Response(status, headers=headers, text="<html>"))
    with line.client() as client, pytest.raises(error):
        client.queue()
    assert len(line.seen) == times


async def test_nothing_is_lost_where_nothing_was_sent(quick: None) -> None:
    line = Line(lambda _: httpx2.ConnectError("refused"))
    with line.client() as client, pytest.raises(Transient, match="does not answer: refused"):
        client.edit("spring", "k1", CombinationEdit(winner=True), version=1)
    assert len(line.seen) == MOST_TRIES


async def test_an_answer_that_is_not_ours_is_told(quick: None) -> None:
    line = Line(lambda _: httpx2.Response(200, json={"hello": "world"}))
    with line.client() as client, pytest.raises(SetupError, match="does not answer as this"):
        client.queue()
    problem = {"type": "urn:spotloom:problem:too-large", "title": "Too large", "status": 413}
    line = Line(lambda _: httpx2.Response(413, json=problem | {"detail": "The body is big."}))
    with line.client() as client, pytest.raises(Misused, match=r"Too large: The body is big\."):
        client.plan({})


# Watching


async def test_a_batch_is_watched_to_its_end(
    client: AsyncClient, wait_until_async: Callable[..., Any]
) -> None:
    await client.submit(brief(2, 2), batch_id="watched")
    kinds: list[str] = []
    known: dict[str, str] = {}

    async def watch() -> None:
        async for event in client.watch("watched"):
            kinds.append(event.kind)
            known.update({video.combination_id: video.status for video in event.videos})
            assert event.progress is None or event.progress.total_videos == 4

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        await wait_until_async(lambda: len(known) == 4, 30)
        await client.cancel("watched")
    assert (kinds[0], kinds[-1]) == ("snapshot", "over")
    assert set(known.values()) == {"cancelled"}
    with pytest.raises(NotFound):
        async for _ in client.watch("nothing"):
            pass


def told(kind: str, place: str, **videos: str) -> bytes:
    """An event as the server writes it."""
    money = dict.fromkeys(("estimated", "reserved", "unknown", "actual", "committed"), 0)
    data: dict[str, Any] = {
        "batchId": "spring",
        "campaignId": "01900000-0000-7000-8000-0000000000aa",
        "state": "active",
        "totalVideos": 2,
        "counts": {"queued": 2},
        "over": 0,
        "percent": 0,
        "finishedAMinute": None,
        "expectedSeconds": None,
        "expectedFinish": None,
        "spend": money | {"budget": None},
        "videos": [
            {"combinationId": k, "status": v, "attempt": 1, "review": "none", "version": 1}
            for k, v in videos.items()
        ],
    }
    return f"event: {kind}\ndata: {json.dumps(data)}\nid: {place}\n\n".encode()


class Broken(httpx2.SyncByteStream):
    """What comes before the line is lost."""

    def __init__(self, *blocks: bytes) -> None:
        self._blocks = blocks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._blocks
        raise httpx2.ReadError("reset")


async def test_a_lost_watch_goes_on_after_the_last_event_that_was_whole(quick: None) -> None:
    sse = {"content-type": "text/event-stream"}
    first = Broken(
        b"retry: 1000\n\n", told("snapshot", "p1", k1="queued", k2="queued"),
        b": heartbeat\n\n", told("delta", "p2", k1="failed")[:-9],
    )  # fmt: skip
    rest = [told("delta", "p2", k1="failed"), told("delta", "p3", k2="failed")]
    answers = [
        httpx2.Response(200, headers=sse, stream=first),
        httpx2.ConnectError("refused"),
        httpx2.Response(503, headers={"retry-after": "1"}, text="busy"),
        httpx2.Response(200, headers=sse, content=rest[0]),  # and the server ends it
        httpx2.Response(200, headers=sse, content=rest[1] + told("over", "p3!")),
    ]
    line = Line(lambda _: answers.pop(0))
    with line.client() as client:
        events = [(e.kind, e.id, len(e.videos)) for e in client.watch("spring")]
    assert events == [
        ("snapshot", "p1", 2),
        ("delta", "p2", 1),
        ("delta", "p3", 1),
        ("over", "p3!", 0),
    ]
    asked = [request.headers.get("last-event-id") for request in line.seen]
    assert asked == [None, "p1", "p1", "p1", "p2"]


# Files

FILM = bytes(range(256)) * 5000


def film(**changes: Any) -> File:
    digest = hashlib.sha256(FILM).hexdigest()
    return made.file(url="/api/media/x", bytes=len(FILM), sha256=digest, **changes)


async def test_a_file_that_breaks_off_is_fetched_from_there(quick: None, tmp_path: Path) -> None:
    begun: list[int] = []

    def answers(request: httpx2.Request) -> httpx2.Response:
        start = int(request.headers.get("range", "bytes=0-")[6:-1])
        begun.append(start)
        status = 206 if start else 200
        piece = FILM[start : start + 500_000]
        if start + len(piece) == len(FILM):
            return httpx2.Response(status, content=piece)
        return httpx2.Response(status, stream=Broken(piece))

    line = Line(answers)
    with line.client() as client:
        client.download(film(), tmp_path / "new" / "film.mp4")
    assert (tmp_path / "new" / "film.mp4").read_bytes() == FILM
    assert begun == [0, 500_000, 1_000_000]
    assert [r.headers.get("if-range") for r in line.seen[1:]] == [f'"{film().sha256}"'] * 2
    assert os.listdir(tmp_path / "new") == ["film.mp4"]  # noqa: PTH208 - as below


async def test_a_file_that_never_comes_whole_is_given_up(quick: None, tmp_path: Path) -> None:
    line = Line(lambda _: httpx2.Response(200, stream=Broken(FILM[:10])))
    with line.client() as client, pytest.raises(Transient):
        client.download(film(), tmp_path / "film.mp4")
    assert not (tmp_path / "film.mp4").exists()
    line = Line(lambda _: httpx2.Response(200, content=FILM[::-1]))
    (tmp_path / "film.mp4.part").unlink()
    with line.client() as client, pytest.raises(Conflict, match="is not the file that was made"):
        client.download(film(), tmp_path / "film.mp4")
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - pathlib in a coroutine is refused, too


async def test_finished_files_are_fetched_from_the_server(
    client: AsyncClient, door: Door, ground: Ground, tmp_path: Path
) -> None:
    source = tmp_path / "source.mp4"
    source.write_bytes(FILM)
    await client.submit(brief(2), batch_id="finished")
    first = (await client.combinations("finished")).items[0].combination_id
    place = key_for("finished", first, 1, "video.mp4")
    await door.parts.store.put_file(place, source, content_type="video/mp4")
    ground.finish("finished", first, place, sha256=film().sha256, size=len(FILM))
    file = (await client.combination("finished", first)).files["video"]
    part = tmp_path / "film.mp4.part"
    part.write_bytes(FILM[:700_001])  # of an earlier, interrupted time
    await client.download(file, tmp_path / "film.mp4")
    assert (tmp_path / "film.mp4").read_bytes() == FILM
    await client.download_zip("finished", tmp_path / "all.zip", combinations=[first])
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        name, manifest = archive.namelist()
        assert (archive.read(name), manifest) == (FILM, "manifest.json")
    async with httpx2.AsyncClient() as nobody:
        shared = await nobody.get(str((await client.link(file.asset_id)).url).replace(
            api_stage.ADDRESS, door.url
        ))  # fmt: skip
    assert shared.content == FILM
    with pytest.raises(NotFound):
        await client.download_zip("nothing", tmp_path / "none.zip")
    assert not any(name.startswith("none") for name in os.listdir(tmp_path))  # noqa: PTH208 - as above

"""The client says in types and errors of ours what a served Spotloom answers, and pays once."""

import asyncio
import inspect
import json
import os
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.integration import api_document, api_stage, live_server, live_stage
from tests.integration.api_stage import brief
from tests.integration.client_lines import FILM, film
from tests.integration.live_server import Door
from tests.integration.live_stage import Ground

from spotloom.auth.roles import Role
from spotloom.client import AsyncClient, Client
from spotloom.client.call import Call, Operation
from spotloom.client.calls import batches
from spotloom.client.errors import Different, NotAllowed, Stale
from spotloom.client.operations import Operations
from spotloom.contract.briefs import TemplateEdit
from spotloom.contract.combinations import CombinationEdit
from spotloom.contract.lanes import BudgetEdit, LaneEdit
from spotloom.errors import (
    BriefError,
    BudgetRefused,
    Conflict,
    NotFound,
    SetupError,
)
from spotloom.media.store import key_for
from spotloom.providers.catalog import catalog
from spotloom.web.parts import KnownProvider

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
    # Setting up the mirror in Notion is for a person who sits before both.
    *("setUpNotion", "pairNotion", "showNotionToken", "disconnectNotion", "takeNotionWebhook"),
}
BY_THEMSELVES = {"watchBatch", "getMedia", "getCampaignFiles"}  # they stream


# Against the document


def calls() -> Iterator[Call[Any]]:
    """A call of every operation, with whatever fits its arguments."""
    things = {
        *("brief", "priority", "decision", "changes", "version", "url", "events", "lane"),
        *("name", "combination", "asset", "hook", "delivery", "template", "provider"),
        *("yaml", "batch", "campaign_id"),
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
                changes = {
                    "edit_lane": LaneEdit,
                    "edit": CombinationEdit,
                    "edit_template": TemplateEdit,
                }.get(name, BudgetEdit)
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
        spends = name in {
            *("generateBatch", "retryFailed", "resolveCombination", "addHook", "addTemplate"),
        }
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
    with live_stage.ground(database_url) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    parts, engines = api_stage.parts_over(ground.url, tmp_path_factory.mktemp("media"))
    adapter = catalog().openai_videos("sandbox", base_url="http://127.0.0.1:9/v1", api_key=None)
    parts = replace(parts, known=(KnownProvider(name="sandbox", adapter=adapter),))
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
    (latest, earliest) = (await client.attempts("steered", first)).items
    assert (latest.attempt, earliest.attempt, earliest.status) == (2, 1, "cancelled")
    await client.delete_campaign("steered")
    with pytest.raises(NotFound):
        await client.campaign("steered")
    assert (await client.restore_campaign(campaign.id)).batch_id == "steered"


async def test_briefs_are_read_written_and_kept_as_templates(client: AsyncClient) -> None:
    wanted = brief(2, 2)
    text = (await client.write_brief(wanted)).yaml
    read = await client.read_brief(text)
    assert (read.form_data["brand"], read.problems) == (wanted["brand"], [])
    wrong = await client.read_brief("moody: yes", name="mine.yaml")
    assert "moody" in {problem.field for problem in wrong.problems}
    kept = await client.add_template("Spring", {"brand": "Tarn Audio"})
    with pytest.raises(Conflict):
        await client.add_template("Spring", wanted)
    renamed = await client.edit_template(kept.id, TemplateEdit(name="Summer"), version=1)
    with pytest.raises(Stale):
        await client.edit_template(kept.id, TemplateEdit(name="Autumn"), version=kept.version)
    with pytest.raises(Stale):
        await client.delete_template(kept.id, version=kept.version)
    assert [each.name async for each in client.each_template()] == [renamed.name]
    assert (await client.template(kept.id)).form_data == {"brand": "Tarn Audio"}
    await client.delete_template(kept.id)
    assert (await client.templates()).items == []


async def test_what_the_server_is_set_up_with(client: AsyncClient) -> None:
    assert (await client.about()).version
    assert [each.name for each in (await client.providers()).providers] == ["sandbox"]
    answer = await client.test_provider("sandbox")
    assert not answer.well  # nobody listens there
    assert "could not be reached" in answer.says
    assert (await client.notion()).connection is None
    with pytest.raises(Conflict):
        await client.resync_notion()


async def test_people_edit_what_they_have_seen(client: AsyncClient) -> None:
    await client.submit(brief(), batch_id="edited")
    (seen,) = (await client.combinations("edited")).items
    name = seen.combination_id
    after = await client.edit("edited", name, CombinationEdit(winner=True), version=seen.version)
    assert (after.winner, after.review) == (True, "none")
    with pytest.raises(Stale):
        await client.edit("edited", name, CombinationEdit(winner=False), version=seen.version)
    approved = await client.approve("edited", name)
    assert (approved.review, approved.reviewed_by_name) == ("approved", "test")
    with pytest.raises(Stale):
        await client.reject("edited", name, version=seen.version)
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


# Watching, and files


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
    await client.download_zip("finished", tmp_path / "both.zip", positions=[1, 0])
    with zipfile.ZipFile(tmp_path / "both.zip") as archive:
        told = json.loads(archive.read("manifest.json"))
    assert await client.manifest("finished") == told
    assert len(told["videos"]) == 2
    with pytest.raises(NotFound):
        await client.download_zip("finished", tmp_path / "none.zip", positions=[2])
    async with httpx2.AsyncClient() as nobody:
        shared = await nobody.get(str((await client.link(file.asset_id)).url).replace(
            api_stage.ADDRESS, door.url
        ))  # fmt: skip
    assert shared.content == FILM
    with pytest.raises(NotFound):
        await client.download_zip("nothing", tmp_path / "none.zip")
    assert not any(name.startswith("none") for name in os.listdir(tmp_path))  # noqa: PTH208 - as above

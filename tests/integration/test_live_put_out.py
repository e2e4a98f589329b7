"""Who is put out while an answer is under way is soon told no more, and nobody follows too much."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.integration import api_stage, live_server, live_stage
from tests.integration.live_server import Door, watching
from tests.integration.live_stage import Ground

from spotloom.auth.roles import Role
from spotloom.media.store import key_for
from spotloom.web.limits import Rates

OFTEN_S = 0.1
REVOKE = "UPDATE spotloom.api_key SET revoked_at = now() WHERE name = %s"


@pytest.fixture(scope="module")
def ground(database_url: str) -> Iterator[Ground]:
    with live_stage.ground(database_url) as one:
        yield one


@contextlib.asynccontextmanager
async def served(ground: Ground, folder: Path, **more: Any) -> AsyncIterator[Door]:
    async with live_server.parts(ground, folder) as made:
        often = replace(made, ask_gate_every_s=OFTEN_S, **more)
        async with live_server.served(often, ground, narrow=True) as one:
            yield one


async def test_a_revoked_key_hears_no_more(ground, tmp_path, wait_until_async):
    campaign = ground.campaign(2)
    async with served(ground, tmp_path) as door, watching(door, campaign.batch_id) as one:
        door.key, before = await live_server.key(ground, Role.VIEWER), door.key
        async with watching(door, campaign.batch_id) as other:
            await wait_until_async(lambda: one.names == other.names == ["snapshot"])
            ground.run(
                "UPDATE spotloom.api_key SET revoked_at = now() WHERE prefix = %s", before[:10]
            )
            await wait_until_async(lambda: one.ended)
            await asyncio.sleep(3 * OFTEN_S)
            assert not other.ended
    assert one.names == ["snapshot"]


async def test_a_database_that_is_away_ends_no_stream(ground, tmp_path, wait_until_async):
    campaign = ground.campaign(2)
    async with served(ground, tmp_path) as door, watching(door, campaign.batch_id) as watcher:
        await wait_until_async(lambda: watcher.names == ["snapshot"])
        for _ in range(5):
            ground.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            await asyncio.sleep(OFTEN_S)
        assert not watcher.ended


async def test_a_list_breaks_off_and_does_not_look_whole(ground, tmp_path):
    campaign = ground.campaign(660)
    path = f"/api/campaigns/{campaign.batch_id}/combinations"
    async with (
        served(ground, tmp_path) as door,
        door.client(headers=door.headers | {"accept": "application/x-ndjson"}) as client,
        client.stream("GET", path) as answer,
    ):
        lines = answer.aiter_lines()
        assert await anext(lines)
        ground.run(REVOKE, "test")
        await asyncio.sleep(2 * OFTEN_S)
        with pytest.raises(httpx2.RemoteProtocolError):
            async for _ in lines:
                pass


@pytest.mark.parametrize("what", ["zip", "file"])
async def test_a_download_breaks_off_and_does_not_look_whole(ground, tmp_path, what):
    async with api_stage.studio(ground, tmp_path, ask_gate_every_s=OFTEN_S) as studio:
        campaign = ground.campaign(2, workspace_id=studio.workspace_id)
        source = tmp_path / "video.mp4"
        source.write_bytes(bytes(3_000_000))
        for key in campaign.keys:
            place = key_for(str(campaign.id), key, 1, "video.mp4")
            await studio.parts.store.put_file(place, source, content_type="video/mp4")
            digest = hashlib.sha256(source.read_bytes()).hexdigest()
            ground.finish(campaign.batch_id, key, place, sha256=digest, size=3_000_000)
        key = await studio.key(Role.VIEWER)
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, object]:
            return await asyncio.Event().wait() or {}  # the client stays

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)
            if len(sent) == 2:
                ground.run(REVOKE, "viewer")
                await asyncio.sleep(2 * OFTEN_S)

        path = f"/api/campaigns/{campaign.batch_id}/files.zip"
        if what == "file":
            first = campaign.generations[campaign.keys[0]]
            (asset,) = ground.run("SELECT id FROM spotloom.asset WHERE generation_id = %s", first)
            path = f"/api/media/{asset['id']}"
        headers = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {key}".encode())]
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET"}
        scope |= {"scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b""}
        scope |= {"headers": headers, "client": ("127.0.0.1", 9), "server": ("127.0.0.1", 80)}
        await studio.app(scope, receive, send)
    assert sent[0]["status"] == 200
    assert sent[-1]["more_body"]
    most = 4_000_000 if what == "zip" else 3_000_000
    assert sum(len(message.get("body", b"")) for message in sent) < most


async def test_nobody_follows_more_batches_than_allowed(ground, tmp_path, wait_until_async):
    campaign = ground.campaign(1)
    path = f"/api/batch/{campaign.batch_id}/events"
    async with served(ground, tmp_path, rates=Rates(streams=2)) as door:
        other = await live_server.key(ground, Role.VIEWER)
        async with contextlib.AsyncExitStack() as stack:
            watchers = [
                await stack.enter_async_context(watching(door, campaign.batch_id)) for _ in range(2)
            ]
            await wait_until_async(lambda: all(w.names == ["snapshot"] for w in watchers))
            async with door.client() as client:
                refused = await client.get(path)
            assert refused.status_code == 429
            assert refused.json()["type"] == "urn:spotloom:problem:too-fast"
            assert int(refused.headers["retry-after"]) > 0
            by_other = {"authorization": f"Bearer {other}"}
            async with door.client() as client, client.stream("GET", path, headers=by_other) as one:
                assert one.status_code == 200

        async def free() -> bool:
            async with door.client() as client, client.stream("GET", path) as again:
                return again.status_code == 200

        for _ in range(100):  # until the server has seen them go
            if await free():
                return
            await asyncio.sleep(0.05)
        pytest.fail("who went is still counted")

"""Finished files over HTTP: whole, in part, by a signed link, and many as a ZIP."""

import asyncio
import hashlib
import io
import json
import os
import zipfile
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
import pytest_asyncio
from tests.integration import api_stage, live_stage
from tests.integration.api_stage import Studio
from tests.integration.live_stage import Campaign

from spotloom.auth.roles import Role
from spotloom.campaigns import ids
from spotloom.contract.combinations import WEEK_S
from spotloom.contract.manifest import as_csv
from spotloom.media.store import key_for
from spotloom.web.media import links

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLIP = bytes(range(256)) * 5000  # 1,280,000 bytes: more than a block
ETAG = f'"{hashlib.sha256(CLIP).hexdigest()}"'


@dataclass
class Finished:
    """A campaign of three videos, two of them finished."""

    studio: Studio
    campaign: Campaign
    assets: list[UUID]

    @property
    def url(self) -> str:
        return f"/api/media/{self.assets[0]}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Studio]:
    with live_stage.ground(database_url) as ground:
        async with api_stage.studio(ground, tmp_path_factory.mktemp("store")) as one:
            yield one


@pytest_asyncio.fixture(loop_scope="module")
async def finished(house: Studio, tmp_path) -> Finished:
    studio = house.elsewhere()
    campaign = studio.ground.campaign(3, workspace_id=studio.workspace_id)
    source = tmp_path / "video.mp4"
    source.write_bytes(CLIP)
    assets = [await keep(studio, campaign, key, source) for key in campaign.keys[:2]]
    return Finished(studio, campaign, assets)


async def keep(studio: Studio, campaign: Campaign, key: str, source) -> UUID:
    """The video of that key is finished, with this file."""
    place, asset_id = key_for(str(campaign.id), key, 1, "video.mp4"), ids.new()
    await studio.parts.store.put_file(place, source, content_type="video/mp4")
    content = source.read_bytes()
    studio.ground.run(
        "INSERT INTO spotloom.asset (id, workspace_id, generation_id, kind, uri, sha256, bytes,"
        " content_type, width, height) VALUES (%s, %s, %s, 'video', %s, %s, %s, 'video/mp4', 9, 9)",
        *(asset_id, campaign.workspace_id, campaign.generations[key], place),
        *(hashlib.sha256(content).hexdigest(), len(content)),
    )
    studio.ground.run(
        "UPDATE spotloom.generation SET status = 'completed' WHERE id = %s",
        campaign.generations[key],
    )
    return asset_id


async def test_a_file_is_told_whole_and_by_its_readable_name(finished):
    viewer = await finished.studio.client(Role.VIEWER)
    answer = await viewer.get(finished.url)
    assert (answer.status_code, answer.content) == (200, CLIP)
    headers = answer.headers
    assert (headers["etag"], headers["content-type"]) == (ETAG, "video/mp4")
    assert headers["content-length"] == str(len(CLIP))
    assert headers["accept-ranges"] == "bytes"
    name = headers["content-disposition"]
    assert name.startswith(f'inline; filename="{finished.campaign.keys[0]}_unaware_')
    assert name.endswith('.mp4"')
    saved = await viewer.get(finished.url, params={"download": "true"})
    assert saved.headers["content-disposition"].startswith("attachment;")
    asked = await viewer.head(finished.url)
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["content-length"] == str(len(CLIP))


SIZE = len(CLIP)


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=100-1199999", 206, 100, 1_200_000),
        ("bytes=1000000-", 206, 1_000_000, SIZE),
        ("bytes=-500", 206, SIZE - 500, SIZE),
        ("bytes=-99999999", 206, 0, SIZE),
        (f"bytes=10-{SIZE * 2}", 206, 10, SIZE),
        ("bytes=5-3", 200, 0, SIZE),
        ("bytes=", 200, 0, SIZE),
        ("bytes=-", 200, 0, SIZE),
        ("lines=1-2", 200, 0, SIZE),
        ("bytes=0-1,5-6", 200, 0, SIZE),
        (f"bytes={SIZE}-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
    ],
)
async def test_a_part_is_what_the_range_names(finished, asked, status, start, end):
    viewer = await finished.studio.client(Role.VIEWER)
    answer = await viewer.get(finished.url, headers={"Range": asked})
    assert answer.status_code == status
    told = answer.headers.get("content-range")
    if status == 416:
        assert told == f"bytes */{SIZE}"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:spotloom:problem:range"
        return
    assert answer.content == CLIP[start:end]
    assert told == (f"bytes {start}-{end - 1}/{SIZE}" if status == 206 else None)


async def test_what_the_browser_has_is_not_sent_again(finished):
    viewer = await finished.studio.client(Role.VIEWER)
    for known in (ETAG, f'"x", W/{ETAG}', "*"):
        answer = await viewer.get(finished.url, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
    assert (await viewer.get(finished.url, headers={"If-None-Match": '"x"'})).status_code == 200
    part = {"Range": "bytes=0-9"}
    same = await viewer.get(finished.url, headers=part | {"If-Range": ETAG})
    other = await viewer.get(finished.url, headers=part | {"If-Range": '"x"'})
    assert (same.status_code, other.status_code) == (206, 200)


async def test_others_do_not_get_it(finished):
    studio = finished.studio
    stranger = await studio.client(workspace_id=studio.stranger())
    nobody = await studio.client(None)
    campaign = f"/api/campaigns/{finished.campaign.id}/files.zip"
    for path in (finished.url, campaign):
        assert (await stranger.get(path)).status_code == 404
        assert (await nobody.get(path)).status_code == 401
    link = await stranger.post(f"{finished.url}/link", json={})
    assert link.status_code == 404
    viewer = await studio.client(Role.VIEWER)
    assert (await viewer.post(f"{finished.url}/link", json={})).status_code == 403
    assert (await viewer.get(f"/api/media/{ids.new()}")).status_code == 404


async def test_a_link_lets_nobody_sign_in_and_everybody_see_until_it_ends(finished):
    editor, nobody = await finished.studio.client(Role.EDITOR), await finished.studio.client(None)
    made = await editor.post(f"{finished.url}/link", json={"seconds": 600})
    assert made.status_code == 200, made.text
    url = urlsplit(made.json()["url"])
    given = dict(parse_qsl(url.query))
    seen = await nobody.get(url.path, params=given, headers={"Range": "bytes=0-9"})
    assert (seen.status_code, seen.content) == (206, CLIP[:10])
    assert seen.headers["cross-origin-resource-policy"] == "cross-origin"
    later = str(int(given["exp"]) + 1)
    other = f"/api/media/{finished.assets[1]}"
    secret = finished.studio.parts.secret
    ended = links.signature(secret, finished.assets[0], 1_000_000)
    for path, params in (
        (url.path, given | {"exp": later}),
        (url.path, given | {"sig": given["sig"].swapcase()}),
        (url.path, given | {"sig": ""}),
        (url.path, given | {"sig": "é"}),
        (url.path, {"sig": given["sig"]}),
        (url.path, {"exp": "1000000", "sig": ended}),
        (other, given),
    ):
        assert (await nobody.get(path, params=params)).status_code == 403, params
    too_long = await editor.post(f"{finished.url}/link", json={"seconds": WEEK_S + 1})
    assert too_long.status_code == 422


async def test_a_link_shows_nothing_of_a_deleted_campaign_until_it_is_restored(finished):
    studio = finished.studio
    admin, nobody = await studio.client(), await studio.client(None)
    made = urlsplit((await admin.post(f"{finished.url}/link", json={})).json()["url"])
    link = f"{made.path}?{made.query}"
    entry = (await admin.get("/api/audit")).json()["items"][0]
    assert (entry["action"], entry["target"]) == ("media.shared", str(finished.assets[0]))
    assert entry["detail"] == {"combination": finished.campaign.keys[0], "seconds": 3600}
    await admin.post(f"/api/batch/{finished.campaign.batch_id}/cancel")
    assert (await nobody.get(link)).status_code == 200
    campaign = f"/api/campaigns/{finished.campaign.id}"
    assert (await admin.delete(campaign)).status_code == 204
    assert (await nobody.get(link)).status_code == 404
    assert (await admin.get(finished.url)).status_code == 404
    assert (await admin.post(f"{finished.url}/link", json={})).status_code == 404
    assert (await admin.post(f"{campaign}/restore")).status_code == 200
    assert (await nobody.get(link)).status_code == 200


async def test_a_file_that_the_store_lost_is_a_404_and_no_broken_answer(finished):
    viewer = await finished.studio.client(Role.VIEWER)
    place = key_for(str(finished.campaign.id), finished.campaign.keys[0], 1, "video.mp4")
    await finished.studio.parts.store.delete(place)
    assert (await viewer.get(finished.url)).status_code == 404


async def test_a_campaign_comes_as_a_zip(finished):
    viewer = await finished.studio.client(Role.VIEWER)
    path = f"/api/campaigns/{finished.campaign.batch_id}/files.zip"
    answer = await viewer.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        *names, last = archive.namelist()
        assert [n.partition("_")[0] for n in names] == finished.campaign.keys[:2]
        assert {archive.read(n) for n in names} == {CLIP}
        told = json.loads(archive.read(last))
    assert (last, told["batchId"]) == ("manifest.json", finished.campaign.batch_id)
    assert [video["file"] for video in told["videos"]] == [*names, None]
    digest = hashlib.sha256(CLIP).hexdigest()
    assert [video["sha256"] for video in told["videos"]] == [digest, digest, None]


async def test_chosen_videos_come_as_a_zip(finished):
    viewer = await finished.studio.client(Role.VIEWER)
    path = f"/api/campaigns/{finished.campaign.batch_id}/files.zip"
    first, second, unfinished = finished.campaign.keys
    chosen = await viewer.get(path, params={"key": [second, unfinished]})
    with zipfile.ZipFile(io.BytesIO(chosen.content)) as archive:
        (name, _) = archive.namelist()
        told = json.loads(archive.read("manifest.json"))
    assert [video["combinationId"] for video in told["videos"]] == [second, unfinished]
    assert [video["file"] for video in told["videos"]] == [name, None]
    for keys in (["k-none"], [unfinished], [first, "k-none"]):
        params = {"key": keys}
        assert (await viewer.get(path, params=params)).status_code == 404


async def test_the_approved_videos_come_as_a_zip_however_many_they_are(finished):
    viewer, editor = await finished.studio.client(Role.VIEWER), await finished.studio.client()
    campaign = f"/api/campaigns/{finished.campaign.batch_id}"
    first, second, unfinished = finished.campaign.keys
    approved = {"review": "approved"}
    assert (await viewer.get(f"{campaign}/files.zip", params=approved)).status_code == 404
    assert (await editor.post(f"{campaign}/combinations/{second}/approve")).status_code == 200
    answer = await viewer.get(f"{campaign}/files.zip", params=approved)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        told = json.loads(archive.read("manifest.json"))
    assert [video["combinationId"] for video in told["videos"]] == [second]
    others = await viewer.get(f"{campaign}/files.zip", params={"review": "none", "key": [first]})
    with zipfile.ZipFile(io.BytesIO(others.content)) as archive:
        told = json.loads(archive.read("manifest.json"))
    assert [video["combinationId"] for video in told["videos"]] == [first]
    for wrong in ({"review": "approved", "key": [unfinished]}, {"review": "rejected"}):
        assert (await viewer.get(f"{campaign}/files.zip", params=wrong)).status_code == 404


async def test_the_manifest_is_that_of_the_zip(finished):
    viewer = await finished.studio.client(Role.VIEWER)
    campaign = f"/api/campaigns/{finished.campaign.batch_id}"
    zipped = await viewer.get(f"{campaign}/files.zip")
    with zipfile.ZipFile(io.BytesIO(zipped.content)) as archive:
        written = archive.read("manifest.json")
    table = as_csv(json.loads(written))
    for query, accept, kind, expected in (
        ({}, "*/*", "json", written),
        ({}, "text/html,*/*;q=0.8", "json", written),
        ({}, "text/csv", "csv", table),
        ({"format": "csv"}, "text/html,*/*;q=0.8", "csv", table),
        ({"format": "json"}, "text/csv", "json", written),
    ):
        answer = await viewer.get(f"{campaign}/manifest", params=query, headers={"Accept": accept})
        assert (answer.status_code, answer.content) == (200, expected), (query, accept)
        name = f'attachment; filename="{finished.campaign.batch_id}-manifest.{kind}"'
        assert answer.headers["content-disposition"] == name
        assert kind in answer.headers["content-type"]
    stranger = await finished.studio.client(workspace_id=finished.studio.stranger())
    assert (await stranger.get(f"{campaign}/manifest")).status_code == 404
    image = await viewer.get(f"{campaign}/manifest", headers={"Accept": "image/png"})
    assert image.status_code == 406
    odd = await viewer.get(f"{campaign}/manifest", params={"format": "xml"})
    assert (odd.status_code, odd.json()["errors"][0]["field"]) == (422, "format")


async def test_hundreds_of_chosen_videos_fit_into_an_address(finished, tmp_path):
    studio = finished.studio
    campaign = studio.ground.campaign(660, workspace_id=studio.workspace_id)
    keys = campaign.keys
    source = tmp_path / "video.mp4"
    for place in (1, 2):
        await keep(studio, campaign, keys[place], source)
    viewer = await studio.client(Role.VIEWER)
    path = f"/api/campaigns/{campaign.batch_id}/files.zip"
    # Nothing takes more room than pairs, each beside one that is not chosen.
    pairs = [place for place in range(660) if place % 3]
    odd = list(range(1, 660, 2))
    for places, at in (
        (pairs, ",".join(f"{first}-{first + 1}" for first in range(1, 660, 3))),
        (odd, ",".join(map(str, odd))),
        (list(range(660)), "0-659"),
        ([0, 1, 2, 3, 659], "1-3,2,0,659-659"),
    ):
        answer = await viewer.get(path, params={"at": at})
        assert answer.status_code == 200, answer.text
        assert len(str(answer.request.url)) < 2500
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            told = json.loads(archive.read("manifest.json"))
            finished_names = [name.partition("_")[0] for name in archive.namelist()[:-1]]
        named = [keys[place] for place in places]
        assert [video["combinationId"] for video in told["videos"]] == named
        assert finished_names == [keys[place] for place in (1, 2) if place in places]
    both = await viewer.get(path, params={"at": "1", "key": [keys[0]]})
    with zipfile.ZipFile(io.BytesIO(both.content)) as archive:
        told = json.loads(archive.read("manifest.json"))
    assert [video["combinationId"] for video in told["videos"]] == keys[:2]


@pytest.mark.parametrize(
    "at",
    ["", "x", "-1", "1-", "3-1", "1,,2", "1, 2", "\u0661", "1\n", "9999999", "1," * 3001 + "1"],
)
async def test_positions_that_are_none_are_refused_by_their_field(finished, at):
    viewer = await finished.studio.client(Role.VIEWER)
    path = f"/api/campaigns/{finished.campaign.batch_id}/files.zip"
    answer = await viewer.get(path, params={"at": at})
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["errors"]] == ["at"]
    assert (await viewer.get(path, params={"at": "0-3"})).status_code == 404


async def test_a_large_zip_needs_no_more_memory_than_a_small_one(finished, tmp_path):
    studio = finished.studio
    campaign = studio.ground.campaign(40, workspace_id=studio.workspace_id)
    large = tmp_path / "large.mp4"
    large.write_bytes(os.urandom(1_000_000) * 5)
    for key in campaign.keys:
        await keep(studio, campaign, key, large)
    key, path = await studio.key(Role.VIEWER), f"/api/campaigns/{campaign.batch_id}/files.zip"
    taken, before = 0, resident()
    most = before

    async def receive() -> dict[str, object]:
        return await asyncio.Event().wait() or {}  # the client stays

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal taken, most
        taken += len(message.get("body", b""))
        most = max(most, resident())

    headers = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {key}".encode())]
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET"}
    scope |= {"scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": headers, "client": ("127.0.0.1", 9), "server": ("127.0.0.1", 80)}
    await studio.app(scope, receive, send)
    assert taken > 40 * 5_000_000
    assert most - before < 40 * 2**20


def resident() -> int:
    with open("/proc/self/statm") as told:  # noqa: PTH123 - a number of the kernel's
        return int(told.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

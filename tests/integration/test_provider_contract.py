"""Holds the contract against our own sandbox, and our stand-in server against the vendor's SDK.

The contract itself stands in `vendor_servers/`, beside the servers of the dialects.
"""

import dataclasses
import datetime as dt
import json
import subprocess
import sys
from collections.abc import AsyncIterator

import httpx2
import openai
import pytest
from tests.integration.vendor_servers.pairs import FILE, QUICK, REQUEST, pair_of, read

from spotloom.creative.request import Seconds
from spotloom.errors import OutcomeUnknown, Permanent, Transient
from spotloom.providers.catalog import catalog
from spotloom.providers.openai_videos import OpenAIVideos
from spotloom.providers.provider import CancelOutcome, LaneBlocked, Pending, Ready, Rejected


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory) -> str:
    """The address of a sandbox in a process of its own."""
    home = tmp_path_factory.mktemp("sandbox")
    command = [sys.executable, "-m", "spotloom.sandbox", "--home", home, "--processes", "1"]
    command += ["--instant-seconds", "0.3", "--ready-file", home / "ready.json"]
    log = (home / "stderr").open("wb")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
    try:
        assert process.stdout is not None
        assert process.stdout.readline(), (home / "stderr").read_text()
        yield json.loads((home / "ready.json").read_text())["url"]
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
        log.close()


@pytest.fixture
async def provider(sandbox) -> AsyncIterator[OpenAIVideos]:
    await misbehave(sandbox)
    provider = catalog().openai_videos("sandbox", base_url=sandbox, api_key=None, timeouts=QUICK)
    yield provider
    await provider.close()


async def misbehave(sandbox: str, *rules: dict[str, object]) -> None:
    async with httpx2.AsyncClient(base_url=sandbox.removesuffix("/v1")) as client:
        reply = await client.post("/sandbox/faults", json={"rules": rules})
        assert reply.status_code == 200, reply.text


def order(name: str):
    return dataclasses.replace(
        REQUEST, prompt=f"{REQUEST.prompt} {name}", duration=Seconds(1), idempotency_key=name
    )


def just_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=5)


async def over(provider: OpenAIVideos, job: str, wait_until_async):
    async def outcome():
        told = await provider.poll(job)
        return None if isinstance(told, Pending) else told

    return await wait_until_async(outcome, 60)


async def test_the_sandbox_makes_what_was_ordered(provider, wait_until_async):
    request = order("made")
    job = (await provider.submit(request)).job
    assert isinstance(await over(provider, job, wait_until_async), Ready)
    content, whole = await read(provider, job)
    assert content.content_type == "video/mp4"
    assert content.length == len(whole) > 1000
    rest = await read(provider, job, offset=500)
    assert (rest[0].offset, rest[1]) == (500, whole[500:])
    assert [c.job for c in await provider.find(request, since=just_now())] == [job]
    assert await provider.cancel(job) is CancelOutcome.TOO_LATE


async def test_an_order_whose_answer_the_sandbox_drops_is_found(
    provider, sandbox, wait_until_async
):
    await misbehave(sandbox, {"where": "create", "fault": "drop", "accepted": True})
    request = order("dropped")
    with pytest.raises(OutcomeUnknown):
        await provider.submit(request)
    await misbehave(sandbox)
    [found] = await provider.find(request, since=just_now())
    assert isinstance(await over(provider, found.job, wait_until_async), Ready)


async def test_an_order_that_the_sandbox_refuses_is_not_found(provider, sandbox):
    await misbehave(sandbox, {"where": "create", "fault": "moderation"})
    with pytest.raises(Permanent) as caught:
        await provider.submit(order("refused"))
    assert caught.value.code == "moderation_blocked"
    assert await provider.find(order("refused"), since=just_now()) == []


async def test_the_sandboxs_limit_is_a_429(provider, sandbox):
    rule = {"where": "create", "fault": "status", "status": 429, "retryAfter": 3}
    await misbehave(sandbox, rule)
    with pytest.raises(Transient) as caught:
        await provider.submit(order("one too many"))
    assert not isinstance(caught.value, LaneBlocked)
    assert caught.value.retry_after_s == 3


async def test_a_failure_in_the_sandbox_is_told_with_its_code(provider, sandbox, wait_until_async):
    await misbehave(sandbox, {"where": "job", "fault": "fail", "code": "moderation_blocked"})
    job = (await provider.submit(order("failed"))).job
    outcome = await over(provider, job, wait_until_async)
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.moderation) == ("moderation_blocked", True)


async def test_a_running_job_of_the_sandbox_is_stopped(provider, sandbox):
    await misbehave(sandbox, {"where": "job", "fault": "hang"})
    job = (await provider.submit(order("hanging"))).job
    assert await provider.cancel(job) is CancelOutcome.STOPPED


@pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")
async def test_the_vendors_own_sdk_believes_our_generic_server():
    async with pair_of("generic") as pair:
        client = openai.AsyncOpenAI(
            api_key=pair.server.key, base_url=f"{pair.server.url}/v1", max_retries=0
        )
        async with client:
            ours = (await pair.provider.submit(REQUEST)).job
            pair.server.finish(ours, FILE)
            video = await client.videos.retrieve(ours)
            assert (video.status, video.seconds, video.size) == ("completed", "10", "720x1280")
            assert video.prompt == REQUEST.prompt
            assert [v.id async for v in client.videos.list(limit=1)] == [ours]
            download = await client.videos.download_content(ours)
            assert download.read() == FILE
            assert (await client.videos.delete(ours)).deleted
            with pytest.raises(openai.NotFoundError):
                await client.videos.retrieve(ours)

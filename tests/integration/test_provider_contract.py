"""The contract of `providers/provider.py`, held against every dialect's own server."""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import email.utils
import json
import logging
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from tests.integration.vendor_servers import videos
from tests.integration.vendor_servers.videos import Accepting, VideosServer
from tests.integration.vendor_servers.wire import CUT, Answer, HTTPServer, Request, say

from spotloom.creative.request import Seconds, Size, VideoRequest
from spotloom.errors import OutcomeUnknown, Permanent, Transient
from spotloom.providers.catalog import catalog
from spotloom.providers.openai_videos import OpenAIVideos, Timeouts
from spotloom.providers.provider import (
    Cancelled,
    CancelOutcome,
    Expired,
    LaneBlocked,
    Lost,
    NotSupported,
    Pending,
    Ready,
    Rejected,
    Variant,
)

KEY = "sk-test-0123456789-very-secret"
SERVERS: dict[str, type[VideosServer]] = {
    "generic": videos.VideosServer,
    "sglang": videos.SGLang,
    "vllm-omni": videos.VLLMOmni,
    "litellm": videos.LiteLLM,
}
REQUEST = VideoRequest(
    prompt="A kettle on a stove at dawn. “Steam” rises; Zoë smiles.",
    model="sora-2",
    duration=Seconds(10),
    size=Size(720, 1280),
    loop=False,
    brand="Kettle & Co",
    values=(("funnelLevel", "unaware"), ("mood", "wholesome")),
    idempotency_key="campaign:combination:1",
)
QUICK = Timeouts(connect_s=2, write_s=2, read_s=0.4, pool_s=2, reply_s=1)
FILE = bytes(range(256)) * 1024


@dataclass
class Pair:
    """One adapter and the server it speaks to."""

    dialect: str
    server: VideosServer
    provider: OpenAIVideos


def adapter(url: str, dialect: str, *, key: str | None = KEY, timeouts: Timeouts | None = None):
    return catalog().openai_videos(
        "openai-videos", base_url=url, api_key=key, dialect=dialect, timeouts=timeouts
    )


@contextlib.asynccontextmanager
async def pair_of(dialect: str, *, timeouts: Timeouts | None = None) -> AsyncIterator[Pair]:
    async with SERVERS[dialect](key=KEY) as server:
        provider = adapter(server.url, dialect, timeouts=timeouts)
        try:
            yield Pair(dialect, server, provider)
        finally:
            await provider.close()


@pytest.fixture(params=SERVERS)
async def pair(request) -> AsyncIterator[Pair]:
    async with pair_of(request.param) as pair:
        yield pair


@pytest.fixture
async def generic() -> AsyncIterator[Pair]:
    async with pair_of("generic") as pair:
        yield pair


async def read(provider: OpenAIVideos, job: str, variant=Variant.VIDEO, *, offset: int = 0):
    async with provider.open_content(job, variant, offset=offset) as content:
        return content, b"".join([chunk async for chunk in content.chunks])


def since() -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=5)


# The happy path


async def test_a_video_is_bought_waited_for_and_fetched(pair):
    submitted = await pair.provider.submit(REQUEST)
    assert list(pair.server.jobs) == [submitted.job]
    [order] = pair.server.orders
    wanted = {"prompt": REQUEST.prompt, "model": "sora-2", "seconds": "10", "size": "720x1280"}
    assert {name: str(order[name]) for name in wanted} == wanted
    assert pair.server.creates[0].headers["idempotency-key"] == REQUEST.idempotency_key
    assert await pair.provider.poll(submitted.job) == Pending(0)
    pair.server.finish(submitted.job, FILE)
    assert await pair.provider.poll(submitted.job) == Ready(None, None)
    content, received = await read(pair.provider, submitted.job)
    assert received == FILE
    assert (content.offset, content.length, content.content_type) == (0, len(FILE), "video/mp4")
    assert len(pair.server.creates) == 1


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/", "/v1/videos", "/v1/videos/"])
async def test_the_base_url_may_be_written_in_any_way(generic, tail):
    provider = adapter(generic.server.url + tail, "generic")
    await provider.submit(REQUEST)
    assert provider.account == generic.provider.account
    assert [r.path for r in generic.server.creates] == ["/v1/videos"]
    await provider.close()


async def test_our_own_members_go_to_the_sandbox_dialect_only():
    async with HTTPRecorder(say(200, {"id": "v1", "status": "queued"})) as server:
        provider = adapter(server.url, "sandbox")
        await provider.submit(dataclasses.replace(REQUEST, loop=True))
        await provider.close()
        assert server.sent["spotloom"] == {
            "brand": "Kettle & Co",
            "loop": True,
            "values": [["funnelLevel", "unaware"], ["mood", "wholesome"]],
        }


# Submit: what is proven, and what is not

DETAIL = {"error": {"message": "no", "code": None, "type": "invalid_request_error", "param": None}}


def coded(code: str) -> dict[str, object]:
    return {"error": DETAIL["error"] | {"code": code}}


@pytest.mark.parametrize("status", [301, 307, 308, 401, 402, 403, 404, 405, 415])
async def test_what_a_person_must_mend_blocks_the_lane_and_fails_no_video(pair, status):
    pair.server.script("create", say(status, DETAIL, location="https://elsewhere.test/v1/videos"))
    with pytest.raises(LaneBlocked) as caught:
        await pair.provider.submit(REQUEST)
    assert caught.value.reason in {"key", "credit", "address", "dialect"}
    assert str(status) in str(caught.value)
    assert len(pair.server.creates) == 1


@pytest.mark.parametrize("code", ["insufficient_quota", "billing_hard_limit_reached"])
@pytest.mark.parametrize("status", [400, 403, 429])
async def test_no_credit_blocks_the_lane_whatever_the_status(generic, code, status):
    generic.server.script("create", say(status, coded(code)))
    with pytest.raises(LaneBlocked) as caught:
        await generic.provider.submit(REQUEST)
    assert caught.value.reason == "credit"


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_wrong_order_fails_for_good(pair, status):
    pair.server.script("create", say(status, {"detail": "seconds must be 4, 8 or 12"}))
    with pytest.raises(Permanent, match="seconds must be 4, 8 or 12") as caught:
        await pair.provider.submit(REQUEST)
    assert caught.value.code == "invalid_request"
    assert len(pair.server.creates) == 1


@pytest.mark.parametrize("status", [400, 403, 422])
async def test_moderation_at_submit_fails_for_good(pair, status):
    pair.server.script("create", say(status, coded("moderation_blocked")))
    with pytest.raises(Permanent) as caught:
        await pair.provider.submit(REQUEST)
    assert caught.value.code == "moderation_blocked"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry_after": "7"}, 7),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after": "-3"}, 0),
        ({"retry_after": "soon"}, None),
        ({"retry_after_ms": "250"}, 0.25),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "9999999999"}, 86_400),
    ],
)
async def test_a_429_is_retried_when_the_server_says(pair, headers, wait):
    pair.server.script("create", say(429, DETAIL, **headers))
    with pytest.raises(Transient) as caught:
        await pair.provider.submit(REQUEST)
    assert not isinstance(caught.value, LaneBlocked)
    assert caught.value.retry_after_s == wait
    assert len(pair.server.creates) == 1


async def test_a_retry_date_is_counted_on_the_servers_own_clock(generic):
    fast = time.time() + 3_600
    dates = {
        "date": email.utils.formatdate(fast, usegmt=True),
        "retry_after": email.utils.formatdate(fast + 90, usegmt=True),
    }
    generic.server.script("create", say(429, DETAIL, **dates))
    with pytest.raises(Transient) as caught:
        await generic.provider.submit(REQUEST)
    assert caught.value.retry_after_s == 90


@pytest.mark.parametrize("status", [302, 303, 408, 409, 418, 425, 500, 502, 503, 504])
async def test_an_answer_that_proves_nothing_leaves_the_outcome_unknown(pair, status):
    pair.server.script("create", Accepting(say(status, DETAIL, retry_after="1", location="/")))
    with pytest.raises(OutcomeUnknown):
        await pair.provider.submit(REQUEST)
    assert len(pair.server.jobs) == len(pair.server.creates) == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"status":"queued"}', b'{"id":""}', b"\xff"])
async def test_an_unreadable_acceptance_leaves_the_outcome_unknown(pair, body):
    pair.server.script("create", Accepting(Answer(body=body)))
    with pytest.raises(OutcomeUnknown):
        await pair.provider.submit(REQUEST)
    assert len(pair.server.creates) == 1


async def test_a_connection_cut_after_acceptance_leaves_the_outcome_unknown(pair):
    pair.server.script("create", Accepting(CUT))
    with pytest.raises(OutcomeUnknown):
        await pair.provider.submit(REQUEST)
    assert len(pair.server.jobs) == len(pair.server.creates) == 1


async def test_a_connection_cut_before_acceptance_is_no_better(pair):
    pair.server.script("create", CUT)
    with pytest.raises(OutcomeUnknown):
        await pair.provider.submit(REQUEST)
    assert len(pair.server.jobs) == 0
    assert len(pair.server.creates) == 1


async def test_an_answer_cut_in_its_body_leaves_the_outcome_unknown(pair):
    whole = say(200, {"id": "video_0001", "status": "queued"})
    pair.server.script("create", Accepting(dataclasses.replace(whole, cut_after=9)))
    with pytest.raises(OutcomeUnknown):
        await pair.provider.submit(REQUEST)
    assert len(pair.server.creates) == 1


async def test_a_429_cut_in_its_body_is_still_a_429(generic):
    generic.server.script("create", dataclasses.replace(say(429, DETAIL), cut_after=5))
    with pytest.raises(Transient):
        await generic.provider.submit(REQUEST)


@pytest.mark.parametrize("dialect", SERVERS)
async def test_slow_headers_leave_the_outcome_unknown(dialect):
    async with pair_of(dialect, timeouts=QUICK) as pair:
        pair.server.script("create", Accepting(Answer(delay_s=30)))
        with pytest.raises(OutcomeUnknown):
            await pair.provider.submit(REQUEST)
        assert len(pair.server.jobs) == len(pair.server.creates) == 1


async def test_an_answer_that_drips_for_ever_is_given_up():
    async with Dripping() as server:
        provider = adapter(server.url, "generic", timeouts=QUICK)
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            await provider.submit(REQUEST)
        assert time.monotonic() - began < 5
        await provider.close()


async def test_a_server_that_is_not_there_bought_nothing():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    provider = adapter(f"http://127.0.0.1:{port}", "generic")
    with pytest.raises(Transient):
        await provider.submit(REQUEST)
    with pytest.raises(Transient):
        await provider.poll("video_1")
    with pytest.raises(Transient):
        await provider.find(REQUEST, since=since())
    await provider.close()


async def test_forty_orders_at_once_are_forty_requests(pair):
    requests = [
        dataclasses.replace(REQUEST, prompt=f"{REQUEST.prompt} {n}", idempotency_key=f"c:{n}")
        for n in range(40)
    ]
    jobs = await asyncio.gather(*(pair.provider.submit(r) for r in requests))
    assert len({s.job for s in jobs}) == len(pair.server.jobs) == len(pair.server.creates) == 40
    assert {r.headers["idempotency-key"] for r in pair.server.creates} == {
        r.idempotency_key for r in requests
    }


# Poll: an error is never a failure of the video


@pytest.mark.parametrize("status", [302, 400, 408, 429, 500, 502, 503])
async def test_a_poll_that_errs_says_nothing_of_the_video(pair, status):
    job = (await pair.provider.submit(REQUEST)).job
    pair.server.script("get", say(status, DETAIL, retry_after="3"))
    with pytest.raises(Transient) as caught:
        await pair.provider.poll(job)
    assert caught.value.retry_after_s == 3
    assert await pair.provider.poll(job) == Pending(0)


@pytest.mark.parametrize("answer", [CUT, Answer(body=b"{"), Answer(), say(200, {"id": "x"})])
async def test_a_poll_without_a_readable_answer_says_nothing_of_the_video(pair, answer):
    job = (await pair.provider.submit(REQUEST)).job
    pair.server.script("get", answer)
    with pytest.raises(Transient):
        await pair.provider.poll(job)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_poll_refused_for_the_key_blocks_the_lane(pair, status):
    job = (await pair.provider.submit(REQUEST)).job
    pair.server.script("get", say(status, DETAIL))
    with pytest.raises(LaneBlocked):
        await pair.provider.poll(job)


async def test_a_job_the_server_does_not_know_is_lost(pair):
    assert await pair.provider.poll("video_never") == Lost()


async def test_a_404_page_from_something_in_front_is_not_a_lost_job(pair):
    job = (await pair.provider.submit(REQUEST)).job
    page = Answer(status=404, body=b"<html>", headers={"content-type": "text/html"})
    pair.server.script("get", page)
    with pytest.raises(Transient):
        await pair.provider.poll(job)


async def test_a_failed_video_is_rejected_with_its_reason(pair):
    job = (await pair.provider.submit(REQUEST)).job
    pair.server.fail(job, "internal_error", "The GPU caught a cold.")
    outcome = await pair.provider.poll(job)
    assert isinstance(outcome, Rejected)
    assert outcome.text == "The GPU caught a cold."
    assert not outcome.moderation
    assert not outcome.billed


async def test_moderation_at_the_end_is_told_apart(pair):
    job = (await pair.provider.submit(REQUEST)).job
    pair.server.fail(job, "moderation_blocked", "Our moderation system refused the output.")
    outcome = await pair.provider.poll(job)
    assert isinstance(outcome, Rejected)
    assert outcome.moderation


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("queued", Pending(0)),
        ("in_progress", Pending(0)),
        ("pondering", Pending(0)),
        ("cancelled", Cancelled()),
        ("canceled", Cancelled()),
        ("expired", Expired()),
        ("Completed", Ready(None, None)),
    ],
)
async def test_every_status_word_has_a_meaning_and_a_new_one_means_wait(pair, word, outcome):
    job = (await pair.provider.submit(REQUEST)).job
    pair.server.jobs[job]["status"] = word
    assert await pair.provider.poll(job) == outcome


@pytest.mark.parametrize(
    ("told", "read"), [(37, 37), (37.9, 37), (-4, 0), (900, 100), ("half", None), (None, None)]
)
async def test_odd_progress_is_never_an_error(generic, told, read):
    job = (await generic.provider.submit(REQUEST)).job
    generic.server.jobs[job] |= {"status": "in_progress", "progress": told}
    assert await generic.provider.poll(job) == Pending(read)


@pytest.mark.parametrize(("told", "read"), [(2_000_000_000, 2_000_000_000), (1e30, None)])
async def test_the_end_of_the_file_is_read_where_it_can_be(generic, told, read):
    job = (await generic.provider.submit(REQUEST)).job
    generic.server.finish(job)
    generic.server.jobs[job]["expires_at"] = told
    expected = None if read is None else dt.datetime.fromtimestamp(read, dt.UTC)
    assert await generic.provider.poll(job) == Ready(expected, None)


async def test_an_id_with_strange_letters_stays_one_id(generic):
    strange = "vi/deo ?#%2F=é"
    generic.server.jobs[strange] = generic.server.record({"prompt": "p"}) | {"id": strange}
    assert await generic.provider.poll(strange) == Pending(0)


# Find: only what is certain

LISTING = ["generic", "vllm-omni"]


@pytest.mark.parametrize("dialect", LISTING)
async def test_an_order_whose_answer_was_lost_is_found(dialect):
    async with pair_of(dialect) as pair:
        pair.server.script("create", Accepting(CUT))
        with pytest.raises(OutcomeUnknown):
            await pair.provider.submit(REQUEST)
        found = await pair.provider.find(REQUEST, since=since())
        assert [c.job for c in found] == list(pair.server.jobs)


@pytest.mark.parametrize("dialect", LISTING)
async def test_an_order_that_never_arrived_is_not_found(dialect):
    async with pair_of(dialect) as pair:
        await pair.provider.submit(dataclasses.replace(REQUEST, prompt="Another"))
        assert await pair.provider.find(REQUEST, since=since()) == []


@pytest.mark.parametrize("dialect", ["sglang", "litellm"])
async def test_a_server_that_lists_no_prompts_cannot_be_asked(dialect):
    async with pair_of(dialect) as pair:
        await pair.provider.submit(REQUEST)
        assert isinstance(await pair.provider.find(REQUEST, since=since()), NotSupported)


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": REQUEST.prompt + "!"},
        {"duration": Seconds(5)},
        {"size": Size(1280, 720)},
        {"model": "sora-2-pro"},
    ],
)
async def test_only_the_very_same_order_is_ours(generic, other):
    await generic.provider.submit(dataclasses.replace(REQUEST, **other))
    mine = await generic.provider.submit(REQUEST)
    found = await generic.provider.find(REQUEST, since=since())
    assert [c.job for c in found] == [mine.job]


async def test_twins_come_oldest_first(generic):
    start = int(time.time())
    names = []
    for age in (30, 20, 10):
        generic.server.clock = lambda age=age: start - age
        names.append((await generic.provider.submit(REQUEST)).job)
    found = await generic.provider.find(REQUEST, since=since() - dt.timedelta(minutes=1))
    assert [c.job for c in found] == names
    assert [c.created_at.timestamp() for c in found] == [start - 30, start - 20, start - 10]


async def test_an_order_of_long_ago_is_not_this_one_but_a_slow_clock_is_forgiven(generic):
    generic.server.clock = lambda: time.time() - 3_600
    await generic.provider.submit(REQUEST)
    generic.server.clock = lambda: time.time() - 100
    late = await generic.provider.submit(REQUEST)
    found = await generic.provider.find(REQUEST, since=dt.datetime.now(dt.UTC))
    assert [c.job for c in found] == [late.job]


async def test_the_list_is_read_page_by_page_until_it_is_too_old(generic):
    generic.server.clock = lambda: time.time() - 9_000
    for n in range(300):
        job = generic.server.record({"prompt": f"old {n}"}) | {"id": f"video_a{n:04}"}
        generic.server.jobs[job["id"]] = job
    generic.server.clock = time.time
    mine = await generic.provider.submit(REQUEST)
    for n in range(150):
        await generic.provider.submit(dataclasses.replace(REQUEST, prompt=f"new {n}"))
    found = await generic.provider.find(REQUEST, since=since())
    assert [c.job for c in found] == [mine.job]
    pages = [r for r in generic.server.seen if r.method == "GET"]
    assert [r.query.get("limit") for r in pages] == ["100", "100"]
    assert pages[1].query["after"]


async def test_a_list_in_the_wrong_order_is_read_to_its_end(generic):
    generic.server.clock = lambda: time.time() - 9_000
    for n in range(150):
        job = generic.server.record({"prompt": f"old {n}"}) | {"id": f"video_a{n:04}"}
        generic.server.jobs[job["id"]] = job
    generic.server.clock = time.time
    mine = await generic.provider.submit(REQUEST)
    usual = generic.server.index
    generic.server.index = lambda request: usual(
        dataclasses.replace(request, query=request.query | {"order": "asc"})
    )
    found = await generic.provider.find(REQUEST, since=since())
    assert [c.job for c in found] == [mine.job]


async def test_a_list_that_cannot_be_read_to_its_end_proves_no_absence(generic):
    for n in range(120):
        await generic.provider.submit(dataclasses.replace(REQUEST, prompt=f"new {n}"))
    usual = generic.server.index
    generic.server.index = lambda request: usual(
        dataclasses.replace(request, query={"limit": "100"})
    )
    assert isinstance(await generic.provider.find(REQUEST, since=since()), NotSupported)


async def test_a_server_that_ignores_paging_and_tells_everything_is_believed(generic):
    mine = await generic.provider.submit(REQUEST)
    everything = {"object": "list", "data": list(generic.server.jobs.values())}
    generic.server.script("list", *[say(200, everything)] * 5)
    found = await generic.provider.find(REQUEST, since=since())
    assert [c.job for c in found] == [mine.job]


@pytest.mark.parametrize(
    "lacking",
    [
        {"prompt": None},
        {"prompt": ""},
        {"prompt": REQUEST.prompt[:20] + "…"},
        {"size": None},
        {"seconds": "as asked"},
        {"created_at": None},
    ],
)
async def test_a_list_that_says_too_little_claims_nothing(generic, lacking):
    job = (await generic.provider.submit(REQUEST)).job
    generic.server.jobs[job] |= lacking
    page = {"object": "list", "data": list(generic.server.jobs.values()), "has_more": False}
    generic.server.script("list", say(200, page))
    assert isinstance(await generic.provider.find(REQUEST, since=since()), NotSupported)


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_server_without_a_list_cannot_be_asked(generic, status):
    generic.server.script("list", say(status, DETAIL))
    assert isinstance(await generic.provider.find(REQUEST, since=since()), NotSupported)


@pytest.mark.parametrize("answer", [say(429, DETAIL), say(500, DETAIL), CUT, Answer(body=b"{")])
async def test_a_list_that_could_not_be_had_is_asked_for_again(generic, answer):
    generic.server.script("list", answer)
    with pytest.raises(Transient):
        await generic.provider.find(REQUEST, since=since())


# Content


async def finished(pair: Pair) -> str:
    job = (await pair.provider.submit(REQUEST)).job
    pair.server.finish(job, FILE)
    return job


async def test_a_download_is_resumed_where_it_was_cut(pair):
    job = await finished(pair)
    content, rest = await read(pair.provider, job, offset=100_000)
    assert content.length == len(FILE)
    assert content.offset == (0 if pair.dialect == "litellm" else 100_000)
    assert rest == FILE[content.offset :]


async def test_a_file_shorter_than_what_we_have_is_begun_anew(generic):
    job = await finished(generic)
    content, whole = await read(generic.provider, job, offset=len(FILE) + 5)
    assert (content.offset, whole) == (0, FILE)


async def test_a_download_cut_on_the_way_may_be_had_again(pair):
    job = await finished(pair)
    kind = {"content-type": "video/mp4"}
    pair.server.script("content", Answer(body=FILE, headers=kind, cut_after=50_000))
    with pytest.raises(Transient, match="cut after"):
        await read(pair.provider, job)


async def test_content_that_is_not_there_yet_may_be_had_later(pair):
    job = (await pair.provider.submit(REQUEST)).job
    with pytest.raises(Transient):
        await read(pair.provider, job)


@pytest.mark.parametrize("status", [404, 409, 425, 429, 500, 503])
async def test_content_that_is_refused_may_be_had_later(pair, status):
    job = await finished(pair)
    pair.server.script("content", say(status, DETAIL, retry_after="2"))
    with pytest.raises(Transient) as caught:
        await read(pair.provider, job)
    assert caught.value.retry_after_s == 2


@pytest.mark.parametrize(
    "answer", [say(410, DETAIL), say(404, coded("video_expired")), say(400, coded("expired"))]
)
async def test_expired_content_is_gone_for_good(pair, answer):
    job = await finished(pair)
    pair.server.script("content", answer)
    with pytest.raises(Permanent) as caught:
        await read(pair.provider, job)
    assert caught.value.code == "expired"


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json", "image/png"])
async def test_what_is_not_a_video_is_refused_by_its_name(pair, kind):
    job = await finished(pair)
    pair.server.script("content", Answer(body=b"{}", headers={"content-type": kind}))
    with pytest.raises(Transient, match=kind.partition(";")[0]):
        await read(pair.provider, job)


async def test_a_part_that_does_not_fit_is_refused(generic):
    job = await finished(generic)
    kind = {"content-type": "video/mp4"}
    beyond = kind | {"content-range": f"bytes 500-{len(FILE) - 1}/{len(FILE)}"}
    generic.server.script(
        "content",
        Answer(status=206, body=FILE[500:], headers=beyond),
        Answer(status=206, body=FILE, headers=kind),
        Answer(body=FILE, headers=kind | {"content-encoding": "gzip"}),
    )
    for _ in range(3):
        with pytest.raises(Transient):
            await read(generic.provider, job, offset=100)


async def test_the_thumbnail_comes_where_there_is_one(pair):
    job = await finished(pair)
    if pair.dialect == "generic":
        assert (await read(pair.provider, job, Variant.THUMBNAIL))[1] == b"webp"
        return
    with pytest.raises(Permanent) as caught:
        await read(pair.provider, job, Variant.THUMBNAIL)
    assert caught.value.code == "no_variant"


async def test_a_redirect_within_the_server_keeps_the_key(generic):
    job = await finished(generic)
    generic.server.script("content", say(302, {}, location=f"/v1/videos/{job}/content"))
    assert (await read(generic.provider, job))[1] == FILE


async def test_a_redirect_to_another_server_loses_the_key_but_not_the_range(generic):
    job = await finished(generic)
    async with HTTPRecorder(Answer(body=FILE, headers={"content-type": "video/mp4"})) as store:
        link = f"{store.url}/file.mp4?signature=abc"
        generic.server.script("content", say(307, {}, location=link))
        content, whole = await read(generic.provider, job, offset=1000)
        assert (content.offset, whole) == (0, FILE)
        [asked] = store.seen
        assert asked.query == {"signature": "abc"}
        assert asked.headers["range"] == "bytes=1000-"
        assert "authorization" not in asked.headers


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_signed_link_that_no_longer_opens_is_asked_for_again(generic, status):
    job = await finished(generic)
    async with HTTPRecorder(say(status, DETAIL)) as store:
        generic.server.script("content", say(302, {}, location=f"{store.url}/file"))
        with pytest.raises(Transient) as caught:
            await read(generic.provider, job)
        assert not isinstance(caught.value, LaneBlocked)


@pytest.mark.parametrize(
    "location",
    [
        "https://127.0.0.2/steal",
        "https://localhost/steal",
        "https://[::1]/steal",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "http://127.0.0.2/plain",
        "http://93.184.216.34/plain",
        "https://user:pw@127.0.0.2/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://[::1",
        "https:///nowhere",
    ],
)
async def test_an_unsafe_redirect_is_not_followed(generic, location):
    job = await finished(generic)
    generic.server.script("content", say(302, {}, location=location))
    with pytest.raises(Transient):
        await read(generic.provider, job)


async def test_redirects_in_a_circle_end(generic):
    job = await finished(generic)
    around = say(302, {}, location=f"/v1/videos/{job}/content")
    generic.server.script("content", *[around] * 20)
    with pytest.raises(Transient, match="more than 5 times"):
        await read(generic.provider, job)


# Cancel


@pytest.mark.parametrize("dialect", LISTING)
async def test_a_running_job_is_stopped(dialect):
    async with pair_of(dialect) as pair:
        job = (await pair.provider.submit(REQUEST)).job
        assert await pair.provider.cancel(job) is CancelOutcome.STOPPED
        assert pair.server.jobs == {}


@pytest.mark.parametrize("dialect", LISTING)
async def test_a_finished_job_is_too_late_to_stop_and_keeps_its_file(dialect):
    async with pair_of(dialect) as pair:
        job = await finished(pair)
        assert await pair.provider.cancel(job) is CancelOutcome.TOO_LATE
        assert (await read(pair.provider, job))[1] == FILE
        assert await pair.provider.cancel("video_never") is CancelOutcome.TOO_LATE


@pytest.mark.parametrize("dialect", ["sglang", "litellm"])
async def test_a_server_that_cannot_stop_a_job_is_not_asked_to(dialect):
    async with pair_of(dialect) as pair:
        job = (await pair.provider.submit(REQUEST)).job
        assert await pair.provider.cancel(job) is CancelOutcome.UNSUPPORTED
        assert [r.method for r in pair.server.seen] == ["POST"]
        assert job in pair.server.jobs


@pytest.mark.parametrize("status", [400, 405, 501])
async def test_a_refused_cancel_is_unsupported(generic, status):
    job = (await generic.provider.submit(REQUEST)).job
    generic.server.script("delete", say(status, DETAIL))
    assert await generic.provider.cancel(job) is CancelOutcome.UNSUPPORTED


@pytest.mark.parametrize("answer", [say(409, DETAIL), say(429, DETAIL), say(500, DETAIL), CUT])
async def test_a_cancel_without_a_clear_answer_may_be_asked_again(generic, answer):
    job = (await generic.provider.submit(REQUEST)).job
    generic.server.script("delete", answer)
    with pytest.raises(Transient):
        await generic.provider.cancel(job)


# The key


async def test_the_key_is_in_no_log_no_error_and_no_repr(pair, caplog):
    caplog.set_level(logging.DEBUG)
    errors: list[BaseException] = []
    thief = say(401, {"error": {"message": f"Incorrect API key provided: {KEY}", "code": KEY}})
    failed = {"id": "v", "status": "failed", "error": {"code": KEY, "message": f"{KEY} is bad"}}
    job = await finished(pair)
    for what, call in {
        "create": lambda: pair.provider.submit(REQUEST),
        "get": lambda: pair.provider.poll(job),
        "content": lambda: read(pair.provider, job),
    }.items():
        for answer in (thief, CUT, say(500, {"detail": KEY})):
            pair.server.script(what, answer)
            with pytest.raises((Transient, OutcomeUnknown)) as caught:
                await call()
            errors.append(caught.value)
    pair.server.script("get", say(200, failed))
    outcome = await pair.provider.poll(job)
    shown = [str(outcome), repr(pair.provider), repr(vars(pair.provider)), pair.provider.account]
    for error in errors:
        cause: BaseException | None = error
        while cause is not None:
            shown += [str(cause), repr(cause), repr(vars(cause))]
            cause = cause.__cause__ or cause.__context__
    assert pair.server.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in "\n".join([*shown, caplog.text])


async def test_a_server_without_a_key_is_sent_none():
    async with HTTPRecorder(say(200, {"id": "v1", "status": "queued"})) as server:
        provider = adapter(server.url, "generic", key=None)
        await provider.submit(REQUEST)
        await provider.close()
        assert "authorization" not in server.seen[0].headers


async def test_proxies_of_the_environment_are_not_used(generic, monkeypatch):
    async with HTTPRecorder(Answer(status=502)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        provider = adapter(generic.server.url, "generic")
        await provider.submit(REQUEST)
        await provider.close()
        assert proxy.seen == []


class HTTPRecorder(HTTPServer):
    """Gives every request the same answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    async def answer(self, _request: Request) -> Answer:
        return self._answer

    @property
    def sent(self):
        return json.loads(self.seen[-1].body)


class Dripping(HTTPServer):
    """Sends one byte of an answer's head at a time, without end."""

    async def _one(self, reader, writer) -> bool:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nx: ")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)
        return False

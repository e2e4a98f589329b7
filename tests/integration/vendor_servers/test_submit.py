"""Submit: exactly one request, and only what is proven is said."""

import asyncio
import dataclasses
import email.utils
import socket
import time

import pytest
from tests.integration.vendor_servers.pairs import (
    DETAIL,
    FILE,
    QUICK,
    REQUEST,
    SERVERS,
    Dripping,
    HTTPRecorder,
    adapter,
    coded,
    pair_of,
    read,
    since,
)
from tests.integration.vendor_servers.videos import Accepting
from tests.integration.vendor_servers.wire import CUT, Answer, say

from spotloom.errors import Conflict, OutcomeUnknown, Permanent, Transient
from spotloom.providers.provider import (
    LaneBlocked,
    Outage,
    Pending,
    Ready,
)


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


async def test_the_last_look_is_taken_when_nothing_has_left(generic):
    seen = []

    async def sending():
        seen.append(len(generic.server.seen))

    await generic.provider.submit(REQUEST, sending=sending)
    await generic.provider.submit(REQUEST, sending=sending)
    assert seen == [0, 1]


async def test_who_may_not_send_any_more_sends_nothing(generic):
    async def sending():
        raise Conflict("another has it")

    with pytest.raises(Conflict):
        await generic.provider.submit(REQUEST, sending=sending)
    assert not generic.server.seen


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_that_cannot_work_is_an_outage_and_the_order_in_doubt(generic, status):
    generic.server.script("create", say(status, DETAIL, retry_after="7"))
    with pytest.raises(Outage) as caught:
        await generic.provider.submit(REQUEST)
    assert caught.value.retry_after_s == 7


async def test_a_job_with_a_name_that_cannot_be_kept_is_an_order_in_doubt(generic):
    generic.server.script("create", Accepting(say(200, {"id": "video\0" + "1"})))
    with pytest.raises(OutcomeUnknown, match="named no job"):
        await generic.provider.submit(REQUEST)


@pytest.mark.parametrize(
    "body",
    [
        {"detail": [{"loc": ["body", "prompt"], "msg": "Field required", "type": "missing"}]},
        {"error": {"message": "Missing required parameter: 'prompt'."}},
        {"error": "prompt is required"},
        {"error": {"message": "Expected multipart/form-data"}},
    ],
)
async def test_a_server_that_reads_other_orders_blocks_the_lane(generic, body):
    generic.server.script("create", say(422, body))
    with pytest.raises(LaneBlocked, match="SPOTLOOM_DIALECT") as caught:
        await generic.provider.submit(REQUEST)
    assert caught.value.reason == "dialect"


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
        assert time.monotonic() - began < 15
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

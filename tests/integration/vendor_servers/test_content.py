"""Content and cancel: resumed, redirected safely, and never lost by us."""

import httpx2
import pytest
from tests.integration.vendor_servers.pairs import (
    DETAIL,
    FILE,
    REQUEST,
    HTTPRecorder,
    coded,
    finished,
    pair_of,
    read,
)
from tests.integration.vendor_servers.wire import CUT, Answer, say

from spotloom.errors import Permanent, Transient
from spotloom.guarded import Pinned
from spotloom.providers import redirects
from spotloom.providers.provider import (
    CancelOutcome,
    LaneBlocked,
    NoFile,
    Variant,
)


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


async def test_a_denied_file_is_told_apart_from_a_server_that_is_away(pair):
    job = await finished(pair)
    page = Answer(status=404, body=b"<html>", headers={"content-type": "text/html"})
    pair.server.script("content", say(404, DETAIL), page)
    with pytest.raises(NoFile):
        await read(pair.provider, job)
    with pytest.raises(Transient) as caught:
        await read(pair.provider, job)
    assert not isinstance(caught.value, NoFile)


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


async def test_a_foreign_host_is_spoken_to_at_the_address_that_was_checked():
    async with HTTPRecorder(Answer(body=FILE)) as store, httpx2.AsyncClient() as client:
        url = httpx2.URL(f"http://files.test:{store.port}/video?signature=a%2Fb")
        checked = Pinned(url=url, host="files.test", port=store.port, addresses=("127.0.0.1",))
        hop = redirects.Hop(url, checked)
        async with hop.stream(client, {"Range": "bytes=5-"}) as reply:
            assert await reply.aread() == FILE
        [asked] = store.seen
        assert asked.headers["host"] == f"files.test:{store.port}"
        assert (asked.path, asked.query) == ("/video", {"signature": "a/b"})


async def test_redirects_in_a_circle_end(generic):
    job = await finished(generic)
    around = say(302, {}, location=f"/v1/videos/{job}/content")
    generic.server.script("content", *[around] * 20)
    with pytest.raises(Transient, match="more than 5 times"):
        await read(generic.provider, job)


async def test_a_running_job_is_stopped(stopping):
    job = (await stopping.provider.submit(REQUEST)).job
    assert await stopping.provider.cancel(job) is CancelOutcome.STOPPED
    assert stopping.server.jobs == {}


async def test_a_finished_job_is_too_late_to_stop_and_keeps_its_file(stopping):
    job = await finished(stopping)
    assert await stopping.provider.cancel(job) is CancelOutcome.TOO_LATE
    assert (await read(stopping.provider, job))[1] == FILE


async def test_a_failed_job_is_over_and_was_not_made(stopping):
    job = (await stopping.provider.submit(REQUEST)).job
    stopping.server.fail(job, None, "out of memory")
    assert await stopping.provider.cancel(job) is CancelOutcome.OVER
    assert job in stopping.server.jobs


@pytest.mark.parametrize("answers", [{"get": say(404, DETAIL)}, {"delete": say(404, DETAIL)}])
async def test_a_job_that_is_not_known_at_the_moment_may_be_stopped_later(stopping, answers):
    job = (await stopping.provider.submit(REQUEST)).job
    for what, answer in answers.items():
        stopping.server.script(what, answer)
    with pytest.raises(Transient):
        await stopping.provider.cancel(job)
    assert await stopping.provider.cancel(job) is CancelOutcome.STOPPED


@pytest.mark.parametrize("dialect", ["generic", "sglang", "litellm"])
async def test_a_server_that_cannot_stop_a_job_is_not_asked_to(dialect):
    async with pair_of(dialect) as pair:
        job = (await pair.provider.submit(REQUEST)).job
        assert await pair.provider.cancel(job) is CancelOutcome.UNSUPPORTED
        assert [r.method for r in pair.server.seen] == ["POST"]
        assert job in pair.server.jobs


@pytest.mark.parametrize("goes_on", [say(200, {"deleted": False}), say(409, DETAIL)])
async def test_a_job_that_goes_on_is_asked_to_stop_twice(stopping, goes_on):
    job = (await stopping.provider.submit(REQUEST)).job
    stopping.server.script("delete", goes_on, goes_on)
    assert await stopping.provider.cancel(job) is CancelOutcome.UNSUPPORTED
    stopping.server.script("delete", goes_on)
    assert await stopping.provider.cancel(job) is CancelOutcome.STOPPED


async def test_a_job_that_was_done_when_it_was_deleted_was_not_stopped(stopping):
    job = (await stopping.provider.submit(REQUEST)).job
    stopping.server.script("delete", say(200, {"deleted": True, "status": "completed"}))
    assert await stopping.provider.cancel(job) is CancelOutcome.OVER


@pytest.mark.parametrize("status", [400, 405, 501])
async def test_a_refused_cancel_is_unsupported(stopping, status):
    job = (await stopping.provider.submit(REQUEST)).job
    stopping.server.script("delete", say(status, DETAIL))
    assert await stopping.provider.cancel(job) is CancelOutcome.UNSUPPORTED


@pytest.mark.parametrize("answer", [say(429, DETAIL), say(500, DETAIL), CUT])
async def test_a_cancel_without_a_clear_answer_may_be_asked_again(stopping, answer):
    job = (await stopping.provider.submit(REQUEST)).job
    stopping.server.script("delete", answer)
    with pytest.raises(Transient):
        await stopping.provider.cancel(job)

"""Poll: an error of the question is never a failure of the video."""

import datetime as dt

import pytest
from tests.integration.vendor_servers.pairs import (
    DETAIL,
    REQUEST,
)
from tests.integration.vendor_servers.wire import CUT, Answer, say

from spotloom.errors import Transient
from spotloom.providers.provider import (
    Cancelled,
    Expired,
    LaneBlocked,
    Lost,
    Pending,
    Ready,
    Rejected,
)


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


async def test_a_reason_that_cannot_be_stored_is_kept_without_what_is_in_the_way(generic):
    job = (await generic.provider.submit(REQUEST)).job
    generic.server.fail(job, "internal_error", "The GPU\0 caught a cold.")
    outcome = await generic.provider.poll(job)
    assert isinstance(outcome, Rejected)
    assert outcome.text == "The GPU caught a cold."


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


@pytest.mark.parametrize(
    ("told", "read"), [(2_000_000_000, 2_000_000_000), (1e30, None), (0, None), (-1, None)]
)
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

"""Find: only what is certain is claimed."""

import dataclasses
import datetime as dt
import email.utils
import time

import pytest
from tests.integration.vendor_servers.pairs import (
    DETAIL,
    LISTING,
    REQUEST,
    pair_of,
    since,
)
from tests.integration.vendor_servers.videos import Accepting
from tests.integration.vendor_servers.wire import CUT, Answer, say

from spotloom.creative.request import Seconds, Size
from spotloom.errors import OutcomeUnknown, Transient
from spotloom.providers.provider import Faulty, NotSupported


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


async def test_other_words_are_another_order(generic):
    await generic.provider.submit(dataclasses.replace(REQUEST, prompt=REQUEST.prompt + "!"))
    mine = await generic.provider.submit(REQUEST)
    found = await generic.provider.find(REQUEST, since=since())
    assert [(c.job, c.certain) for c in found] == [(mine.job, True)]


@pytest.mark.parametrize(
    "other", [{"duration": Seconds(5)}, {"size": Size(1280, 720)}, {"model": "sora-2-pro"}]
)
async def test_only_the_very_same_order_is_certainly_ours(generic, other):
    """Servers round what they tell: the same words in another shape prove neither."""
    near = await generic.provider.submit(dataclasses.replace(REQUEST, **other))
    mine = await generic.provider.submit(REQUEST)
    found = await generic.provider.find(REQUEST, since=since())
    assert {c.job: c.certain for c in found} == {near.job: False, mine.job: True}


@pytest.mark.parametrize(
    "told",
    [
        {"model": "sora-2-2025-10-06"},
        {"prompt": REQUEST.prompt.replace(" ", "\n ")},
        {"prompt": f"  {REQUEST.prompt}"},
        {"seconds": 10},
        {"seconds": "10.0"},
    ],
)
async def test_the_same_order_in_other_words_is_ours(generic, told):
    mine = await generic.provider.submit(REQUEST)
    generic.server.jobs[mine.job] |= told
    found = await generic.provider.find(REQUEST, since=since())
    assert [(c.job, c.certain) for c in found] == [(mine.job, True)]


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
        {"prompt": REQUEST.prompt[:20]},
        {"size": None},
        {"seconds": "as asked"},
        {"created_at": None},
        {"created_at": 0},
    ],
)
async def test_a_list_that_says_too_little_claims_nothing(generic, lacking):
    job = (await generic.provider.submit(REQUEST)).job
    generic.server.jobs[job] |= lacking
    page = {"object": "list", "data": list(generic.server.jobs.values()), "has_more": False}
    generic.server.script("list", say(200, page))
    found = await generic.provider.find(REQUEST, since=since())
    assert [(c.job, c.certain) for c in found] == [(job, False)]


@pytest.mark.parametrize("page", [{"data": [{"prompt": "whose?"}]}, [{"id": "a\0b"}, None]])
async def test_an_entry_that_cannot_be_read_may_be_ours(generic, page):
    generic.server.script("list", say(200, page))
    assert isinstance(await generic.provider.find(REQUEST, since=since()), NotSupported)


@pytest.mark.parametrize("none", [{"data": None}, [], {"data": [], "has_more": "no"}])
async def test_an_empty_list_is_known_in_any_shape(generic, none):
    generic.server.script("list", *[say(200, none)] * 2)
    assert await generic.provider.find(REQUEST, since=since()) == []


async def test_a_bare_list_is_read(generic):
    mine = await generic.provider.submit(REQUEST)
    generic.server.script("list", *[say(200, list(generic.server.jobs.values()))] * 2)
    found = await generic.provider.find(REQUEST, since=since())
    assert [c.job for c in found] == [mine.job]


@pytest.mark.parametrize("status", [400, 422])
async def test_a_list_that_takes_no_parameters_is_asked_without(generic, status):
    mine = await generic.provider.submit(REQUEST)
    generic.server.script("list", say(status, DETAIL))
    found = await generic.provider.find(REQUEST, since=since())
    assert [c.job for c in found] == [mine.job]
    assert [bool(r.query) for r in generic.server.seen if r.method == "GET"] == [True, False]


async def test_a_clock_far_behind_ours_is_reckoned_with(generic):
    behind = dt.timedelta(hours=1)
    generic.server.clock = lambda: time.time() - behind.total_seconds()
    mine = await generic.provider.submit(REQUEST)
    date = email.utils.format_datetime(dt.datetime.now(dt.UTC) - behind, usegmt=True)
    page = {"data": list(generic.server.jobs.values()), "has_more": False}
    generic.server.script("list", say(200, page, date=date))
    found = await generic.provider.find(REQUEST, since=since())
    assert [c.job for c in found] == [mine.job]


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 422, 501])
async def test_a_server_without_a_list_cannot_be_asked(generic, status):
    generic.server.script("list", *[say(status, DETAIL)] * 2)
    assert isinstance(await generic.provider.find(REQUEST, since=since()), NotSupported)


@pytest.mark.parametrize("answer", [say(401, DETAIL), say(429, DETAIL)])
async def test_a_list_that_could_not_be_had_is_asked_for_again(generic, answer):
    generic.server.script("list", answer)
    with pytest.raises(Transient) as caught:
        await generic.provider.find(REQUEST, since=since())
    assert not isinstance(caught.value, Faulty)


@pytest.mark.parametrize("answer", [say(500, DETAIL), say(503, DETAIL), CUT, Answer(body=b"{")])
async def test_a_list_that_errs_is_faulty_for_now_or_always(generic, answer):
    generic.server.script("list", answer)
    with pytest.raises(Faulty):
        await generic.provider.find(REQUEST, since=since())

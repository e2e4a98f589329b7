"""Carries: a job that somebody names is ours only when the server says what we sent."""

import dataclasses
import datetime as dt

import pytest
from tests.integration.vendor_servers.pairs import LISTING, REQUEST, pair_of, since
from tests.integration.vendor_servers.wire import say

from spotloom.errors import Transient
from spotloom.providers.provider import NotSupported


@pytest.mark.parametrize("dialect", LISTING)
async def test_the_job_of_our_own_order_is_recognised(dialect):
    async with pair_of(dialect) as pair:
        mine = await pair.provider.submit(REQUEST)
        assert await pair.provider.carries(mine.job, REQUEST, since=since()) is True


async def test_a_job_of_another_order_is_a_strangers(generic):
    other = await generic.provider.submit(dataclasses.replace(REQUEST, prompt="Another"))
    assert False is await generic.provider.carries(other.job, REQUEST, since=since())


async def test_an_older_job_with_the_same_words_is_another_one(generic):
    mine = await generic.provider.submit(REQUEST)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    assert False is await generic.provider.carries(mine.job, REQUEST, since=later)


async def test_a_job_that_nobody_knows_is_not_ours(generic):
    assert False is await generic.provider.carries("video_none", REQUEST, since=since())


async def test_an_answer_that_cannot_be_had_now_is_asked_for_again(generic):
    mine = await generic.provider.submit(REQUEST)
    generic.server.script("get", say(503, {}))
    with pytest.raises(Transient):
        await generic.provider.carries(mine.job, REQUEST, since=since())


@pytest.mark.parametrize("lacking", [{"prompt": None}, {"seconds": "9"}, {"created_at": None}])
async def test_a_job_that_is_told_too_little_of_may_be_ours(generic, lacking):
    mine = await generic.provider.submit(REQUEST)
    generic.server.jobs[mine.job] |= lacking
    said = await generic.provider.carries(mine.job, REQUEST, since=since())
    assert isinstance(said, NotSupported)

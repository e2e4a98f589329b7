"""Gives each test of the contract an adapter and the server it speaks to."""

from collections.abc import AsyncIterator

import pytest
from tests.integration.vendor_servers.pairs import (
    SERVERS,
    Pair,
    pair_of,
)


@pytest.fixture(params=SERVERS)
async def pair(request) -> AsyncIterator[Pair]:
    async with pair_of(request.param) as pair:
        yield pair


@pytest.fixture
async def generic() -> AsyncIterator[Pair]:
    async with pair_of("generic") as pair:
        yield pair


@pytest.fixture
async def stopping() -> AsyncIterator[Pair]:
    """A server that can stop a job."""
    async with pair_of("vllm-omni") as pair:
        yield pair

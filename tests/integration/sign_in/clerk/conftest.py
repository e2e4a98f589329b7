"""A Clerk that others wrote, and a house that believes it."""

import pytest
from tests.integration import clerk_stage


@pytest.fixture
def peer(folder, listener, tmp_path):
    with clerk_stage.like_clerks_own(folder, listener, tmp_path / "adapted") as one:
        yield one


@pytest.fixture
async def house(ground, listener, peer):
    async with clerk_stage.house(ground, listener, peer) as one:
        yield one

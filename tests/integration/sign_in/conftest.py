"""What all tests of signing in share: an empty house each, and the peers that others wrote."""

import pytest
from tests.integration import live_stage, signing_in
from tests.integration.peers import emulated


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return emulated.installed(tmp_path_factory.mktemp("peers"))


@pytest.fixture
def ground(database_url):
    with live_stage.ground(database_url) as one:
        yield one


@pytest.fixture
def listener():
    with signing_in.listening() as one:
        yield one

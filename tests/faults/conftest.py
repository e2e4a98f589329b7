"""A database server and a provider for the long runs, and their table at the end.

SPOTLOOM_FAULTS_DATABASE_URL names a server on which databases may be made; `system` stands for a
private one of the newest PostgreSQL that is installed. Without it, the one that comes with us.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.faults import cluster, tally
from tests.integration import databases, generating
from tests.integration.conftest import database_url as embedded_url
from tests.integration.conftest import home
from tests.integration.generating_server import restart

from spotloom import embedded

__all__ = ["embedded_url", "home"]  # fixtures of the short runs, here too

GIVEN = os.environ.get("SPOTLOOM_FAULTS_DATABASE_URL")
_FAILED = pytest.StashKey[bool]()
_versions: set[str] = set()


@pytest.fixture(scope="session")
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server on which we may create databases."""
    with contextlib.ExitStack() as stack:
        if GIVEN == "system":
            url = stack.enter_context(cluster.private()).url
        else:
            url = GIVEN or request.getfixturevalue("embedded_url")
        _note(url)
        yield url
        databases.drop_templates(url)


def _note(url: str) -> None:
    with psycopg.connect(url) as connection:
        version = connection.info.server_version // 10_000
    _versions.add(f"{'given' if GIVEN else 'embedded'} {version}")


@pytest.fixture
def mortal(request: pytest.FixtureRequest) -> Iterator[tuple[str, Callable[[int, str], None]]]:
    """The URL of a server of this test's own, and `crash(signal, url)`, which restarts it.

    Of the kind that the suite runs on: the one that comes with us, or the system's.
    """
    with contextlib.ExitStack() as stack:
        if GIVEN:
            own = stack.enter_context(cluster.private())
            _note(own.url)
            yield own.url, lambda number, _url: own.crash(number)
            return
        folder: Path = request.getfixturevalue("home")
        server = embedded.start(folder)
        stack.callback(server.stop)
        _note(server.url)
        yield server.url, lambda number, url: restart(folder, url, number)


@pytest.fixture(scope="session")
def scenery(database_url: str) -> Iterator[generating.Scenery]:
    with generating.scenery(database_url, instant_s=0.25) as shared:
        yield shared


@pytest.fixture
def stage_of(
    scenery: generating.Scenery, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Any]:
    """`with stage_of() as stage`: a new one for every round."""

    @contextlib.contextmanager
    def make() -> Iterator[generating.Stage]:
        with scenery.stage(tmp_path_factory.mktemp("stage")) as stage:
            yield stage

    return make


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Iterator[Callable[[float], tally.Run]]:
    """`run(share)`: begins this scenario, with that share of the minutes."""
    begun: list[tally.Run] = []

    def begin(share: float) -> tally.Run:
        scenario = request.node.name.removeprefix("test_").replace("_", " ")
        begun.append(tally.Run(scenario, share=share))
        return begun[-1]

    yield begin
    for one in begun:
        one.close(failed=request.node.stash.get(_FAILED, True))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Any:
    report = yield
    if report.when == "call":
        item.stash[_FAILED] = report.failed
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not tally.rows:
        return
    database = ", ".join(sorted(_versions))
    terminalreporter.section(f"faults, on PostgreSQL {database}")
    for line in [*tally.told(tally.rows), *tally.notes]:
        terminalreporter.write_line(line)
    if tally.TABLE:
        tally.keep(tally.rows, Path(tally.TABLE), database=database)

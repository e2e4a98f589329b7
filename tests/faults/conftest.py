"""A database server and a provider for the long runs, and their table at the end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.faults import tally
from tests.integration import generating
from tests.integration.conftest import database_url, home

__all__ = ["database_url", "home"]  # fixtures of the short runs, here too


@pytest.fixture(scope="session")
def scenery(database_url: str) -> Iterator[generating.Scenery]:
    with generating.scenery(database_url, instant_s=0.25) as shared:
        yield shared


@pytest.fixture
def stage_of(
    scenery: generating.Scenery, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Any]:
    """`with stage_of() as stage`: a new one for every round."""

    @contextmanager
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
        one.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not tally.rows:
        return
    write = terminalreporter.write_line
    table = [tally.Row.heading(), *(row.cells() for row in tally.rows)]
    widths = [max(len(cells[n]) for cells in table) for n in range(len(table[0]))]
    terminalreporter.section("faults")
    for cells in table:
        first, *rest = zip(cells, widths, strict=True)
        write("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]))
    write("")
    write(", ".join(f"{what}: {times}" for what, times in sorted(tally.blows.items())))
    lost, doubled = (sum(getattr(row, name) for row in tally.rows) for name in ("lost", "doubled"))
    write(f"{sum(tally.blows.values())} blows in all, {lost} lost, {doubled} paid twice")

"""The frame of the studio's pages: who sees them, how their files are kept, how refusals look."""

import gzip
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from tests.integration import api_stage, live_stage
from tests.integration.api_stage import Studio
from tests.integration.live_stage import Ground

from spotloom.auth.roles import Role
from spotloom.web.pages import files

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PACKED = {"accept-encoding": "gzip"}
PLAIN = {"accept-encoding": "identity"}


@pytest.fixture(scope="module")
def ground(database_url: str) -> Iterator[Ground]:
    with live_stage.ground(database_url) as one:
        yield one


@pytest.fixture
async def studio(ground: Ground, tmp_path: Path) -> AsyncIterator[Studio]:
    async with api_stage.studio(ground, tmp_path) as one:
        yield one


async def test_nobody_is_shown_the_way_in_and_comes_back(studio):
    nobody = await studio.client(None)
    answer = await nobody.get("/?state=paused&text=a%20b", headers=BROWSER)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?after=%2F%3Fstate%3Dpaused%26text%3Da%2520b"


async def test_a_program_is_told_in_problem_details_instead(studio):
    nobody = await studio.client(None)
    answer = await nobody.get("/api/campaigns", headers=BROWSER)
    assert answer.status_code == 401
    somebody = await studio.client(Role.VIEWER)
    answer = await somebody.get("/campaigns/nowhere", headers={"accept": "application/json"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_person_reads_a_refusal_as_a_page(studio):
    viewer = await studio.client(Role.VIEWER)
    answer = await viewer.get("/no-such-page", headers=BROWSER)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "There is nothing at this address." in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_page_is_packed_and_kept_by_nobody(studio):
    viewer = await studio.client(Role.VIEWER)
    plain = await viewer.get("/", headers=BROWSER | PLAIN)
    packed = await viewer.get("/", headers=BROWSER | PACKED)
    assert plain.status_code == packed.status_code == 200
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.text == packed.text
    assert plain.headers["cache-control"] == packed.headers["cache-control"] == "no-store"
    assert 'data-role="viewer"' in plain.text


@pytest.mark.parametrize("name", ["studio.css", "vendor/lit.js", "fonts/inter-latin.woff2"])
async def test_a_file_is_kept_until_its_address_changes(studio, name):
    nobody = await studio.client(None)
    plain = await nobody.get(files.address(name), headers=PLAIN)
    packed = await nobody.get(files.address(name), headers=PACKED)
    assert plain.status_code == packed.status_code == 200
    assert plain.headers["cache-control"] == files.FOR_EVER
    assert plain.content == packed.content
    older = await nobody.get(f"/static/0123456789ab/{name}")
    assert (older.status_code, older.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "name", ["../pages/shell.py", "%2e%2e/pages/shell.py", "core", "core/none.js", "/etc/passwd"]
)
async def test_nothing_but_the_pages_own_files_is_served(studio, name):
    nobody = await studio.client(None)
    answer = await nobody.get(f"/static/{files.VERSION}/{name}")
    assert answer.status_code == 404


def test_what_is_packed_is_what_is_read():
    assert files._FILES
    for name, file in files._FILES.items():
        assert file.packed is None or gzip.decompress(file.packed) == file.plain, name


@pytest.mark.parametrize(
    "path", ["/", "/new", "/new/matrix", "/new/confirm", "/queue", "/settings/budgets"]
)
async def test_a_page_names_each_module_once_and_all_that_it_will_need(studio, path):
    """Or they would be found one after the other, each a journey to the server."""
    admin = await studio.client(Role.ADMIN)
    page = (await admin.get(path, headers=BROWSER)).text
    named = re.findall(r'(?:src|href)="(/static/[^"]+[.]js)"', page)
    assert len(named) == len(set(named))
    assert len(named) > 8
    for module in named:
        source = (await admin.get(module)).text
        needed = re.findall(r'(?:from|import) "([.]{1,2}/[^"]+)"', source)
        assert {urljoin(module, each) for each in needed} <= set(named)

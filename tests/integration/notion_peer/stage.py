"""A data source in an empty Notion, and the two clients that the peer's own tests speak with."""

import httpx2
import pytest
from tests.integration.notion_peer import running, sdk

TITLE = "Name"
BATCH, KEY = "Batch ID", "Combination ID"
PROPERTIES = {
    TITLE: {"title": {}},
    BATCH: {"rich_text": {}},
    KEY: {"rich_text": {}},
    "Status": {"select": {"options": [{"name": "queued"}, {"name": "done", "color": "green"}]}},
    "Cost": {"number": {"format": "dollar"}},
    "Video": {"url": {}},
    "Winner": {"checkbox": {}},
    "Files": {"files": {}},
    "Updated": {"last_edited_time": {}},
    "Edited By": {"last_edited_by": {}},
}


def text(content):
    return [{"text": {"content": content}}]


def row(number, *, batch="b1", **more):
    """The properties of a page that stands for one combination."""
    return {
        TITLE: {"title": text(f"Video {number}")},
        BATCH: {"rich_text": text(batch)},
        KEY: {"rich_text": text(f"c{number}")},
        "Status": {"select": {"name": "queued"}},
        **more,
    }


class Notion:
    """The API as a plain HTTP client sees it, with one data source to write to."""

    def __init__(self, peer):
        self.peer = peer
        headers = {"Authorization": f"Bearer {peer.token}", "Notion-Version": running.VERSION}
        url = f"{peer.url}/v1/"
        self.http = httpx2.Client(base_url=url, headers=headers, trust_env=False, timeout=10)
        first = {"properties": PROPERTIES}
        parent = {"type": "page_id", "page_id": peer.home}
        said = {"parent": parent, "title": text("Videos"), "initial_data_source": first}
        self.database = self.ok("POST", "databases", said)
        self.source = self.database["data_sources"][0]["id"]

    def ask(self, method, path, said=None):
        return self.http.request(method, path, json=said)

    def ok(self, method, path, said=None):
        answer = self.ask(method, path, said)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def create(self, properties):
        parent = {"type": "data_source_id", "data_source_id": self.source}
        return self.ask("POST", "pages", {"parent": parent, "properties": properties})

    def created(self, number, **more):
        answer = self.create(row(number, **more))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def query(self, **said):
        return self.ok("POST", f"data_sources/{self.source}/query", said)

    def twice(self, batch):
        return [one for one in self.peer.ledger()["duplicates"] if one["key"][0] == batch]

    def found(self, **said):
        return [page["id"] for page in self.query(**said)["results"]]


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    with running.running(tmp_path_factory.mktemp("notion")) as one:
        yield one


@pytest.fixture
def notion(peer):
    peer.faults()
    made = Notion(peer)
    peer.reset()
    yield made
    made.http.close()
    peer.faults()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return running.installed(tmp_path_factory.mktemp("sdk"))


@pytest.fixture
def official(folder, notion):
    with sdk.driving(folder, notion.peer) as one:
        yield one

"""A Notion as a real process, and the test's handle on it."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.integration import npm
from tests.integration.sandbox_process import until

import spotloom

HERE = Path(__file__).parent
_ROOT = HERE.parents[2]
_ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(Path(spotloom.__file__).parents[1]), str(_ROOT)]),
}
VERSION = "2026-03-11"


@dataclass(slots=True)
class Peer:
    """Where it is, what it was asked, and what a person does in it."""

    folder: Path
    arguments: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[bytes] = field(init=False)
    url: str = field(init=False)
    token: str = field(init=False)
    home: str = field(init=False)  # the page that a test puts its database on
    http: httpx2.Client = field(init=False)

    def start(self) -> None:
        """Start it; after a stop it has the same port and the same in it, but no webhooks."""
        ready = self.folder / "notion.ready"
        ready.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "tests.integration.notion_peer",
            "--ready-file",
            str(ready),
        ]
        command += ["--state", str(self.folder / "notion.state"), "--port", str(self.port)]
        command += self.arguments
        self.process = subprocess.Popen(command, env=_ENVIRONMENT, stdout=subprocess.DEVNULL)
        until(lambda: ready.exists() or self.process.poll() is not None, what="the Notion peer")
        assert self.process.poll() is None, "the Notion peer ended at once"
        told = json.loads(ready.read_text())
        self.url, self.token, self.home = told["url"], told["token"], told["home"]
        self.port = int(self.url.rsplit(":", 1)[1])
        self.http = httpx2.Client(base_url=self.url, trust_env=False, timeout=70)

    def stop(self) -> None:
        self.http.close()
        self.process.terminate()
        self.process.wait(10)

    def _control(self, path: str, said: Any) -> dict[str, Any]:
        answer = self.http.post(f"/peer/{path}", json=said)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def faults(self, **script: Any) -> None:
        """Script what goes wrong from here on: see `conditions.Script`; nothing, when empty."""
        self._control("faults", script)

    def ledger(self) -> dict[str, Any]:
        return dict(self.http.get("/peer/ledger").json())

    def count(self) -> int:
        """How many requests it was sent, without the rest of the ledger."""
        return int(self.http.get("/peer/count").json()["requests"])

    def reset(self) -> None:
        """Start the ledger anew; what was made stays."""
        self._control("reset", {})

    def pages(self) -> list[dict[str, Any]]:
        """Every page with its values as plain text, numbers and names, and who changed it when."""
        return list(self.http.get("/peer/pages").json()["pages"])

    def edit(self, page_id: str, properties: dict[str, Any]) -> None:
        """A person sets properties of a page."""
        self._control("edit", {"page_id": page_id, "properties": properties})

    def trash(self, page_id: str, *, restore: bool = False) -> None:
        """A person moves a page to the trash, or takes it out again."""
        self._control("edit", {"page_id": page_id, "in_trash": not restore})

    def write(self, data_source_id: str, properties: dict[str, Any]) -> str:
        """A person makes a page; its id."""
        parent = {"data_source_id": data_source_id}
        return str(self._control("write", {"parent": parent, "properties": properties})["id"])

    def reshape(self, data_source_id: str, properties: dict[str, Any]) -> None:
        """A person changes the properties of a data source: null removes one."""
        said = {"data_source_id": data_source_id, "properties": properties}
        self._control("reshape", said)

    def empty_trash(self, page_id: str) -> None:
        """A person deletes a page for ever."""
        self._control("empty-trash", {"page_id": page_id})

    def advance(self, seconds: float) -> None:
        """Let its clock run ahead, as when a minute has passed."""
        self._control("clock", {"seconds": seconds})

    def subscribe(self, url: str) -> str:
        """A person enters the URL of a webhook, and Notion sends the token there; its id."""
        return str(self._control("subscribe", {"url": url})["id"])

    def verify(self, subscription: str, token: str) -> None:
        """A person pastes that token: from here on events are sent."""
        self._control("verify", {"id": subscription, "token": token})

    def unsubscribe(self, subscription: str) -> None:
        """A person deletes the webhook."""
        self._control("unsubscribe", {"id": subscription})

    def deliveries(self) -> list[dict[str, Any]]:
        return list(self.http.get("/peer/hooks").json()["log"])


@contextlib.contextmanager
def running(folder: Path, *arguments: str) -> Iterator[Peer]:
    """An empty Notion on a free port of this machine, stopped at the end."""
    peer = Peer(folder, arguments)
    peer.start()
    try:
        yield peer
    finally:
        peer.stop()


def installed(folder: Path, *, whole: bool = False) -> Path:
    """A folder with the official SDK in it, like that one and shared by all of this run.

    When `whole`, that one itself, with the generator of the schemas, too.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing = "Node is not installed, and the official SDK is a Node library"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    folder = folder if whole else npm.shared(folder)
    names = ("package.json", "package-lock.json", ".npmrc", "generate.mjs", "drive.mjs")
    npm.install(HERE, names, *([] if whole else ["--omit=dev"]), folder=folder)
    return folder


def node(folder: Path, script: str) -> None:
    """Run a script of that folder to its end."""
    done = subprocess.run(
        ["node", script], cwd=folder, capture_output=True, text=True, timeout=180, check=False
    )
    if done.returncode:
        pytest.fail(f"node {script} failed:\n{done.stderr}")

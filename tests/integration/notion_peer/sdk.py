"""The official SDK as a second client of the peer, in a process of its own."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.integration.notion_peer.running import VERSION, Peer


class Sdk:
    """Makes one call at a time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def told(self, call: str, **args: Any) -> dict[str, Any]:
        """Its `answer`, or the `error` that it raised."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"call": call, "args": args}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the SDK's process ended"
        return dict(json.loads(line))

    def call(self, call: str, **args: Any) -> dict[str, Any]:
        told = self.told(call, **args)
        assert "answer" in told, told
        return dict(told["answer"])


@contextlib.contextmanager
def driving(folder: Path, peer: Peer, **options: Any) -> Iterator[Sdk]:
    """The SDK of that folder, at the peer; `retry=False` takes its own retries away."""
    said = {"auth": peer.token, "baseUrl": peer.url, "notionVersion": VERSION} | options
    process = subprocess.Popen(
        ["node", "drive.mjs", json.dumps(said)],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Sdk(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)

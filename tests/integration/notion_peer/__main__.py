"""`python -m tests.integration.notion_peer`: a Notion on this machine, until it is stopped."""

import argparse
import asyncio
import json
import socket
from pathlib import Path

import uvicorn
from tests.integration.notion_peer.server import Notion, build

from spotloom.sandbox.server import Transports, protocol

TOKEN = "ntn_spotloom_tests"


def main() -> None:
    """Serve on a free port of 127.0.0.1, and say where in the ready file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--token", action="append", help=f"default: {TOKEN}")
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--state", type=Path, help="what is in it, from one run to the next")
    given = parser.parse_args()
    tokens = given.token or [TOKEN]
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", given.port))
        listener.listen(128)
        asyncio.run(_serve(listener, tokens, ready_file=given.ready_file, state=given.state))


async def _serve(
    listener: socket.socket, tokens: list[str], *, ready_file: Path, state: Path | None
) -> None:
    transports: Transports = {}
    notion = Notion(tokens=frozenset(tokens), transports=transports, state=state)
    config = uvicorn.Config(
        build(notion),
        http=protocol(transports),
        access_log=False,
        log_level="critical",
        timeout_graceful_shutdown=1,
    )
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    told = {"url": url, "token": tokens[0], "home": notion.workspace.home.id}
    part = ready_file.with_suffix(".part")
    part.write_text(json.dumps(told))
    part.rename(ready_file)
    await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    main()

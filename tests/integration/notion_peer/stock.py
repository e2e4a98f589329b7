"""The stock Python client with its own retries, as somebody would use it who trusts them."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass

import httpx
import notion_client
from notion_client.errors import HTTPResponseError, RequestTimeoutError
from tests.integration.notion_peer.running import VERSION, Peer
from tests.integration.notion_peer.stage import PROPERTIES, TITLE, row, text

AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What became of its pages."""

    videos: int
    pages: int
    unknown: int  # the caller was told of an error, whether there is a page or not
    missing: int
    doubled: int  # after the caller tried those again
    requests: int


async def fill(peer: Peer, videos: int) -> Filled:
    """Make that many pages, four at a time, and in the end once more those that failed."""
    logger = logging.getLogger("stock")
    client = notion_client.AsyncClient(
        auth=peer.token,
        base_url=peer.url,
        notion_version=VERSION,
        log_level=logging.CRITICAL,
        logger=logger,
        client=httpx.AsyncClient(trust_env=False),
    )
    try:
        first = {"properties": PROPERTIES}
        parent = {"type": "page_id", "page_id": peer.home}
        made = await client.databases.create(
            parent=parent, title=text("Stock"), initial_data_source=first
        )
        peer.reset()
        source = made["data_sources"][0]["id"]
        failed = await _create(client, source, range(videos))
        there = _there(peer)
        await _create(client, source, failed)
    finally:
        await client.aclose()
    after = _there(peer)
    return Filled(
        videos=videos,
        pages=sum(there.values()),
        unknown=len(failed),
        missing=videos - len(there),
        doubled=sum(count > 1 for count in after.values()),
        requests=peer.ledger()["requests"],
    )


def _there(peer: Peer) -> Counter[str]:
    return Counter(page["values"][TITLE] for page in peer.pages())


async def _create(
    client: notion_client.AsyncClient, source: str, numbers: "range | list[int]"
) -> list[int]:
    """Those of which the caller heard an error."""
    failed: list[int] = []
    room = asyncio.Semaphore(AT_ONCE)
    parent = {"type": "data_source_id", "data_source_id": source}

    async def one(number: int) -> None:
        async with room:
            try:
                await client.pages.create(parent=parent, properties=row(number, batch="stock"))
            except (HTTPResponseError, RequestTimeoutError, httpx.HTTPError):
                failed.append(number)

    await asyncio.gather(*map(one, numbers))
    return failed

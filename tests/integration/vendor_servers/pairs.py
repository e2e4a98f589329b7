"""One adapter beside one server, and what all tests of the contract say to them."""

import asyncio
import contextlib
import datetime as dt
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tests.integration.vendor_servers import videos
from tests.integration.vendor_servers.videos import VideosServer
from tests.integration.vendor_servers.wire import Answer, HTTPServer, Request

from spotloom.creative.request import Seconds, Size, VideoRequest
from spotloom.providers.catalog import catalog
from spotloom.providers.openai_videos import OpenAIVideos, Timeouts
from spotloom.providers.provider import (
    Variant,
)

KEY = "sk-test-0123456789-very-secret"
SERVERS: dict[str, type[VideosServer]] = {
    "generic": videos.VideosServer,
    "sglang": videos.SGLang,
    "vllm-omni": videos.VLLMOmni,
    "litellm": videos.LiteLLM,
}
REQUEST = VideoRequest(
    prompt="A kettle on a stove at dawn. “Steam” rises; Zoë smiles.",
    model="sora-2",
    duration=Seconds(10),
    size=Size(720, 1280),
    loop=False,
    brand="Kettle & Co",
    values=(("funnelLevel", "unaware"), ("mood", "wholesome")),
    idempotency_key="campaign:combination:1",
)
QUICK = Timeouts(connect_s=2, write_s=2, read_s=0.4, pool_s=2, reply_s=1)
FILE = bytes(range(256)) * 1024
LISTING = ["generic", "vllm-omni"]  # the dialects that list prompts


@dataclass
class Pair:
    """One adapter and the server it speaks to."""

    dialect: str
    server: VideosServer
    provider: OpenAIVideos


def adapter(url: str, dialect: str, *, key: str | None = KEY, timeouts: Timeouts | None = None):
    return catalog().openai_videos(
        "openai-videos", base_url=url, api_key=key, dialect=dialect, timeouts=timeouts
    )


@contextlib.asynccontextmanager
async def pair_of(dialect: str, *, timeouts: Timeouts | None = None) -> AsyncIterator[Pair]:
    async with SERVERS[dialect](key=KEY) as server:
        provider = adapter(server.url, dialect, timeouts=timeouts)
        try:
            yield Pair(dialect, server, provider)
        finally:
            await provider.close()


async def read(provider: OpenAIVideos, job: str, variant=Variant.VIDEO, *, offset: int = 0):
    async with provider.open_content(job, variant, offset=offset) as content:
        return content, b"".join([chunk async for chunk in content.chunks])


def since() -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=5)


DETAIL = {"error": {"message": "no", "code": None, "type": "invalid_request_error", "param": None}}


def coded(code: str) -> dict[str, object]:
    return {"error": DETAIL["error"] | {"code": code}}


class HTTPRecorder(HTTPServer):
    """Gives every request the same answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    async def answer(self, _request: Request) -> Answer:
        return self._answer

    @property
    def sent(self):
        return json.loads(self.seen[-1].body)


class Dripping(HTTPServer):
    """Sends one byte of an answer's head at a time, without end."""

    async def _one(self, reader, writer) -> bool:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nx: ")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)
        return False


async def finished(pair: Pair) -> str:
    job = (await pair.provider.submit(REQUEST)).job
    pair.server.finish(job, FILE)
    return job

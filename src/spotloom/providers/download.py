"""Opens a job's file: resumes by range, follows redirects safely, refuses what is not a video."""

import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from spotloom.errors import Permanent, Transient
from spotloom.providers import redirects, refusals
from spotloom.providers.account import Account
from spotloom.providers.dialects import Vocabulary
from spotloom.providers.provider import Content, NoFile, Variant

_MAX_REDIRECTS = 5
_ERROR_BYTES = 65_536
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_ACCEPTED = {
    Variant.VIDEO: ("video/", "application/mp4"),
    Variant.THUMBNAIL: ("image/",),
}
_ANY_BYTES = ("application/octet-stream", "binary/octet-stream", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a file is asked for, and who asks."""

    provider: str
    account: Account
    url: httpx2.URL
    variant: Variant
    words: Vocabulary


@asynccontextmanager
async def opened(
    client: httpx2.AsyncClient, source: Source, *, offset: int
) -> AsyncIterator[Content]:
    """The file's bytes from `offset` on, or from the start where the server ignores the range."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            reply = await _asked(client, source, offset=offset, stack=stack)
            if reply.status_code == 416 and offset:  # the file is not what we began to fetch
                reply = await _asked(client, source, offset=0, stack=stack)
            if reply.status_code not in {200, 206}:
                raise await _refused(reply, source)
        except httpx2.HTTPError as error:
            raise Transient(
                f"{source.provider} could not be asked for the file: {type(error).__name__}."
            ) from error
        yield _content(reply, source, offset=offset)


async def _asked(
    client: httpx2.AsyncClient,
    source: Source,
    *,
    offset: int,
    stack: contextlib.AsyncExitStack,
) -> httpx2.Response:
    """The answer at the end of the redirects; the key goes to the configured server alone."""
    hop = redirects.Hop(url=source.url, foreign=None)
    for _ in range(_MAX_REDIRECTS + 1):
        # Compressed transfer would make ranges and lengths mean something else.
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        if redirects.same_origin(hop.url, source.url):
            headers |= source.account.headers()
        reply = await stack.enter_async_context(hop.stream(client, headers))
        if not reply.has_redirect_location:
            return reply
        await reply.aclose()
        hop = await redirects.follow(reply, start=source.url, provider=source.provider)
    raise Transient(f"{source.provider} redirected the download more than {_MAX_REDIRECTS} times.")


def _content(reply: httpx2.Response, source: Source, *, offset: int) -> Content:
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind.startswith(_ACCEPTED[source.variant]) and kind not in _ANY_BYTES:
        raise Transient(f"{source.provider} sent {kind} instead of the {source.variant.value}.")
    if reply.headers.get("content-encoding", "identity").lower() != "identity":
        raise Transient(f"{source.provider} sent the {source.variant.value} compressed.")
    start, length = _extent(reply, source)
    if start > offset:
        raise Transient(f"{source.provider} sent bytes from {start} on, not from {offset}.")
    return Content(
        offset=start, length=length, content_type=kind, chunks=_chunks(reply, source.provider)
    )


def _extent(reply: httpx2.Response, source: Source) -> tuple[int, int | None]:
    """The first byte's place in the file, and the length of the whole file when told."""
    if reply.status_code == 200:
        told = reply.headers.get("content-length", "")
        return 0, int(told) if told.isdecimal() else None
    found = _RANGE.fullmatch(reply.headers.get("content-range", "").strip())
    if not found:
        raise Transient(f"{source.provider} sent a part of the file without saying which.")
    return int(found[1]), int(found[2]) if found[2] != "*" else None


async def _chunks(reply: httpx2.Response, provider: str) -> AsyncIterator[bytes]:
    try:
        async for chunk in reply.aiter_raw():
            yield chunk
    except httpx2.HTTPError as error:
        raise Transient(
            f"The download from {provider} was cut after {reply.num_bytes_downloaded} bytes: "
            f"{type(error).__name__}."
        ) from error


async def _refused(reply: httpx2.Response, source: Source) -> Permanent | Transient:
    body = b""
    async for chunk in reply.aiter_raw():
        body += chunk
        if len(body) > _ERROR_BYTES:
            break
    refusal = refusals.read(
        reply.status_code, reply.headers, body, provider=source.provider, account=source.account
    )
    gone = reply.status_code == 410 or refusal.cause.code in source.words.expired_codes
    if gone and 400 <= reply.status_code < 500:
        return Permanent(f"{refusal}; the file is gone.", code="expired")
    if not redirects.same_origin(reply.request.url, source.url):
        # A signed link that no longer opens: the provider gives a fresh one when asked again.
        return Transient(str(refusal), retry_after_s=refusal.retry_after_s)
    # A page for people comes from something in front of the server, which knows no files.
    if reply.status_code == 404 and "html" not in reply.headers.get("content-type", ""):
        return NoFile(str(refusal), retry_after_s=refusal.retry_after_s)
    return refusals.on_question(refusal)

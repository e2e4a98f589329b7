"""The adapter for every server that speaks `/v1/videos`; what differs between them is a dialect."""

import asyncio
import datetime as dt
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, ValidationError

from spotloom.creative.request import VideoRequest
from spotloom.errors import OutcomeUnknown, Permanent, Transient
from spotloom.providers import download, find, refusals
from spotloom.providers.account import Account
from spotloom.providers.dialects import Body, Cancelling, Dialect, Vocabulary
from spotloom.providers.provider import (
    Cancelled,
    CancelOutcome,
    Candidate,
    Capability,
    Content,
    Expired,
    Faulty,
    Limits,
    Lost,
    NotSupported,
    Pending,
    Poll,
    Ready,
    Rejected,
    Sending,
    Submitted,
    Variant,
    at_once,
)
from spotloom.providers.replies import Accepted, Cause, Deleted, Job, JobList, Listed

# They log every address, and a redirected download's address is a key to the file.
for _library in ("httpx2", "httpcore2"):
    logging.getLogger(_library).setLevel(logging.WARNING)

_LARGEST_REPLY = 16 * 1024 * 1024
_PAGE = 100
_PAGES = 50
_STOP_AGAIN_S = 1.0  # after which a job that goes on is asked to stop once more

Told = TypeVar("Told", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long each phase of a call may take, in seconds."""

    connect_s: float = 10.0
    write_s: float = 30.0
    read_s: float = 60.0
    pool_s: float = 15.0
    reply_s: float = 120.0  # a whole answer, however slowly it drips


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class OpenAIVideos:
    """One `/v1/videos` server at one account. It never repeats a create by itself."""

    def __init__(
        self,
        *,
        name: str,
        account: Account,
        dialect: Dialect,
        words: Vocabulary,
        capabilities: Sequence[Capability],
        limits: Limits,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.name = name
        self.account = account.id
        self._account, self._base = account, account.base
        self._dialect, self._words = dialect, words
        self._capabilities, self._limits = tuple(capabilities), limits
        self._timeouts = timeouts or Timeouts()
        tls = httpx2.create_ssl_context(trust_env=False)
        # A connection kept open can die just as a create goes out on it, and then nobody knows
        # whether it arrived: every create has a fresh one.
        self._buying = _client(tls, self._timeouts, connections=64, kept=0)
        self._asking = _client(tls, self._timeouts, connections=32, kept=16)
        self._fetching = _client(tls, self._timeouts, connections=64, kept=8)

    def __repr__(self) -> str:
        return f"OpenAIVideos({self.name!r}, {self._base!r}, {self._dialect.name})"

    def models(self) -> Sequence[Capability]:
        return self._capabilities

    def limits(self) -> Limits:
        return self._limits

    async def submit(self, request: VideoRequest, *, sending: Sending = at_once) -> Submitted:
        """Buy one video. Exactly one request leaves; nothing here repeats it."""
        order = self._order(request)
        order.extensions["trace"] = _before_sending(sending)
        try:
            reply = await self._exchange(self._buying, order)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise Transient(f"{self.name} could not be reached: {_what(error)}.") from error
        except (httpx2.HTTPError, TimeoutError, _TooLong) as error:
            raise OutcomeUnknown(
                f"The answer of {self.name} to the order was lost: {_what(error).rstrip('.')}."
            ) from error
        if not 200 <= reply.status < 300:
            raise refusals.on_create(self._refusal(reply), dialect=self._dialect, words=self._words)
        accepted = _parsed(Accepted, reply.body)
        if accepted is None:
            raise OutcomeUnknown(f"{self.name} took the order but named no job.")
        return Submitted(accepted.id)

    async def poll(self, job: str) -> Poll:
        """Ask how a job stands; Transient when the answer could not be had."""
        reply = await self._ask("GET", f"videos/{_segment(job)}")
        if reply.status >= 400 and self._dialect.failed_as_http_error:
            failed = _parsed(Job, reply.body)
            if failed is not None and failed.status == "failed":
                return self._outcome(failed)
        # A page for people comes from something in front of the server, which knows no jobs.
        if reply.status == 404 and "html" not in reply.headers.get("content-type", ""):
            return Lost()
        if not 200 <= reply.status < 300:
            raise refusals.on_question(self._refusal(reply))
        told = _parsed(Job, reply.body)
        if told is None:
            raise Transient(f"{self.name} gave an unreadable answer about job {job}.")
        return self._outcome(told)

    async def find(
        self, request: VideoRequest, *, since: dt.datetime
    ) -> Sequence[Candidate] | NotSupported:
        """Jobs that carry what this attempt sent, or may, accepted since then, oldest first."""
        if not self._dialect.lists:
            return NotSupported()
        search: find.Search | None = None
        for _ in range(_PAGES):
            reply = await self._list(search.after if search else None)
            if reply is None:
                return NotSupported()
            page = _parsed(JobList, reply.body)
            if page is None:
                raise Faulty(f"{self.name} gave an unreadable list of jobs.")
            if search is None:
                since = _by_its_clock(since, reply)
                search = find.Search(request, since=since, dialect=self._dialect)
            search.read(page, asked=_PAGE)
            if search.over:
                break
        return search.result() if search else NotSupported()

    async def carries(
        self, job: str, request: VideoRequest, *, since: dt.datetime
    ) -> bool | NotSupported:
        """Whether the server says that this job is what the attempt ordered since then."""
        reply = await self._ask("GET", f"videos/{_segment(job)}")
        if reply.status == 404:
            return False
        if not 200 <= reply.status < 300:
            raise self._unanswered(reply)
        told = _parsed(Listed, reply.body)
        if told is None or told.id != job:
            return NotSupported()
        since = _by_its_clock(since, reply)
        match find.match(told, request, since=since, dialect=self._dialect):
            case find.Match.YES:
                return True
            case find.Match.NO:
                return False
            case find.Match.UNTOLD:
                return NotSupported()

    def open_content(
        self, job: str, variant: Variant, *, offset: int = 0
    ) -> AbstractAsyncContextManager[Content]:
        """A download of the job's file, resumed at `offset` where the server can."""
        return self._content(job, variant, offset)

    async def cancel(self, job: str) -> CancelOutcome:
        """Ask the server to stop a job; a finished one is left alone, lest its file be deleted."""
        if self._dialect.cancelling is not Cancelling.STOPS:
            return CancelOutcome.UNSUPPORTED
        for _ in range(2):
            stands = await self.poll(job)
            if isinstance(stands, Lost):
                raise Transient(f"{self.name} does not know job {job}, which is to be stopped.")
            if not isinstance(stands, Pending):
                return CancelOutcome.TOO_LATE if isinstance(stands, Ready) else CancelOutcome.OVER
            reply = await self._ask("DELETE", f"videos/{_segment(job)}")
            if (outcome := self._stopped(reply)) is not None:
                return outcome
            await asyncio.sleep(_STOP_AGAIN_S)
        return CancelOutcome.UNSUPPORTED

    def _stopped(self, reply: _Reply) -> CancelOutcome | None:
        """What the answer to a DELETE says; None when the job goes on."""
        if 200 <= reply.status < 300:
            told = _parsed(Deleted, reply.body) or Deleted()
            if told.status == "completed":
                return CancelOutcome.OVER
            return CancelOutcome.STOPPED if told.deleted else None
        if reply.status in {400, 405, 422, 501}:
            return CancelOutcome.UNSUPPORTED
        if reply.status != 409:
            raise refusals.on_question(self._refusal(reply))
        return None

    async def close(self) -> None:
        """Close every connection."""
        for client in (self._buying, self._asking, self._fetching):
            await client.aclose()

    def _order(self, request: VideoRequest) -> httpx2.Request:
        fields: dict[str, Any] = {
            "prompt": request.prompt,
            "model": request.model,
            "seconds": str(request.duration),
            "size": str(request.size),
        }
        headers = self._account.headers() | {
            "Idempotency-Key": quote(request.idempotency_key, safe=":")
        }
        url = f"{self._base}/videos"
        if self._dialect.body is Body.MULTIPART:
            parts = [(name, (None, value)) for name, value in fields.items()]
            return self._buying.build_request("POST", url, files=parts, headers=headers)
        if self._dialect.extension:
            fields["spotloom"] = {
                "brand": request.brand,
                "loop": request.loop,
                "values": request.values,
            }
        headers["Content-Type"] = "application/json"
        body = json.dumps(fields).encode()
        return self._buying.build_request("POST", url, content=body, headers=headers)

    async def _list(self, after: str | None) -> _Reply | None:
        """One page of the server's jobs, newest first; None when it cannot list them for us."""
        params = {"limit": str(_PAGE), "order": "desc"} | ({"after": after} if after else {})
        reply = await self._ask("GET", "videos", params=params)
        if reply.status in {400, 422} and after is None:  # it may take no parameters, or fewer
            reply = await self._ask("GET", "videos")
        if 200 <= reply.status < 300:
            return reply
        if reply.status in {401, 407, 408, 425, 429, 500} or reply.status > 501:
            raise self._unanswered(reply)
        return None

    @asynccontextmanager
    async def _content(self, job: str, variant: Variant, offset: int) -> AsyncIterator[Content]:
        if variant is not Variant.VIDEO and not self._dialect.variants:
            raise Permanent(f"{self.name} has no {variant.value} of a job.", code="no_variant")
        url = httpx2.URL(f"{self._base}/videos/{_segment(job)}/content")
        if self._dialect.variants:
            url = url.copy_merge_params({"variant": variant.value})
        source = download.Source(
            provider=self.name, account=self._account, url=url, variant=variant, words=self._words
        )
        async with download.opened(self._fetching, source, offset=offset) as content:
            yield content

    async def _ask(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None
    ) -> _Reply:
        """The answer to a question that costs nothing; Transient when there is none."""
        question = self._asking.build_request(
            method, f"{self._base}/{path}", params=params, headers=self._account.headers()
        )
        try:
            return await self._exchange(self._asking, question)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise Transient(f"{self.name} could not be reached: {_what(error)}.") from error
        except (httpx2.HTTPError, TimeoutError, _TooLong) as error:
            raise Faulty(f"{self.name} gave no answer: {_what(error)}.") from error

    async def _exchange(self, client: httpx2.AsyncClient, request: httpx2.Request) -> _Reply:
        async with asyncio.timeout(self._timeouts.reply_s):
            reply = await client.send(request, stream=True)
            try:
                body = bytearray()
                async for chunk in reply.aiter_bytes():
                    body += chunk
                    if len(body) > _LARGEST_REPLY:
                        raise _TooLong
            except httpx2.HTTPError:
                if reply.status_code < 400:  # else the status alone says enough
                    raise
            finally:
                await reply.aclose()
        return _Reply(reply.status_code, reply.headers, bytes(body))

    def _outcome(self, job: Job) -> Poll:
        match job.status:
            case "completed":
                return Ready(job.expires_at, None)
            case "failed":
                return self._rejected(job.error or Cause())
            case "cancelled":
                return Cancelled()
            case "expired":
                return Expired()
            case "queued" | "in_progress" | "other":
                return Pending(job.progress)

    def _rejected(self, error: Cause) -> Rejected:
        why = refusals.shown(error, self._account)
        return Rejected(
            code=why.code or "failed",
            text=why.message or f"{self.name} gave no reason.",
            moderation=refusals.moderation(why, self._words),
            billed=self._dialect.bills_failures,
        )

    def _unanswered(self, reply: _Reply) -> Transient:
        """The error for a look-up that was refused, or was answered with a fault."""
        refusal = self._refusal(reply)
        if reply.status >= 500:
            return Faulty(str(refusal), retry_after_s=refusal.retry_after_s)
        return refusals.on_question(refusal)

    def _refusal(self, reply: _Reply) -> refusals.Refusal:
        return refusals.read(
            reply.status, reply.headers, reply.body, provider=self.name, account=self._account
        )


class _TooLong(Exception):
    """The answer is longer than any answer of this protocol."""

    def __str__(self) -> str:
        return f"more than {_LARGEST_REPLY} bytes"


def _client(
    tls: ssl.SSLContext, timeouts: Timeouts, *, connections: int, kept: int
) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        verify=tls,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx2.Timeout(
            connect=timeouts.connect_s,
            write=timeouts.write_s,
            read=timeouts.read_s,
            pool=timeouts.pool_s,
        ),
        limits=httpx2.Limits(
            max_connections=connections, max_keepalive_connections=kept, keepalive_expiry=4.0
        ),
    )


def _before_sending(sending: Sending) -> Callable[[str, object], Awaitable[None]]:
    """Await `sending` once the connection stands, before the first byte of the order."""

    async def trace(event: str, _info: object) -> None:
        if event.endswith(".send_request_headers.started"):
            await sending()

    return trace


def _by_its_clock(since: dt.datetime, reply: _Reply) -> dt.datetime:
    """The moment by the server's clock where that is behind ours: never later."""
    ahead_s = refusals.ahead_s(reply.headers, now=dt.datetime.now(dt.UTC))
    return since + dt.timedelta(seconds=min(0.0, ahead_s))


def _segment(job: str) -> str:
    """The job's id as one part of a path, whatever the server put into it."""
    return quote(job, safe="")


def _parsed(model: type[Told], body: bytes) -> Told | None:
    try:
        return model.model_validate_json(body)
    except ValidationError:
        return None


def _what(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()

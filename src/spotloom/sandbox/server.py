"""The sandbox's routes: `/v1/videos` as a stranger expects it, and `/sandbox` for whoever tests."""

import asyncio
import hmac
import os
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from spotloom.sandbox.faults import Faults, Rule, Script, explain
from spotloom.sandbox.jobs import Disk, Job, Jobs
from spotloom.sandbox.making import Making, Manner
from spotloom.sandbox.wire import (
    CONTENT_TYPES,
    MAX_BODY,
    ApiError,
    Ask,
    read_ask,
    read_members,
    read_prompt,
    refuse,
)

log = structlog.get_logger()

_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
_PAGE = "<!doctype html><title>Gateway</title><p>The sandbox was told to answer with a page.</p>"
_MODERATED = "Your request was blocked by our moderation system."

Transports = MutableMapping[tuple[str, int], asyncio.Transport]


def protocol(transports: Transports) -> type[H11Protocol]:
    """An HTTP protocol that keeps the open sockets, so that a fault can hang up on one."""

    class Protocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in the parent
            super().connection_made(transport)
            transports[transport.get_extra_info("peername")[:2]] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            transports.pop(self.transport.get_extra_info("peername")[:2], None)
            super().connection_lost(exc)

    return Protocol


class HangUp(Response):
    """No answer, or half of one: `partial` is sent under the length of the whole, then silence."""

    def __init__(self, transports: Transports, partial: tuple[bytes, int] | None = None) -> None:
        super().__init__(media_type="video/mp4")
        self._transports, self._partial = transports, partial

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._partial is not None:
            start, length = self._partial
            headers = [(b"content-type", b"video/mp4"), (b"content-length", str(length).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": start, "more_body": True})
        self._transports[scope["client"]].close()
        while (await receive())["type"] != "http.disconnect":
            pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a sandbox is started with."""

    home: Path
    secret: str  # proves to a launcher that it found the server it looked for
    limit: int
    script: Script
    manner: Manner
    idempotency: bool


class Sandbox:
    """The server's state, and an answer to each route."""

    def __init__(self, options: Options, *, disk: Disk, transports: Transports) -> None:
        self.options, self.limit = options, options.limit
        self._disk, self._transports = disk, transports
        self._faults = Faults(options.script)
        self.making = Making(options.home, disk, options.manner)

    async def close(self) -> None:
        """Leave everything so that the next run can go on with it."""
        await self.making.close()
        await self._disk.close()

    # /v1/videos

    async def create(self, request: Request) -> Response:
        ask = read_ask(await _members(request))
        return await self._buy(request, ask)

    async def remix(self, request: Request, video_id: str) -> Response:
        source = await self._job(video_id)
        prompt = read_prompt(await _members(request))
        if source.state != "completed":
            refuse("video_id", f"Video {video_id} is not completed; only then can it be remixed.")
        ask = replace(source.ask, prompt=prompt, remixed_from=source.id)
        return await self._buy(request, ask)

    async def _buy(self, request: Request, ask: Ask) -> Response:
        if (struck := await self._misbehave(self._strike(request, "create"), request)) is not None:
            return struck
        key = request.headers.get("idempotency-key") if self.options.idempotency else None
        job, fresh = await self._disk(_accept, ask, limit=self.limit, key=key)
        if fresh:
            log.info("sandbox.accepted", job=job.id, n=job.n, model=ask.model, seconds=ask.seconds)
            if fate := self._faults.fate(job.n):
                job = replace(job, fate=fate)
                await self._disk(Jobs.deal, job)
            await self.making.start(job)
            rule = self._strike(request, "accepted")
            if (struck := await self._misbehave(rule, request)) is not None:
                return struck
        progress = 0 if fresh else self.making.progress(job)
        return JSONResponse(job.to_json(progress=progress))

    async def poll(self, request: Request, video_id: str) -> Response:
        job = await self._job(video_id)
        rule = self._strike(request, "poll", job=job)
        if (struck := await self._misbehave(rule, request)) is not None:
            return struck
        shown = job.to_json(progress=self.making.progress(job))
        if rule is None:
            return JSONResponse(shown)
        if rule.fault == "failed-as-error":
            return JSONResponse(shown, (rule.status or 500) if job.state == "failed" else 200)
        if rule.fault == "word":
            shown["status"] = rule.word
        if job.state == "live" and rule.fault == "stuck":
            shown |= {"status": "in_progress", "progress": 42 if rule.value is None else rule.value}
        if job.state == "live" and rule.fault == "backwards":
            shown |= {"status": "in_progress", "progress": 99 - shown["progress"]}
        return JSONResponse(shown)

    async def index(self, request: Request) -> Response:
        rule = self._strike(request, "list")
        if (struck := await self._misbehave(rule, request)) is not None:
            return struck
        query = request.query_params
        limit, order, after = (
            query.get("limit", "20"),
            query.get("order", "desc"),
            query.get("after"),
        )
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= 100):
            refuse("limit", f"'limit' is {limit[:20]!r}; it must be from 1 to 100.")
        if order not in {"asc", "desc"}:
            refuse("order", f"'order' is {order[:20]!r}; it must be asc or desc.")
        found = await self._disk(
            Jobs.page,
            after=after,
            limit=int(limit) + 1,
            newest_first=order == "desc",
            lag_s=(rule.seconds or 0.0) if rule is not None and rule.fault == "lag" else 0.0,
        )
        if found is None:
            refuse("after", f"'after' is {str(after)[:60]!r}, which is no known video.")
        page = found[: int(limit)]
        return JSONResponse(
            {
                "object": "list",
                "data": [job.to_json(progress=self.making.progress(job)) for job in page],
                "first_id": page[0].id if page else None,
                "last_id": page[-1].id if page else None,
                "has_more": len(found) > len(page),
            }
        )

    async def content(self, request: Request, video_id: str) -> Response:
        variant = request.query_params.get("variant", "video")
        if variant not in CONTENT_TYPES:
            offered = ", ".join(CONTENT_TYPES)
            refuse("variant", f"'variant' is {variant[:20]!r}; it must be one of {offered}.")
        job = await self._job(video_id)
        rule = self._strike(request, "content", job=job)
        if (struck := await self._misbehave(rule, request)) is not None:
            return struck
        if job.state == "live":
            raise ApiError(
                404, "The video is not ready yet; poll it first.", code="video_not_ready"
            )
        if job.expired:
            raise ApiError(404, "The video's files have expired.", code="video_expired")
        file = await self.making.content(job, variant)
        if file is None:
            raise ApiError(404, "The video has no content.", code="content_not_found")
        if rule is not None and rule.fault == "truncate":
            whole = await asyncio.to_thread(file.read_bytes)
            return HangUp(self._transports, (whole[: len(whole) // 2], len(whole)))
        return FileResponse(file, media_type=CONTENT_TYPES[variant])

    async def delete(self, request: Request, video_id: str) -> Response:
        job = await self._job(video_id)
        rule = self._strike(request, "delete", job=job)
        if (struck := await self._misbehave(rule, request)) is not None:
            return struck
        await self.making.delete(job)
        log.info("sandbox.deleted", job=job.id, state=job.state)
        return JSONResponse({"id": job.id, "object": "video.deleted", "deleted": True})

    async def _job(self, video_id: str) -> Job:
        job = await self._disk(Jobs.get, video_id)
        if job is None:
            raise ApiError(404, f"Video with id '{video_id}' not found.", code="not_found")
        return job

    # Faults

    def _strike(self, request: Request, place: str, *, job: Job | None = None) -> Rule | None:
        if "redirected" in request.query_params:  # where our own redirect led
            return None
        rule = self._faults.strike(place, job=job.n if job else 0)
        if rule is not None:
            log.info("sandbox.fault", where=place, fault=rule.fault, job=job and job.id)
        return rule

    async def _misbehave(self, rule: Rule | None, request: Request) -> Response | None:
        """The answer that a fault gives instead of ours; None when the route goes on."""
        match rule and rule.fault:
            case "drop":
                return HangUp(self._transports)
            case "html":
                return HTMLResponse(_PAGE)
            case "redirect" if rule:
                onward = str(request.url.include_query_params(redirected=1))
                return RedirectResponse(rule.location or onward, status_code=302)
            case "slow" if rule:
                await asyncio.sleep(rule.seconds or 0)
                return None
            case "lost":
                raise ApiError(404, "Video not found.", code="not_found")
            case "moderation" if rule:
                code = rule.code or "moderation_blocked"
                raise ApiError(400, rule.message or _MODERATED, code=code, param="prompt")
            case "status" if rule:
                status = rule.status or 500
                raise ApiError(
                    status,
                    rule.message or f"The sandbox was told to answer {status}.",
                    code=rule.code or ("rate_limit_exceeded" if status == 429 else None),
                    retry_after=rule.retryAfter,
                )
        return None

    # /sandbox

    async def ledger(self) -> Response:
        return JSONResponse(await self._disk(Jobs.ledger))

    async def health(self, request: Request) -> Response:
        nonce = request.query_params.get("nonce", "")
        proof = hmac.digest(self.options.secret.encode(), nonce.encode(), "sha256").hex()
        live = await self._disk(Jobs.live_count)
        return JSONResponse(
            {"status": "ok", "proof": proof, "pid": os.getpid(), "limit": self.limit, "live": live}
        )

    async def set_faults(self, request: Request) -> Response:
        try:
            script = Script.model_validate_json(await _body(request))
        except ValidationError as error:
            raise ApiError(400, explain(error), code="invalid_value", param="rules") from error
        self._faults = Faults(script)
        return JSONResponse({"rules": len(script.rules)})

    async def set_limit(self, request: Request) -> Response:
        limit = read_members(await _body(request)).get("limit")
        if not isinstance(limit, int) or not 0 <= limit <= 100_000:
            refuse("limit", f"'limit' is {limit!r}; it must be a whole number of jobs from 0 on.")
        self.limit = limit
        return JSONResponse({"limit": limit})


def _accept(jobs: Jobs, ask: Ask, *, limit: int, key: str | None) -> tuple[Job, bool]:
    """The job that this create buys, or bought before under its key; and whether it is new."""
    if key is not None and (known := jobs.by_key(key)) is not None:
        job, fingerprint = known
        if fingerprint != ask.fingerprint:
            text = "This Idempotency-Key was used with another body; use a new key."
            raise ApiError(409, text, code="idempotency_key_reused")
        return job, False
    fresh = jobs.accept(ask, limit=limit, key=key)
    if fresh is None:
        text = f"{limit} videos are queued or in progress, as many as are allowed; wait for one."
        raise ApiError(429, text, code="rate_limit_exceeded", retry_after=1)
    return fresh, True


async def _body(request: Request) -> bytes:
    chunks = bytearray()
    async for chunk in request.stream():
        chunks += chunk
        if len(chunks) > MAX_BODY:
            text = f"The body is over {MAX_BODY} bytes; send a smaller reference."
            raise ApiError(413, text, code="request_too_large")
    return bytes(chunks)


async def _members(request: Request) -> dict[str, object]:
    body = await _body(request)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return read_members(body)
    rest = [body]

    async def replay() -> Message:
        if not rest:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": rest.pop(), "more_body": False}

    try:
        form = await Request(request.scope, replay).form(max_part_size=MAX_BODY)
    except (MultiPartException, HTTPException) as error:
        raise ApiError(400, f"The form is malformed: {error}", code="invalid_form") from error
    members: dict[str, object] = {}
    for name, value in form.multi_items():
        # The vendor's SDK flattens an object: input_reference[image_url]=…
        members[name.partition("[")[0]] = value
        if isinstance(value, UploadFile):
            await value.close()
    if isinstance(extension := members.get("spotloom"), str):
        members["spotloom"] = read_members(extension.encode())
    return members


async def _local_only(request: Request) -> None:
    """Refuse web pages of other sites, which a browser would let ask a loopback address."""
    origin = request.headers.get("origin")
    hosts = {request.url.hostname, urlsplit(origin).hostname if origin else None}
    if hosts - _LOCAL - {None}:
        raise ApiError(403, "The sandbox answers programs on this machine only.", code="forbidden")


async def _refused(_: Request, error: Exception) -> Response:
    match error:
        case ApiError():
            refusal = error
        case HTTPException():
            refusal = ApiError(error.status_code, str(error.detail), code=None)
        case _:
            refusal = ApiError(500, "The sandbox has a flaw; its log says more.", code=None)
    return JSONResponse(refusal.to_json(), refusal.status, headers=refusal.headers)


def build(sandbox: Sandbox) -> FastAPI:
    """The application, which closes the sandbox when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await sandbox.close()

    app = FastAPI(
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(_local_only)],
        exception_handlers={ApiError: _refused, HTTPException: _refused, Exception: _refused},
    )
    one = "/v1/videos/{video_id}"
    for method, path, answer in (
        ("POST", "/v1/videos", sandbox.create),
        ("GET", "/v1/videos", sandbox.index),
        ("GET", one, sandbox.poll),
        ("DELETE", one, sandbox.delete),
        ("GET", one + "/content", sandbox.content),
        ("POST", one + "/remix", sandbox.remix),
        ("GET", "/sandbox/ledger", sandbox.ledger),
        ("GET", "/sandbox/health", sandbox.health),
        ("POST", "/sandbox/faults", sandbox.set_faults),
        ("POST", "/sandbox/limit", sandbox.set_limit),
    ):
        app.add_api_route(path, answer, methods=[method], response_model=None)
    return app

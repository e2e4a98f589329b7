"""Gives each request an id, times it, tells of it in the log, and answers for our own faults."""

import contextlib
import re
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import structlog
from prometheus_client import CollectorRegistry, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spotloom.web.door.let_in import PutOut
from spotloom.web.edge.problems import refuse
from spotloom.web.errors import Refused

log = structlog.get_logger()

_OUR_FAULT = Refused(
    500,
    "Something went wrong here",
    "This is our fault. The log tells more under the request's id.",
)
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
FRAMES = 8
NOTABLE = frozenset({401, 403, 421, 429})  # somebody knocked who may not come in
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")
# The ids in our paths that a log may name; other parts can be keys (invitations, links).
_TOLD = {"campaign_id": "campaign_id", "batch_id": "batch", "combination_id": "combination_id"}


def new_durations() -> Histogram:
    """How long requests took in this process, by method, route and status."""
    return Histogram(
        "spotloom_http_request_seconds",
        "Time from a request's arrival to the end of its answer, in this process.",
        ("method", "route", "status"),
        buckets=BOUNDS_S,
        registry=CollectorRegistry(),
    )


class Trace:
    """The one place that tells what was asked and what became of it; never query strings."""

    def __init__(self, app: ASGIApp, *, durations: Histogram) -> None:
        self._app, self._durations = app, durations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        scope.setdefault("state", {})["request_id"] = request_id
        status, began = 0, time.monotonic()

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        with _told_of(request_id):
            try:
                await self._app(scope, receive, marked)
            except PutOut:
                pass  # without an end, the server cuts the connection
            except Exception as error:  # top of the task: the caller gets an answer all the same
                _tell(error, scope)
                if status:  # too late for another answer: the server cuts the connection
                    raise
                await refuse(marked, _OUR_FAULT)
            finally:
                seconds = time.monotonic() - began
                asked = _asked(scope)
                labels = (asked["method"], asked["route"], str(status))
                self._durations.labels(*labels).observe(seconds)
                tell = log.warning if status in NOTABLE else log.info
                tell("http.answered", **asked, status=status, ms=round(seconds * 1000, 1))


async def bind_route(scope: Scope) -> None:
    """Let every log line of this request name its route, and the campaign it is about."""
    structlog.contextvars.bind_contextvars(**_asked(scope))


@contextlib.contextmanager
def _told_of(request_id: str) -> Iterator[None]:
    """Every line names the request, and nothing of the one before it in the same task."""
    before = structlog.contextvars.get_contextvars()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    try:
        yield
    finally:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**before)


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _GIVEN.fullmatch(given) else uuid4().hex


def _asked(scope: Scope) -> dict[str, str]:
    route = getattr(scope.get("route"), "path", "none")  # the template, not what was sent
    method = scope["method"] if scope["method"] in _METHODS else "other"
    params: Mapping[str, object] = scope.get("path_params", {})
    told = {name: str(params[key])[:64] for key, name in _TOLD.items() if key in params}
    return {"method": method, "route": str(route)} | told


def _tell(error: BaseException, scope: Scope) -> None:
    """Log what failed and where; not its message, which may quote a prompt or a key."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    at = [f"{'/'.join(Path(f.filename).parts[-2:])}:{f.lineno} {f.name}" for f in frames]
    cause = error.__cause__ or error.__context__
    fault = {"fault": type(error).__name__, "at": at, "cause": type(cause).__name__}
    log.error("http.fault", **_asked(scope), **fault)

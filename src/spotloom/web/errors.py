"""Says over HTTP what went wrong, as RFC 9457 lays it out; only here errors meet status codes."""

import http
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from spotloom.campaigns.listing import BadCursor
from spotloom.campaigns.reviews import Outdated
from spotloom.contract.problems import MEDIA_TYPE
from spotloom.errors import (
    BriefError,
    BudgetRefused,
    Conflict,
    NotFound,
    OutcomeUnknown,
    Permanent,
    Problem,
    SpotloomError,
    Transient,
)

log = structlog.get_logger()

MOST_PROBLEMS = 50
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_AWAY = "The database is away or busy."
# The answer to a COMMIT can be lost as any other.
_IN_DOUBT = (
    " The request may have been carried out all the same: send it again under the same batchId or "
    "Idempotency-Key, or look first."
)
_KINDS = {
    400: "malformed",
    401: "sign-in",
    403: "role",
    404: "not-found",
    405: "method",
    406: "not-acceptable",
    408: "slow-request",
    409: "conflict",
    412: "outdated",
    413: "too-large",
    415: "content-type",
    416: "range",
    422: "invalid",
    428: "condition",
    429: "too-fast",
    500: "fault",
    503: "away",
}


class Refused(Exception):
    """The request's answer, where the error tree has no word for it.

    Further keywords are headers of the answer: `retry_after="3"`; `carrying` has more of them.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        kind: str | None = None,
        errors: Sequence[Problem] = (),
        carrying: Mapping[str, str] | None = None,
        **headers: str,
    ) -> None:
        self.status, self.title, self.detail = status, title, detail
        self.kind = kind or _KINDS.get(status, "refused")
        self.errors = tuple(errors)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.headers = {**(carrying or {}), **named}
        super().__init__(f"{status} {title}: {detail}")


def invalid(problems: Iterable[Problem]) -> Refused:
    """What to say of a request whose fields are wrong."""
    found = tuple(problems)[:MOST_PROBLEMS]
    count = f"{len(found)} problem{'' if len(found) == 1 else 's'}"
    return Refused(422, "The request needs a change", f"The request has {count}.", errors=found)


def fields_of(error: ValidationError, *, within: str = "") -> list[Problem]:
    """What pydantic found, field by field, without repeating what was sent."""
    return _problems(error.errors(include_input=False, include_url=False), within=within)


def answer(refused: Refused) -> Response:
    """The refusal as a response."""
    body: dict[str, Any] = {
        "type": f"urn:spotloom:problem:{refused.kind}",
        "title": refused.title,
        "status": refused.status,
        "detail": refused.detail,
        "errors": [{"field": p.field, "message": p.message} for p in refused.errors],
        "requestId": request_id(),
    }
    text = json.dumps(body, ensure_ascii=False)
    return Response(
        text.encode("utf-8", "replace"),
        refused.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **refused.headers},
    )


def request_id() -> str | None:
    """What names this request in the log."""
    found = structlog.contextvars.get_contextvars().get("request_id")
    return None if found is None else str(found)


def install(application: FastAPI, *, page: Callable[[Request, Refused], Response | None]) -> None:
    """Answer every error of the routes with problem details, or with a page where it makes one.

    The edge answers for the rest.
    """

    async def told(request: Request, error: Exception) -> Response:
        refusal = _refusal(error, request.method)
        response = page(request, refusal) or answer(refusal)
        if refusal.status == http.HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = ", ".join(_allowed(request))
        return response

    for kind in (
        *(Refused, SpotloomError, RequestValidationError, HTTPException),
        *(DBAPIError, PoolTimeoutError, ClientDisconnect),
    ):
        application.add_exception_handler(kind, told)


def _allowed(request: Request) -> Iterator[str]:
    """Every method of the address; the framework names those of one route of several."""
    for method in http.HTTPMethod:
        asked = {**request.scope, "method": method.value}
        if any(route.matches(asked)[0] is Match.FULL for route in request.app.routes):
            yield method.value


def _refusal(error: Exception, method: str) -> Refused:
    match error:
        case Refused():
            return error
        case SpotloomError():
            return _of_the_tree(error)
        case RequestValidationError():
            return invalid(_problems(error.errors()))
        case HTTPException():
            return _of_the_framework(error)
        case ClientDisconnect():
            return Refused(400, "The request broke off", "The body did not come whole.")
        case (
            OperationalError()
            | InterfaceError()
            | PoolTimeoutError()
            | DBAPIError(connection_invalidated=True)  # ended by the server: idle too long, say
        ):
            log.warning("database.away", reason=type(error).__name__)
            return _away(_AWAY if method in _SAFE else _AWAY + _IN_DOUBT, wait_s=2)
        case _:
            return _fault(error)


def _of_the_tree(error: SpotloomError) -> Refused:
    match error:
        case BadCursor():
            return invalid(error.problems)
        case BriefError():
            count = len(error.problems)
            detail = f"The brief has {count} problem{'' if count == 1 else 's'}."
            return Refused(
                422, "The brief needs a change", detail, kind="brief", errors=error.problems
            )
        case NotFound():
            return Refused(404, "Not found", str(error))
        case Transient():
            return _away(str(error), wait_s=error.retry_after_s or 2)
        case Conflict() | OutcomeUnknown() | Permanent():
            return _impossible(error)
        case _:
            return _fault(error)


def _impossible(error: SpotloomError) -> Refused:
    match error:
        case BudgetRefused():
            return Refused(409, "The budget does not allow it", str(error), kind="budget")
        case Outdated():
            etag = {"ETag": f'"{error.version}"'}
            return Refused(412, "Somebody was quicker", str(error), carrying=etag)
        case _:
            return Refused(409, "Not possible now", str(error))


def _of_the_framework(error: HTTPException) -> Refused:
    status = error.status_code
    title = http.HTTPStatus(status).phrase
    detail = str(error.detail)
    if status == http.HTTPStatus.NOT_FOUND:
        detail = "There is nothing at this address."
    return Refused(status, title, detail, carrying=error.headers)


def _away(detail: str, *, wait_s: float) -> Refused:
    return Refused(503, "Not available now", detail, retry_after=str(max(1, round(wait_s))))


def _fault(error: BaseException) -> Refused:
    log.error("http.fault", exc_info=error)
    return Refused(
        500,
        "Something went wrong here",
        "This is our fault. The log tells more under the request's id.",
    )


def _problems(errors: Iterable[Any], *, within: str = "") -> list[Problem]:
    return [
        Problem(_path(told["loc"], within=within), _words(told))
        for told in list(errors)[:MOST_PROBLEMS]
    ]


def _path(loc: Sequence[str | int], *, within: str) -> str:
    """The field's path as a client writes it: `formData.dimensions.mood[0]`."""
    places = {"body", "query", "path", "header", "cookie"}
    parts = loc[1:] if loc and loc[0] in places and len(loc) > 1 else loc
    path = within
    for part in parts:
        word = part if isinstance(part, int) else str(part)[:80]
        path += f"[{word}]" if isinstance(word, int) else f"{'.' if path else ''}{word}"
    return path or "body"


_WORDS = {
    "missing": "is missing.",
    "extra_forbidden": "is not known here; take it out.",
}


def _words(told: Mapping[str, Any]) -> str:
    known = _WORDS.get(str(told["type"]))
    if known is not None:
        return known
    text = str(told["msg"]).removeprefix("Value error, ").strip()
    text = text.removeprefix("Input ")
    return f"{text[:1].lower()}{text[1:]}{'' if text.endswith('.') else '.'}"

"""Says in our own errors what a server answered, or why it did not."""

from collections.abc import Sequence

import httpx2
from pydantic import ValidationError

from spotloom.contract.problems import ProblemDetails
from spotloom.errors import (
    BriefError,
    BudgetRefused,
    Conflict,
    NotFound,
    OutcomeUnknown,
    Problem,
    SetupError,
    SpotloomError,
    Transient,
)


class NotAllowed(SpotloomError):
    """The key is not good, or does not allow this."""


class Different(Conflict):
    """What the client showed is not what would be made; carries each difference."""

    def __init__(self, message: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(message)


class Stale(Conflict):
    """Somebody else has changed it since it was read."""


class ServerFault(SpotloomError):
    """The server failed; its log has the reason under the request's id."""


class Misused(SpotloomError):
    """The server cannot use the request as it was sent."""


def of_answer(response: httpx2.Response) -> SpotloomError:
    """The error that the answer stands for."""
    try:
        told = ProblemDetails.model_validate_json(response.content)
    except ValidationError:
        return _of_a_stranger(response)
    error = _of(response, told)
    if told.request_id is not None:
        error.add_note(f"The server calls this request {told.request_id}.")
    return error


def of_silence(error: httpx2.TransportError, *, once: bool) -> SpotloomError:
    """The error of a call that got no answer; `once` says that sending it again is no harm."""
    request = error.request
    where = f"{request.url.scheme}://{request.url.netloc.decode()}"
    reason = str(error) or type(error).__name__
    if never_sent(error) or request.method in {"GET", "HEAD"}:
        return Transient(f"{where} does not answer: {reason}.")
    again = "The same call again finds out, and does nothing twice." if once else "Look before."
    return OutcomeUnknown(
        f"{where} gave no answer to {request.method} {request.url.path}: {reason}. "
        f"It may have been carried out. {again}"
    )


def never_sent(error: httpx2.TransportError) -> bool:
    """Whether no byte of the request can have reached the server."""
    return isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)


def wait_of(response: httpx2.Response) -> float | None:
    """The seconds that the server asks us to wait."""
    told = response.headers.get("retry-after", "")
    return float(told) if told.isascii() and told.isdigit() else None


def _of(response: httpx2.Response, told: ProblemDetails) -> SpotloomError:
    problems = [Problem(each.field, each.message) for each in told.errors]
    match response.status_code:
        case 401 | 403 | 421:
            return NotAllowed(told.detail)
        case 404:
            return NotFound(told.detail)
        case 409:
            return _conflict(told, problems)
        case 412 | 428:
            return Stale(told.detail)
        case 422:
            return BriefError(problems or [Problem("request", told.detail)])
        case 429 | 503:
            return Transient(told.detail, retry_after_s=wait_of(response))
        case status if status >= 500:
            return ServerFault(f"{told.title}: {told.detail}")
        case _:
            return Misused(f"{told.title}: {told.detail}")


def _conflict(told: ProblemDetails, problems: Sequence[Problem]) -> SpotloomError:
    match told.type.rpartition(":")[2]:
        case "budget":
            return BudgetRefused(told.detail)
        case "difference":
            return Different(told.detail, problems)
        case _:
            return Conflict(told.detail)


def _of_a_stranger(response: httpx2.Response) -> SpotloomError:
    """Of a proxy before the server, or of something that is no Spotloom."""
    said = f"{response.url} answered {response.status_code} {response.reason_phrase}"
    if response.status_code in {429, 502, 503, 504}:
        return Transient(f"{said}.", retry_after_s=wait_of(response))
    if response.status_code >= 500:
        return ServerFault(f"{said}.")
    return SetupError(f"{said}, and not as Spotloom does. Is the server's address right?")

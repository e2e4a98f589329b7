"""How routes answer, and how the OpenAPI document says so: shapes, headers, problems."""

from collections.abc import Mapping
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from spotloom.contract.problems import MEDIA_TYPE, ProblemDetails

Responses = dict[int | str, dict[str, Any]]

_WHEN = {
    400: "The request broke off, or is no HTTP that we take.",
    401: "Nobody is signed in, or the key is not (any longer) good.",
    403: "The role or the key's scopes do not allow it, or another site sent it.",
    404: "There is none of that id in this workspace.",
    406: "Nothing of what `Accept` names can be had here.",
    408: "The body did not come in time.",
    409: "Not possible in the present state; the detail says why.",
    412: "Somebody changed it meanwhile: read it again, and decide anew.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    416: "No byte of the file is in the range.",
    421: "This server does not answer to that host name.",
    422: "Something in it is wrong; `errors` names each field.",
    428: "Say with `If-Match` which version you have seen.",
    429: "Too many requests; `Retry-After` says how long to wait.",
    500: "A fault of ours; it is in the log under the request's id.",
    503: "The database is away or busy; ask again. A write may have been carried out all the same: "
    "send it under the same batchId or Idempotency-Key, or look first.",
}
# These can happen with any route at all, whoever wrote it.
EVER = (400, 403, 408, 413, 421, 422, 429, 500, 503)


def problems(*statuses: int, body: bool = False) -> Responses:
    """What can go wrong with a route besides what can go wrong with each."""
    every = {*EVER, 401, *statuses, *((415,) if body else ())}
    return {status: _problem(status) for status in sorted(every)}


def problems_of_all() -> dict[str, dict[str, Any]]:
    """Every problem there is, as the document tells it."""
    return {str(status): _problem(status) for status in _WHEN}


def _problem(status: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": _WHEN[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    }
    if status in {429, 503}:
        told["headers"] = {
            "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
        }
    return told


# The answer of a route that tells which version it shows.
ETAG: Responses = {
    200: {"headers": {"ETag": {"description": "The version.", "schema": {"type": "string"}}}}
}


def takes(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads this model from its body."""
    name = model.__name__
    NAMED[name] = model
    schema = {"$ref": f"#/components/schemas/{name}"}
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": required, "content": content}}


# The models that routes read by themselves: the document must be told of them.
NAMED: dict[str, type[BaseModel]] = {"ProblemDetails": ProblemDetails}


def shaped(
    shape: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """The shape as a JSON answer."""
    return Response(
        shape.model_dump_json(by_alias=True),
        status,
        headers=headers,
        media_type="application/json",
    )

"""Answers of the edge itself, as problem details (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.types import Send


async def refuse(
    send: Send, status: int, detail: str, *, headers: Mapping[str, str] | None = None
) -> None:
    """Send a whole answer that says why there is no other."""
    await begin_refusal(send, status, detail, headers=headers)
    await send({"type": "http.response.body", "body": b""})


async def begin_refusal(
    send: Send, status: int, detail: str, *, headers: Mapping[str, str] | None = None
) -> None:
    """Send the answer, but leave the exchange open."""
    body = json.dumps(
        {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "errors": [],
        }
    ).encode()
    told = {"content-type": "application/problem+json", "content-length": str(len(body))}
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(k.encode(), v.encode()) for k, v in (told | dict(headers or {})).items()],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": True})

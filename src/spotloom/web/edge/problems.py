"""Answers of the edge itself, in the words of every other refusal."""

from starlette.types import Send

from spotloom.web.errors import Refused, answer


async def refuse(send: Send, refused: Refused) -> None:
    """Send a whole answer that says why there is no other."""
    await begin_refusal(send, refused)
    await send({"type": "http.response.body", "body": b""})


async def begin_refusal(send: Send, refused: Refused) -> None:
    """Send the answer, but leave the exchange open."""
    response = answer(refused)
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": response.raw_headers,
        }
    )
    await send({"type": "http.response.body", "body": bytes(response.body), "more_body": True})

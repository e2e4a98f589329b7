"""The queue page: the lanes to the providers, what holds their slots, and what starts next."""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import Response

from spotloom.web.api.queue import status
from spotloom.web.gate import parts_of
from spotloom.web.pages.shell import Looking, page, told

routes = APIRouter()

AHEAD = 12


@routes.get("/queue")
async def queue(request: Request, asked: Looking) -> Response:
    """The lanes, live."""
    parts = parts_of(request)
    vocabulary = await asyncio.to_thread(parts.vocabulary)
    labels = {
        dimension.key: {option.key: option.label for option in dimension.options}
        for dimension in vocabulary.dimensions
    }
    data = told(await status(asked, ahead=AHEAD, every=parts.worker)) | {
        "ahead": AHEAD,
        "labels": labels,
    }
    return page(request, asked, "queue.html", title="Queue", section="queue", data=data)

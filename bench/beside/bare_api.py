"""A bare FastAPI that does the least anybody must do to order, list and watch 660 videos."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy import text

from spotloom.campaigns import database
from spotloom.campaigns.database import Sessions

VIDEOS = 660


class Order(BaseModel):
    """What is sent."""

    formData: dict[str, Any]  # noqa: N815 - as it is sent
    batchId: str  # noqa: N815 - as it is sent


class Row(BaseModel):
    """What is told of one video."""

    combinationId: str  # noqa: N815 - as ours has it
    status: str
    attempt: int
    review: str
    version: int
    progress: int | None


def bare(url: str, updates_a_second: int) -> FastAPI:
    """The application over a database that has the table `bench_row`."""
    application = FastAPI()
    _, sessions = database.connect(url, pool=5, role=database.Role.WORKER)
    application.include_router(_rows(sessions))
    application.include_router(_events(updates_a_second))
    return application


def _rows(sessions: Sessions) -> APIRouter:
    routes = APIRouter()

    @routes.get("/healthz")
    async def alive() -> dict[str, str]:
        return {"status": "ok"}

    @routes.post("/api/generate-batch")
    async def submit(order: Order) -> dict[str, Any]:
        options = [each for each in order.formData["dimensions"].values() if each]
        combinations = [",".join(each) for each in itertools.product(*options)][:VIDEOS]
        insert = text(
            "INSERT INTO spotloom.bench_row SELECT :batch, n, k"
            " FROM unnest(CAST(:keys AS text[])) WITH ORDINALITY t(k, n)"
        )
        async with sessions.begin() as session:
            await session.execute(insert, {"batch": order.batchId, "keys": combinations})
        return {"batchId": order.batchId, "totalVideos": len(combinations), "status": "queued"}

    @routes.get("/api/batch/{batch_id}/rows")
    async def rows(batch_id: str) -> list[Row]:
        select = text("SELECT key FROM spotloom.bench_row WHERE batch = :batch ORDER BY n")
        given = {"status": "queued", "attempt": 1, "review": "none", "version": 1}
        async with sessions() as session:
            found = await session.execute(select, {"batch": batch_id})
            return [Row(combinationId=row.key, progress=None, **given) for row in found]

    return routes


def _events(updates_a_second: int) -> APIRouter:
    routes, news = APIRouter(), asyncio.Condition()
    at, running = 0.0, set[asyncio.Task[None]]()

    async def tell() -> None:
        nonlocal at
        while True:
            await asyncio.sleep(1 / updates_a_second)
            async with news:
                at = time.time()
                news.notify_all()

    async def told(batch_id: str) -> AsyncIterator[str]:
        while True:
            async with news:
                await news.wait()
            data = {"batchId": batch_id, "at": at, "videos": [{"status": "generating"}]}
            yield f"event: delta\ndata: {json.dumps(data)}\n\n"

    @routes.get("/api/batch/{batch_id}/events")
    async def events(batch_id: str) -> StreamingResponse:
        if not running:
            running.add(asyncio.create_task(tell()))
        return StreamingResponse(told(batch_id), media_type="text/event-stream")

    return routes

"""What a fault becomes on its way out: the database's are no fault of ours."""

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import DataError, InternalError

from spotloom.web import errors


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InternalError("SELECT 1", {}, Exception("idle"), connection_invalidated=True), 503),
        (InternalError("SELECT 1", {}, Exception("odd")), 500),
        (DataError("SELECT 1", {}, Exception("odd")), 500),
    ],
)
async def test_a_connection_that_the_server_ended_is_asked_for_again(
    error: Exception, status: int
) -> None:
    application = FastAPI()
    errors.install(application, page=lambda _request, _refused: None)

    @application.get("/api/x")
    async def fail() -> None:
        raise error

    transport = httpx2.ASGITransport(app=application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get("/api/x")
    assert answer.status_code == status
    assert ("retry-after" in answer.headers) == (status == 503)

"""Puts the web application together."""

from fastapi import FastAPI, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from spotloom.campaigns.database import Sessions
from spotloom.web import webhooks


def app(sessions: Sessions, *, provider: str, webhook_secret: str | None) -> FastAPI:
    """The application over this database; webhooks are taken for that provider."""
    application = FastAPI(title="Spotloom", docs_url=None, redoc_url=None)
    application.include_router(webhooks.router(sessions, provider=provider, secret=webhook_secret))

    @application.get("/healthz")
    async def alive() -> dict[str, str]:
        return {"status": "ok"}

    @application.get("/readyz")
    async def ready(response: Response) -> dict[str, str]:
        try:
            async with sessions() as session:
                await session.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError):
            response.status_code = 503
            return {"status": "the database is away"}
        return {"status": "ok"}

    return application

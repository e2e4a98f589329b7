"""Puts the web application together."""

from fastapi import Depends, FastAPI, Request
from prometheus_client import Histogram

import spotloom
from spotloom.web import (
    api,
    edge,
    errors,
    installation,
    live,
    media,
    operations,
    pages,
    sign_in,
    webhooks,
)
from spotloom.web.door.asking import Pace
from spotloom.web.door.document import describe
from spotloom.web.edge.telemetry import telemetry
from spotloom.web.gate import Renewals
from spotloom.web.limits import Limited
from spotloom.web.notion.routes import routes as notion_routes
from spotloom.web.notion.webhook import router as notion_webhook
from spotloom.web.pages.shell import refused
from spotloom.web.parts import Parts


def app(parts: Parts) -> FastAPI:
    """The application made of these parts."""
    application = FastAPI(
        title="Spotloom",
        version=spotloom.__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        redirect_slashes=False,
        telemetry=parts.telemetry or telemetry(None).config,
        dependencies=[Depends(_log_context)],
    )
    application.state.parts = parts
    application.state.pace = Pace(parts.rates)
    durations = edge.new_durations()
    _route(application, parts, durations)
    describe(application)
    errors.install(application, page=refused)
    # The last one added is the outermost.
    application.add_middleware(Renewals)
    application.add_middleware(Limited, rate=parts.rates.address)
    edge.protect(
        application,
        hosts=parts.trusted_hosts,
        public_url=parts.public_url,
        durations=durations,
    )
    return application


async def _log_context(request: Request) -> None:
    await edge.bind_route(request.scope)


def _route(application: FastAPI, parts: Parts, durations: Histogram) -> None:
    measured = [durations, *([] if parts.calls is None else [parts.calls])]
    for routes in (  # tried in this order: first what comes with every video
        webhooks.router(parts.worker, provider=parts.provider, secret=parts.webhook_secret),
        api.router(),
        installation.router(),
        live.router(parts),
        media.routes,
        sign_in.router(parts.gate.sign_in),
        pages.router(),
        notion_routes,
        notion_webhook(parts.worker),
        operations.router(
            worker=parts.worker,
            web=parts.web,
            gate=parts.gate,
            store=parts.store,
            measured=measured,
        ),
    ):
        application.include_router(routes)

"""The edge of the web application: what every request passes before any route sees it."""

from collections.abc import Collection

from fastapi import FastAPI
from prometheus_client import Histogram

from spotloom.web.edge.bodies import Bodies
from spotloom.web.edge.dress import Dress
from spotloom.web.edge.gatekeeper import Gatekeeper, Ours
from spotloom.web.edge.trace import Trace, bind_route, new_durations

LARGEST_BODY = 2 * 1024 * 1024
BODY_WITHIN_S = 30.0

__all__ = ["BODY_WITHIN_S", "LARGEST_BODY", "bind_route", "new_durations", "protect"]


def protect(
    app: FastAPI,
    *,
    hosts: Collection[str],
    public_url: str | None,
    durations: Histogram | None = None,
    largest_body: int = LARGEST_BODY,
    body_within_s: float = BODY_WITHIN_S,
) -> None:
    """Put the edge around the application; `durations` learns how long its requests take.

    `hosts` are the names it may be called by, besides the one in `public_url`. Call it last: what
    is added later stands outside of it.
    """
    ours = Ours.of(hosts, public_url)
    # The last one added is the outermost.
    app.add_middleware(Bodies, largest=largest_body, within_s=body_within_s)
    app.add_middleware(Gatekeeper, ours=ours)
    app.add_middleware(Trace, durations=durations or new_durations())
    app.add_middleware(Dress, secure=ours.secure)

"""The three addresses of operations: /healthz, /readyz and /metrics."""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Histogram, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from pydantic import BaseModel

from spotloom.auth.gate import Gate
from spotloom.campaigns.database import Sessions
from spotloom.campaigns.tenancy import Scope
from spotloom.media.store import Store
from spotloom.web.errors import Refused
from spotloom.web.operations import figures, readiness

METRICS = "metrics"  # the scope of a key that may ask
# A proxy beside us makes everybody look local, but it says so.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_LOCAL_NAMES = {"localhost", "127.0.0.1", "::1"}


class Alive(BaseModel):
    """The process answers."""

    status: str


class Readiness(BaseModel):
    """Whether work can be done, and each part it needs: `ok`, or what is wrong."""

    status: str
    checks: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)  # a registry tells its collectors apart by identity
class Told(Collector):
    """Figures that were read already."""

    metrics: Sequence[Metric]

    def collect(self) -> Iterator[Metric]:
        """Each of them."""
        yield from self.metrics


def router(
    *,
    worker: Sessions,
    web: Sessions,
    gate: Gate,
    store: Store,
    measured: Sequence[Histogram],
) -> APIRouter:
    """The routes; `worker` sees every workspace, `web` one, and `measured` is of this process."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/healthz", operation_id="getHealth")
    async def alive() -> Alive:
        """The process answers; nothing else is asked."""
        return Alive(status="ok")

    @routes.get(
        "/readyz",
        operation_id="getReadiness",
        responses={503: {"model": Readiness, "description": "Not ready."}},
    )
    async def ready(response: Response) -> Readiness:
        """Database, store and lanes, each by name."""
        checks = await readiness.checks(worker, store)
        well = all(said.startswith(readiness.OK) for said in checks.values())
        response.status_code = 200 if well else 503
        return Readiness(status="ready" if well else "not ready", checks=checks)

    @routes.get(
        "/metrics", operation_id="getMetrics", response_class=Response, responses=_DOCUMENTED
    )
    async def metrics(request: Request) -> Response:
        """Figures for Prometheus: of every workspace here on this machine, else of the key's."""
        if _local(request):
            async with worker() as session:
                told = [*await figures.read(session), *_of_process(measured)]
        else:
            async with Scope(web, await _workspace(request, gate)).read() as session:
                told = await figures.read(session)
        registry = CollectorRegistry()
        registry.register(Told(told))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return routes


_DOCUMENTED: dict[int | str, dict[str, object]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Figures."},
    401: {"description": "No API key, or none that is known."},
    403: {"description": "The key lacks the scope `metrics`."},
}


async def _workspace(request: Request, gate: Gate) -> UUID:
    """Whose figures the caller's key opens."""
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    actor = await gate.by_key(key.strip()) if kind.lower() == "bearer" else None
    if actor is None:
        raise Refused(401, "Not signed in", "Metrics need an API key.", www_authenticate="Bearer")
    if not actor.grants([METRICS]):
        raise Refused(403, "Not allowed", "The key lacks the scope 'metrics'.")
    return actor.workspace_id


def _of_process(measured: Sequence[Histogram]) -> Iterator[Metric]:
    for histogram in measured:
        yield from histogram.collect()


def _local(request: Request) -> bool:
    """Whether the request was made on this machine, and not passed on by something on it."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        near = ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
    return near and request.url.hostname in _LOCAL_NAMES

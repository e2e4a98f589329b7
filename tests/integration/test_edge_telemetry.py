"""Telemetry reaches the collector that was named, carries no key, and is off otherwise."""

import http.server
import subprocess
import sys
import threading

import httpx2
import pytest
from fastapi import FastAPI
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spotloom.web.edge.telemetry import telemetry


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes OTLP over HTTP and keeps it."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.taken.append((self.path, self.headers.get("content-encoding"), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def collector():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        server.taken = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def application(endpoint):
    told = telemetry(endpoint)
    app = FastAPI(telemetry=told.config)

    @app.get("/api/invitations/{token}")
    async def invitation(token: str):
        return len(token)

    return app, told


async def ask(app, path):
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.get(path)


async def test_a_request_is_told_by_its_route_and_without_what_opens(collector):
    app, told = application(f"http://127.0.0.1:{collector.server_port}/")
    reply = await ask(app, "/api/invitations/s3cret?signature=s3cret")
    told.close()
    assert reply.status_code == 200
    paths = {path: body for path, _, body in collector.taken}
    assert set(paths) == {"/v1/traces", "/v1/metrics"}
    traces = ExportTraceServiceRequest.FromString(paths["/v1/traces"])
    (span,) = traces.resource_spans[0].scope_spans[0].spans
    attributes = {one.key: one.value.string_value for one in span.attributes}
    assert span.name == "GET /api/invitations/{token}"
    assert attributes["http.route"] == "/api/invitations/{token}"
    metrics = ExportMetricsServiceRequest.FromString(paths["/v1/metrics"])
    names = {m.name for m in metrics.resource_metrics[0].scope_metrics[0].metrics}
    assert "http.server.request.duration" in names
    assert all(b"s3cret" not in body for _, _, body in collector.taken)


async def test_without_a_collector_nothing_is_measured_or_loaded():
    app, told = application(None)
    assert (await ask(app, "/api/invitations/x")).status_code == 200
    told.close()
    code = (
        "import sys; from spotloom.web.edge.telemetry import telemetry; telemetry(None);"
        "print([m for m in sys.modules if m.startswith('opentelemetry.sdk')"
        " or m.startswith('opentelemetry.exporter')])"
    )
    ran = subprocess.run(  # noqa: ASYNC221 - nothing else runs beside it here
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"

"""Sends traces and durations to an OpenTelemetry collector, where one was named."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi.telemetry import TelemetryConfig

from spotloom.errors import SetupError

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

SERVICE = "spotloom"
# Paths and queries can be keys (invitations, signed links); the route's template says enough.
_HIDDEN = ("url.path", "url.query")


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """What FastAPI is told, and how to send the rest before the process ends."""

    config: TelemetryConfig
    close: Callable[[], None]


def telemetry(endpoint: str | None) -> Telemetry:
    """Telemetry to that collector over OTLP/HTTP; with None it is off and costs nothing.

    SetupError when the packages for it are not installed.
    """
    if endpoint is None:
        off: TelemetryConfig = {
            "tracing": False,
            "metrics": False,
            "logs": False,
            "auto_configure": False,
        }
        return Telemetry(config=off, close=lambda: None)
    try:
        tracer, meter = _providers(endpoint.rstrip("/"))
    except ImportError as error:
        raise SetupError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but the packages that send telemetry are not "
            "installed. Install spotloom[telemetry], or unset it."
        ) from error

    def close() -> None:
        tracer.shutdown()
        meter.shutdown()

    on: TelemetryConfig = {
        "tracer_provider": tracer,
        "meter_provider": meter,
        "logs": False,  # they carry the messages of errors, which may quote a prompt
        "operation_spans": False,
        "auto_configure": False,
    }
    return Telemetry(config=on, close=close)


def _providers(endpoint: str) -> "tuple[TracerProvider, MeterProvider]":
    # Forty modules that nobody else needs.
    from opentelemetry.context import Context
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    class Discreet(SpanProcessor):
        """Takes out of each span, as it begins, what could open something."""

        # The SDK gives the second argument by this name.
        def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002
            for name in _HIDDEN:
                if span.attributes and name in span.attributes:
                    span.set_attribute(name, "")

    resource = Resource.create({"service.name": SERVICE})
    tracer = TracerProvider(resource=resource)
    tracer.add_span_processor(Discreet())
    tracer.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces"))
    )
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"{endpoint}/v1/metrics"))
    return tracer, MeterProvider(resource=resource, metric_readers=[reader])

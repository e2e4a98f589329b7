"""What those who run the house ask: does it live, is it ready, how does it do."""

from spotloom.web.operations.routes import METRICS, router

__all__ = ["METRICS", "router"]

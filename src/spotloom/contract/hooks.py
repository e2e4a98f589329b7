"""Outbound webhooks: addresses that are told of our events, and what became of the telling."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from spotloom.contract.shapes import Asked, Page, Told

Event = Literal["batch.completed", "video.completed", "video.failed", "budget.reached"]


class HookAsk(Asked):
    """An address that wants to be told."""

    url: Annotated[str, Field(min_length=8, max_length=2000, pattern=r"^https?://[^\s/]+")]
    events: Annotated[list[Event], Field(min_length=1, max_length=4)]


class Hook(Told):
    """An address that is told of events."""

    id: UUID
    url: str
    events: list[str]
    enabled: bool
    created_at: dt.datetime


class NewHook(Hook):
    """A hook just made, with the secret that signs its deliveries; it is shown this once."""

    secret: str


class HookPage(Page[Hook]):
    """One page of hooks, newest first."""


class Delivery(Told):
    """One event for one hook."""

    id: UUID
    hook_id: UUID
    kind: str
    body: dict[str, Any]
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    next_at: dt.datetime
    status_code: int | None
    error: str | None
    created_at: dt.datetime
    delivered_at: dt.datetime | None


class DeliveryPage(Page[Delivery]):
    """One page of deliveries, newest first."""

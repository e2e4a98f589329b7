"""Outbound webhooks: addresses that are told of our events, and what became of the telling."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from spotloom.contract.shapes import Asked, Page, Told

Event = Literal["batch.completed", "video.completed", "video.failed", "budget.reached"]
Events = Annotated[list[Event], Field(min_length=1, max_length=4)]


class HookAsk(Asked):
    """An address that wants to be told."""

    url: Annotated[
        str, Field(min_length=9, max_length=2000, pattern=r"^https?://[^\s\x00-\x20]+$")
    ] = Field(examples=["https://studio.example/hooks/spotloom"])
    events: Events


class HookEdit(Asked):
    """What to change about a hook; what is not named stays."""

    enabled: bool | None = None
    events: Events | None = None


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


class Hooks(Told):
    """The workspace's hooks, oldest first; there are twenty at most."""

    items: list[Hook]


class Delivery(Told):
    """One event for one hook."""

    id: UUID
    hook_id: UUID
    kind: str
    body: dict[str, Any]
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    next_at: dt.datetime = Field(description="When it is tried next, while it is pending.")
    status_code: int | None
    error: str | None
    created_at: dt.datetime
    delivered_at: dt.datetime | None


class DeliveryPage(Page[Delivery]):
    """One page of deliveries, newest first."""


class Redelivered(Told):
    """The delivery is sent anew, under the same webhook-id."""

    id: UUID
    state: Literal["pending"] = "pending"

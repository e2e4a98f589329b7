"""Campaigns as the API tells them."""

import datetime as dt
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from spotloom.contract.shapes import Money, Page, Told


class Campaign(Told):
    """A submitted brief."""

    id: UUID
    batch_id: str
    brief: dict[str, Any] = Field(description="As `formData` has it.")
    provider: str
    model: str
    state: Literal["active", "paused", "cancelled"]
    estimated_cost: Money
    budget: Money | None
    created_at: dt.datetime
    created_by: str | None = Field(description="`person:…` or `key:…`; null from the machine.")
    version: int


class CampaignPage(Page[Campaign]):
    """One page of campaigns, newest first."""

"""Campaigns as the API tells them."""

import datetime as dt
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from spotloom.contract.batches import Spend
from spotloom.contract.shapes import Money, Page, Told
from spotloom.creative.status import Status


class Campaign(Told):
    """A submitted brief, and how far it is."""

    id: UUID
    batch_id: str
    brief: dict[str, Any] = Field(description="As `formData` has it.")
    provider: str
    model: str
    state: Literal["active", "paused", "cancelled"]
    total_videos: int
    counts: dict[Status, int] = Field(description="Videos by status; every status is there.")
    estimated_cost: Money
    spend: Spend
    created_at: dt.datetime
    created_by: str | None = Field(
        description="`person:…` or `key:…`; null from the server's own command line."
    )
    version: int


class CampaignPage(Page[Campaign]):
    """One page of campaigns, newest first."""

"""Campaigns as the API tells them."""

import datetime as dt
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from spotloom.contract.batches import Spend
from spotloom.contract.shapes import Money, Page, Told
from spotloom.creative.status import Status


class Poster(Told):
    """A still of a finished video."""

    combination_id: str
    url: str = Field(examples=["/api/media/01900000-0000-7000-8000-000000000001"])
    width: int
    height: int


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
    last_activity: dt.datetime = Field(
        description="When a video was last ordered, begun or over; of an idle one, its creation."
    )
    posters: list[Poster] = Field(description="Of the first videos that were ready; at most six.")
    version: int


class CampaignPage(Page[Campaign]):
    """One page of campaigns, newest first."""

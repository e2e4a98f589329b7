"""Campaigns as the API tells them."""

import datetime as dt
from typing import TYPE_CHECKING, Any, Literal, Self
from uuid import UUID

from pydantic import Field

from spotloom.contract.batches import Spend
from spotloom.contract.shapes import Money, Page, Told
from spotloom.creative.status import Status

if TYPE_CHECKING:  # clients of ours have no database, nor its libraries
    from spotloom.campaigns.listing import Figures
    from spotloom.campaigns.reads import Header


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

    @classmethod
    def of(cls, header: "Header", figures: "Figures") -> Self:
        """The campaign, with how far it is."""
        return cls(
            id=header.id,
            batch_id=header.batch_key,
            brief=dict(header.brief),
            provider=header.provider,
            model=header.model,
            state=header.state,
            total_videos=sum(figures.counts.values()),
            counts={status: figures.counts.get(status, 0) for status in Status},
            estimated_cost=header.estimated_cost,
            spend=Spend.of(header, figures.money),
            created_at=header.created_at,
            created_by=header.created_by,
            last_activity=figures.last_at or header.created_at,
            posters=[
                Poster(
                    combination_id=poster.combination_id,
                    url=f"/api/media/{poster.id}",
                    width=poster.width,
                    height=poster.height,
                )
                for poster in figures.posters
            ],
            version=header.version,
        )


class CampaignPage(Page[Campaign]):
    """One page of campaigns, newest first."""


class Brand(Told):
    """One brand, as the briefs of the campaigns on the list spell it."""

    name: str
    campaigns: int
    videos: int = Field(description="Ordered, whatever became of them.")
    completed: int
    actual_cost: Money
    last_ordered_at: dt.datetime


class BrandPage(Page[Brand]):
    """One page of brands, by name."""

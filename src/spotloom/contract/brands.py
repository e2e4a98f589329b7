"""Brands as the API tells them."""

import datetime as dt

from pydantic import Field

from spotloom.contract.shapes import Money, Page, Told


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

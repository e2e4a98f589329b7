"""The providers of the catalog: which are set up here, what they make, and at what dated price."""

import datetime as dt

from pydantic import Field

from spotloom.contract.offers import Model
from spotloom.contract.shapes import Money, Told


class Setting(Told):
    """A setting of the server that a provider needs or takes; never its value."""

    name: str = Field(examples=["SORA_BASE_URL"])
    about: str
    needed: bool
    is_set: bool


class Provider(Told):
    """One video API that Spotloom speaks to."""

    name: str
    configured: bool = Field(description="Whether videos can be ordered there from here.")
    default: bool = Field(description="Whether new batches go there.")
    charges: bool
    account: str | None = Field(description="Names the paying account without a secret.")
    dialect: str
    concurrent: int = Field(description="Videos at once, of a new lane.")
    poll_seconds: float
    settings: list[Setting]
    models: list[Model]


class SellerPrice(Told):
    """What a seller asked for a second of a living model's video; nothing is planned with it."""

    seller: str
    model: str
    resolution: str
    per_second: Money
    as_of: dt.date
    source: str


class Providers(Told):
    """The providers, that of new batches first, and what others sell."""

    providers: list[Provider]
    prices: list[SellerPrice]


class ProviderAnswer(Told):
    """What came of really asking a provider; nothing is ordered, nothing is paid."""

    provider: str
    well: bool
    says: str
    milliseconds: int
    at: dt.datetime

"""The standing limits: lanes to the providers, and the workspace's budgets."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from spotloom.contract.shapes import Asked, Dollars, Money, Told

if TYPE_CHECKING:  # clients of ours have no database, nor its libraries
    from spotloom.campaigns.reads import LaneState


class Lane(Told):
    """One provider account: how many videos may be there at once, and whether it is open."""

    id: UUID
    provider: str
    account: str
    limit: int
    adapted_limit: int | None = Field(description="Fewer, while the provider takes fewer.")
    starts_a_minute: int | None
    held: int = Field(description="Slots in use.")
    waiting: int
    paused_until: dt.datetime | None
    blocked: bool = Field(description="Closed until a person resumes it.")
    reason: str | None

    @classmethod
    def of(cls, state: "LaneState") -> Self:
        """How the lane stands."""
        return cls.model_validate(state, from_attributes=True)


class QueueStatus(Told):
    """What is under way and what waits, lane by lane."""

    lanes: list[Lane]
    held: int
    waiting: int


class LaneEdit(Asked):
    """What to change about a lane; what is not named stays."""

    limit: Annotated[int | None, Field(ge=0, le=1000)] = Field(
        default=None, description="Videos at once; 0 starts none."
    )
    starts_a_minute: Annotated[int | None, Field(ge=0, le=100_000)] = Field(
        default=None, description="Most videos started in a minute; 0 takes the bound away."
    )
    state: Literal["open", "paused"] | None = None


class Budget(Told):
    """The workspace's caps, and what is committed under each."""

    currency: str = "USD"
    budget: Money | None
    committed: Money
    daily_budget: Money | None
    committed_today: Money


class BudgetEdit(Asked):
    """The caps to set: null takes a cap away, what is not named stays."""

    budget: Dollars | None = None
    daily_budget: Dollars | None = None

"""The standing limits: lanes to the providers, and the workspace's budgets."""

import datetime as dt
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from spotloom.contract.shapes import Asked, Dollars, Money, Told
from spotloom.creative.status import Status

if TYPE_CHECKING:  # clients of ours have no database, nor its libraries
    from spotloom.campaigns.listing.queue import Account, Queue
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


class Queued(Told):
    """A video in a queue, and where it belongs."""

    campaign_id: UUID
    batch_id: str
    brand: str
    combination_id: str
    values: dict[str, str]
    attempt: int
    priority: Literal["high", "normal", "low"]


class Occupied(Queued):
    """A slot in use."""

    number: int
    since: dt.datetime
    status: Status
    progress: int | None


class Waiting(Queued):
    """A video that starts soon, and why in this place: by priority, then by turn."""

    place: int = Field(description="From 1, as things stand now.")
    turn: int = Field(
        description="Which of its campaign's it is, those at the provider counted: "
        "of equal priority, the campaign with fewest comes first."
    )
    campaign_holds: int = Field(description="Slots that its campaign has now.")


class LaneQueue(Lane):
    """A lane with what holds its slots and what starts next."""

    slots: list[Occupied]
    next: list[Waiting]
    held_back: int = Field(description="Of those that wait: in campaigns that are paused.")
    account_limit: int = Field(
        description="Slots of the whole account, which workspaces share: the highest of its lanes."
    )
    others_hold: int = Field(description="Of these: in use by other workspaces.")

    @classmethod
    def told(cls, state: "LaneState", queue: "Queue", account: "Account | None" = None) -> Self:
        """How the lane stands, with its queue; without its account, as if nobody shared it."""
        return cls(
            account_limit=state.limit if account is None else account.limit,
            others_hold=0 if account is None else account.others_hold,
            **dict(Lane.of(state)),
            slots=[Occupied(**asdict(slot)) for slot in queue.slots],
            next=[Waiting(**asdict(video)) for video in queue.next],
            held_back=queue.held_back,
        )


class QueueStatus(Told):
    """What is under way and what waits, lane by lane."""

    lanes: list[LaneQueue]
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

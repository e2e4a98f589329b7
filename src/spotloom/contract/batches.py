"""Batches: submitting one, how far it is, and what people may do to it while it runs."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AliasChoices, ConfigDict, Field
from pydantic.alias_generators import to_camel

from spotloom.contract.briefs import EXAMPLE_BRIEF, Condition, FormData
from spotloom.contract.lanes import Lane
from spotloom.contract.shapes import Asked, CombinationId, Dollars, Money, Told
from spotloom.creative.status import Status

if TYPE_CHECKING:  # clients of ours have no database, nor its libraries
    from spotloom.campaigns.ledger import Money as Stands
    from spotloom.campaigns.reads import Header, Progress


def _plain_name(batch_id: str) -> str:
    if not batch_id.strip() or not batch_id.isprintable():
        raise ValueError("must be printable characters")
    if batch_id in {".", ".."} or "/" in batch_id or "\\" in batch_id:
        raise ValueError("must not hold a slash, nor be . or .. alone")
    return batch_id


BatchId = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=r"^[^/\\\x00-\x1f\x7f]+$", examples=["spring"]),
    AfterValidator(_plain_name),
]
Priority = Literal["high", "normal", "low"]


class MatrixRow(Asked):
    """A row that the client shows; only what it names is compared."""

    # The answer of /api/plan may be sent back whole.
    model_config = ConfigDict(extra="ignore")

    combination_id: CombinationId = Field(validation_alias=AliasChoices("combinationId", "id"))
    values: dict[str, str] | None = None
    estimated_cost: Dollars | None = None


class MatrixResult(Asked):
    """What the client believes that it orders, such as the answer of `POST /api/plan`."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)

    total_videos: Annotated[int | None, Field(ge=0)] = None
    total_combinations: Annotated[int | None, Field(ge=0)] = None
    estimated_cost: Dollars | None = None
    provider: str | None = Field(default=None, description="Who would make the videos.")
    charges: bool | None = Field(
        default=None, description="Whether it was shown that money is charged."
    )
    combinations: list[MatrixRow] | None = None


class BatchAsk(Asked):
    """An order for a brief's videos."""

    form_data: FormData = Field(examples=[EXAMPLE_BRIEF])
    matrix_result: MatrixResult | None = Field(
        default=None,
        description="What the client showed. The server computes everything anew; where this "
        "differs, nothing is stored and the answer names the difference.",
    )
    excluded_combinations: list[CombinationId | Condition] | None = None
    batch_id: BatchId | None = Field(
        default=None,
        description="Names the batch for ever: the same id with the same brief is the same batch.",
    )


class BatchQueued(Told):
    """The batch is stored whole, and its videos wait for their turn."""

    batch_id: str
    total_videos: int
    status: Literal["queued"] = "queued"


class Spend(Told):
    """A campaign's money in US dollars; reserved, unknown and actual never overlap."""

    currency: str = "USD"
    estimated: Money
    reserved: Money = Field(description="Set aside for videos that may still be bought.")
    unknown: Money = Field(description="Possibly charged: a person decides.")
    actual: Money = Field(description="Charged.")
    committed: Money = Field(description="What counts against the budget.")
    budget: Money | None

    @classmethod
    def of(cls, campaign: "Header", money: "Stands") -> Self:
        """The money of that campaign."""
        return cls(
            estimated=money.estimated,
            reserved=money.reserved,
            unknown=money.unknown,
            actual=money.actual,
            committed=money.committed,
            budget=campaign.budget,
        )


class BatchProgress(Told):
    """How far a batch is, at one moment."""

    batch_id: str
    campaign_id: UUID
    state: Literal["active", "paused", "cancelled"]
    total_videos: int
    counts: dict[Status, int] = Field(description="Videos by status; every status is there.")
    over: int = Field(description="Videos with which nothing more happens by itself.")
    percent: float
    finished_a_minute: float | None = Field(description="Observed pace; null until it is known.")
    expected_seconds: int | None = Field(
        description="At the observed pace, else by the plan; null where nothing is known."
    )
    expected_finish: dt.datetime | None
    spend: Spend


class BatchStatus(BatchProgress):
    """How far a batch is, and the lanes that it uses."""

    lanes: list[Lane]
    held_up: dict[Status, str] = Field(
        default_factory=dict,
        description="Why videos under way do not get on: one reason of each status.",
    )

    @classmethod
    def of(cls, campaign: "Header", progress: "Progress") -> Self:
        """How the batch stands at this moment."""
        left_s = progress.left_s
        left = None if left_s is None else dt.timedelta(seconds=round(left_s))
        return cls(
            batch_id=campaign.batch_key,
            campaign_id=campaign.id,
            state=campaign.state,
            total_videos=progress.total,
            counts={status: progress.counts.get(status, 0) for status in Status},
            over=progress.over,
            percent=round(100 * progress.over / progress.total, 1) if progress.total else 100.0,
            finished_a_minute=progress.finished_a_minute,
            expected_seconds=None if left is None else int(left.total_seconds()),
            expected_finish=None if left is None else dt.datetime.now(dt.UTC) + left,
            spend=Spend.of(campaign, progress.money),
            lanes=[Lane.of(lane) for lane in progress.lanes],
            held_up=dict(progress.held_up),
        )


class VideoNow(Told):
    """How one video of a watched batch stands."""

    combination_id: str
    status: Status
    attempt: int
    review: str
    version: int
    progress: int | None = None
    error: str | None = Field(default=None, description="Its code.")
    winner: bool = False
    files: dict[str, UUID] = Field(default_factory=dict, description="Asset ids by kind.")


class CancelAsk(Asked):
    """Which videos to stop; without ids the whole batch."""

    combinations: Annotated[list[CombinationId] | None, Field(max_length=100_000)] = None


class RetryAsk(Asked):
    """Which videos to try again; without ids all that ended without a file."""

    combinations: Annotated[list[CombinationId] | None, Field(max_length=100_000)] = None


class PriorityAsk(Asked):
    """Where waiting videos stand beside other campaigns'."""

    priority: Priority
    combinations: Annotated[list[CombinationId] | None, Field(max_length=100_000)] = None


class Cancelled(Told):
    """What stopping did."""

    cancelled: int = Field(description="Stopped before anything was sent; they cost nothing.")
    asked_to_stop: int = Field(description="At the provider, which was asked to stop.")


class Retried(Told):
    """What trying again did."""

    queued: int


class Moved(Told):
    """What a new priority did."""

    moved: int
    priority: Priority


class BatchState(Told):
    """Whether the batch starts videos."""

    batch_id: str
    state: Literal["active", "paused", "cancelled"]


class ResolveAsk(Asked):
    """A decision about a possibly charged video, after a look at the provider's own list."""

    decision: Literal["paid", "retry", "give-up"]
    job: Annotated[str | None, Field(min_length=1, max_length=512)] = Field(
        default=None, description="The provider's job id; needed with `paid`."
    )


class Resolved(Told):
    """The decision that was taken."""

    combination_id: str
    decision: Literal["paid", "retry", "give-up"]

"""Combinations as the API tells them, each with its latest attempt, and what people edit."""

import datetime as dt
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from spotloom.contract.shapes import Asked, Money, Page, Told
from spotloom.creative.status import Status

Review = Literal["none", "approved", "rejected"]


class File(Told):
    """A file that we keep."""

    asset_id: UUID
    url: str = Field(examples=["/api/media/01900000-0000-7000-8000-000000000001"])
    content_type: str
    sha256: str
    bytes: int
    width: int
    height: int
    seconds: float | None


class Failure(Told):
    """Why there is no video."""

    code: str | None
    message: str | None


class Combination(Told):
    """One option per dimension, its latest attempt, and what people say of it."""

    combination_id: str
    position: int
    values: dict[str, str]
    prompt: str
    status: Status
    attempts: int
    progress: int | None
    provider: str
    model: str
    duration: int
    size: str = Field(examples=["720x1280"])
    provider_job_id: str | None
    estimated_cost: Money
    actual_cost: Money | None
    error: Failure | None
    note: str | None = Field(description="What became of a wish, such as a late cancel.")
    files: dict[str, File] = Field(description="By kind: video, poster, sprite.")
    created_at: dt.datetime
    over_at: dt.datetime | None
    video_url: str | None
    review: Review
    reject_reason: str | None
    reviewed_by: str | None
    reviewed_at: dt.datetime | None
    winner: bool
    notes: str | None
    notion_page_id: str | None
    version: int = Field(description="The ETag's number.")


class Attempt(Told):
    """One paid attempt at a combination, as it went."""

    attempt: int = Field(description="From 1; the highest is the latest.")
    status: Status
    provider: str
    model: str
    provider_job_id: str | None
    progress: int | None
    charge: Literal["reserved", "unknown", "charged", "none"] = Field(
        description="What the ledger says: set aside, possibly charged, charged, or not charged."
    )
    estimated_cost: Money
    actual_cost: Money | None
    error: Failure | None
    note: str | None
    created_at: dt.datetime = Field(description="Put into the queue.")
    admitted_at: dt.datetime | None = Field(description="Given a slot.")
    sent_at: dt.datetime | None = Field(description="The order may have left since then.")
    accepted_at: dt.datetime | None = Field(description="The provider took it.")
    ready_at: dt.datetime | None = Field(description="The provider was done.")
    over_at: dt.datetime | None
    expires_at: dt.datetime | None = Field(description="The provider drops the file then.")
    cancel_asked_at: dt.datetime | None
    files: dict[str, File] = Field(description="By kind: video, poster, sprite.")


class AttemptList(Told):
    """Every attempt at a combination, latest first."""

    items: list[Attempt]


class CombinationPage(Page[Combination]):
    """One page of combinations."""


def _address(url: str) -> str:
    if any(c.isspace() or not c.isprintable() for c in url):
        raise ValueError("must be a web address without spaces")
    return url


class CombinationEdit(Asked):
    """What to change; what is not named stays, and null takes a text away."""

    video_url: (
        Annotated[
            str, Field(max_length=2000, pattern=r"^https?://[^\s/]+"), AfterValidator(_address)
        ]
        | None
    ) = Field(default=None, examples=["https://video.example/spring-1.mp4"])
    winner: bool = False
    review: Review = "none"
    reject_reason: Annotated[str, Field(max_length=500)] | None = None
    notes: Annotated[str, Field(max_length=4000)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("must name at least one field to change")
        return self

    def changes(self) -> dict[str, Any]:
        """The fields that were named, with their new values."""
        return self.model_dump(include=self.model_fields_set)


class RejectAsk(Asked):
    """Why a video is rejected."""

    reason: Annotated[str | None, Field(max_length=500)] = None

"""Combinations as the API tells them, each with its latest attempt, and what people edit."""

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from spotloom.contract.shapes import Asked, Money, Page, Told
from spotloom.creative.status import Status

if TYPE_CHECKING:  # clients of ours have no database, nor its libraries
    from spotloom.campaigns.listing import Attempt as Made
    from spotloom.campaigns.listing import Combination as Listed
    from spotloom.campaigns.listing import File as Kept

WEEK_S = 7 * 24 * 3600

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

    @classmethod
    def of(cls, file: "Kept") -> Self:
        """The file, with where it is fetched."""
        return cls(
            asset_id=file.id,
            url=f"/api/media/{file.id}",
            content_type=file.content_type,
            sha256=file.sha256,
            bytes=file.bytes,
            width=file.width,
            height=file.height,
            seconds=None if file.seconds is None else float(file.seconds),
        )


class LinkWanted(Asked):
    """For how long a link to a file is to be good."""

    seconds: Annotated[int, Field(ge=60, le=WEEK_S)] = 3600


class Link(Told):
    """A link to a file that needs no sign-in."""

    url: str
    expires_at: dt.datetime


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
    error: Failure | None = Field(
        description="Why there is no video; without a code, why one under way does not get on."
    )
    note: str | None = Field(description="What became of a wish, such as a late cancel.")
    files: dict[str, File] = Field(description="By kind: video, poster, sprite.")
    created_at: dt.datetime
    over_at: dt.datetime | None
    video_url: str | None
    review: Review
    reject_reason: str | None
    reviewed_by: str | None = Field(description="`person:…`, `key:…`, or who it was in Notion.")
    reviewed_by_name: str | None = Field(
        default=None, description="Null where it is not known (any more)."
    )
    reviewed_at: dt.datetime | None
    winner: bool
    notes: str | None
    notion_page_id: str | None
    version: int = Field(description="The ETag's number.")

    @classmethod
    def of(cls, row: "Listed", names: Mapping[str, str] | None = None) -> Self:
        """The combination with its latest attempt, its files, and what people said of it.

        `names` are those behind `person:…` and `key:…`, as far as they are known.
        """
        request = row.request
        failed = row.error_code is not None or row.error_text is not None
        return cls(
            combination_id=row.key,
            position=row.position,
            values=dict(row.values),
            prompt=request.prompt,
            status=row.status,
            attempts=row.attempt,
            progress=row.progress,
            provider=row.provider,
            model=request.model,
            duration=request.duration,
            size=str(request.size),
            provider_job_id=row.job,
            estimated_cost=row.estimated_cost,
            actual_cost=row.actual_cost,
            error=Failure(code=row.error_code, message=row.error_text) if failed else None,
            note=row.note,
            files={kind: File.of(file) for kind, file in row.files.items()},
            created_at=row.created_at,
            over_at=row.over_at,
            video_url=row.video_url,
            review=row.review,
            reject_reason=row.reject_reason,
            reviewed_by=row.reviewed_by,
            reviewed_by_name=(names or {}).get(row.reviewed_by or ""),
            reviewed_at=row.reviewed_at,
            winner=row.winner,
            notes=row.notes,
            notion_page_id=row.notion_page_id,
            version=row.version,
        )


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

    @classmethod
    def of(cls, made: "Made") -> Self:
        """The attempt as it is stored."""
        failed = made.error_code is not None or made.error_text is not None
        as_stored = cls.model_fields.keys() - {"provider_job_id", "error", "files"}
        return cls(
            **{name: getattr(made, name) for name in as_stored},
            provider_job_id=made.job,
            error=Failure(code=made.error_code, message=made.error_text) if failed else None,
            files={kind: File.of(file) for kind, file in made.files.items()},
        )


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

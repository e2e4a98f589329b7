"""The tables of campaigns: whose they are, what was asked for, and each paid attempt at it."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from spotloom.campaigns.tables.shape import Table, Transaction
from spotloom.creative.status import Status

# The words of `Status` that keep a combination from being attempted again at the same time.
ACTIVE_WORDS = "('queued','submitting','generating','finishing','unknown')"


class Workspace(Table):
    """Whose campaigns these are."""

    __tablename__ = "workspace"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    # The identity provider's own name for it: a Clerk organisation, an OIDC tenant.
    external_id: Mapped[str | None] = mapped_column(unique=True)
    budget: Mapped[Decimal | None]  # most to commit in all
    daily_budget: Mapped[Decimal | None]  # most to commit in one day, by UTC
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))


class Campaign(Table):
    """A submitted brief, and all that follows."""

    __tablename__ = "campaign"
    __table_args__ = (
        UniqueConstraint("workspace_id", "batch_key"),
        CheckConstraint("state in ('active','paused','cancelled')", name="state"),
        Index("campaign_of_workspace", "workspace_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("spotloom.workspace.id"))
    batch_key: Mapped[str]
    brief: Mapped[dict[str, Any]]
    brief_hash: Mapped[str]
    provider: Mapped[str]
    model: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="active")
    estimated_cost: Mapped[Decimal]
    budget: Mapped[Decimal | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    created_by: Mapped[str | None]  # "person:…" or "key:…"
    version: Mapped[int] = mapped_column(server_default="1")  # grows with every edit by a person
    deleted_at: Mapped[dt.datetime | None]  # off every list since; its money stays in the ledger
    changed: Mapped[str] = mapped_column(
        Transaction, server_default=text("pg_current_xact_id()")
    )  # the transaction that changed it last; a trigger says so


class CombinationRow(Table):
    """One option per dimension, as the campaign keeps it."""

    __tablename__ = "combination"
    __table_args__ = (
        UniqueConstraint("campaign_id", "key"),
        CheckConstraint("review in ('none','approved','rejected')", name="review"),
        Index("combination_changes", "campaign_id", "changed"),
        Index(
            "combination_of_page",
            "notion_page_id",
            postgresql_where=text("notion_page_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    campaign_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.campaign.id", ondelete="CASCADE")
    )
    key: Mapped[str]
    position: Mapped[int]
    values: Mapped[list[Any]]  # [dimension, option] pairs in the order of the matrix
    review: Mapped[str] = mapped_column(server_default="none")
    reject_reason: Mapped[str | None]
    winner: Mapped[bool] = mapped_column(server_default=text("false"))
    notes: Mapped[str | None]
    video_url: Mapped[str | None]  # where a person has put the video
    version: Mapped[int] = mapped_column(server_default="1")  # grows with every edit by a person
    notion_page_id: Mapped[str | None]
    reviewed_by: Mapped[str | None]
    reviewed_at: Mapped[dt.datetime | None]
    changed: Mapped[str] = mapped_column(
        Transaction, server_default=text("pg_current_xact_id()")
    )  # the transaction that changed it last; a trigger says so


class Lane(Table):
    """One provider account: how many videos may be there at once, and whether it is open."""

    __tablename__ = "lane"
    __table_args__ = (UniqueConstraint("workspace_id", "provider", "account"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    provider: Mapped[str]
    account: Mapped[str]
    slot_limit: Mapped[int]
    adapted_limit: Mapped[int | None]  # fewer, for as long as the provider takes fewer
    starts_a_minute: Mapped[int | None]
    paused_until: Mapped[dt.datetime | None]  # the provider asked us to wait
    blocked: Mapped[bool] = mapped_column(server_default=text("false"))  # a person must resume
    reason: Mapped[str | None]
    setbacks: Mapped[int] = mapped_column(server_default="0")  # refusals in a row; 0 when well
    accepted: Mapped[int] = mapped_column(server_default="0")  # since the limit last moved


class Generation(Table):
    """One paid attempt at one combination."""

    __tablename__ = "generation"
    __table_args__ = (
        UniqueConstraint("combination_id", "attempt"),
        UniqueConstraint("lane_id", "provider_job_id"),
        UniqueConstraint("account", "provider_job_id"),  # lanes of workspaces share accounts
        CheckConstraint(
            "status in (" + ",".join(f"'{s}'" for s in Status) + ")",
            name="status",
        ),
        Index(
            "generation_one_active_per_combination",
            "combination_id",
            unique=True,
            postgresql_where=text(f"status in {ACTIVE_WORDS}"),
        ),
        Index(
            "generation_queue",
            "lane_id",
            "campaign_id",
            "priority",
            "position",
            postgresql_where=text("status = 'queued'"),
        ),
        Index("generation_of_campaign", "campaign_id", "status"),
        Index("generation_admitted", "lane_id", "admitted_at"),
        Index("generation_changes", "campaign_id", "changed"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    campaign_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.campaign.id", ondelete="CASCADE")
    )
    combination_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.combination.id", ondelete="CASCADE")
    )
    lane_id: Mapped[UUID] = mapped_column(ForeignKey("spotloom.lane.id"))
    attempt: Mapped[int]
    position: Mapped[int] = mapped_column(BigInteger)  # order in the queue, first come first served
    priority: Mapped[int]  # 0 high, 1 normal, 2 low
    request: Mapped[dict[str, Any]]
    request_hash: Mapped[str]
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(server_default=Status.QUEUED.value)
    admissions: Mapped[int] = mapped_column(server_default="0")  # workflows it was handed to
    admitted_at: Mapped[dt.datetime | None]
    provider_job_id: Mapped[str | None]
    account: Mapped[str | None]  # "provider account" of its lane; a trigger writes it with the job
    progress: Mapped[int | None]
    error_code: Mapped[str | None]
    error_text: Mapped[str | None]
    estimated_cost: Mapped[Decimal]
    actual_cost: Mapped[Decimal | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    sent_at: Mapped[dt.datetime | None]  # the paid call may have left since then
    accepted_at: Mapped[dt.datetime | None]
    ready_at: Mapped[dt.datetime | None]  # when the provider was done
    expires_at: Mapped[dt.datetime | None]
    over_at: Mapped[dt.datetime | None]
    cancel_asked_at: Mapped[dt.datetime | None]
    note: Mapped[str | None]  # what became of a wish, such as a cancel that came too late
    changed: Mapped[str] = mapped_column(
        Transaction, server_default=text("pg_current_xact_id()")
    )  # the transaction that changed it last; a trigger says so


class LaneSlot(Table):
    """One numbered place at a provider: the limit as a fact of the database."""

    __tablename__ = "lane_slot"

    lane_id: Mapped[UUID] = mapped_column(ForeignKey("spotloom.lane.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    generation_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.generation.id", ondelete="CASCADE"), unique=True
    )
    taken_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))


class Asset(Table):
    """A finished file that we keep."""

    __tablename__ = "asset"
    __table_args__ = (UniqueConstraint("generation_id", "kind"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    generation_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.generation.id", ondelete="CASCADE")
    )
    kind: Mapped[str]  # video, poster, sprite
    uri: Mapped[str]  # the key inside the store
    sha256: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    content_type: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    seconds: Mapped[Decimal | None]
    fps: Mapped[Decimal | None]
    codecs: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))

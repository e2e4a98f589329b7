"""The tables: one class each, named in the words of the house.

Ids are made in Python (`ids.new`). Money is numeric US dollars; times are timestamptz.
"""

import datetime as dt
import json
from collections.abc import Sequence as Rows
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Numeric,
    Sequence,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from spotloom.creative.status import Status

SCHEMA = "spotloom"
# The words of `Status` that keep a combination from being attempted again at the same time.
ACTIVE_WORDS = "('queued','submitting','generating','finishing','unknown')"


class Table(DeclarativeBase):
    """What every table shares: the schema, and how Python's types are stored."""

    metadata = MetaData(
        schema=SCHEMA,
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_ix",
            "uq": "%(table_name)s_%(column_0_N_name)s_uq",
            "ck": "%(table_name)s_%(constraint_name)s_ck",
            "fk": "%(table_name)s_%(column_0_N_name)s_fk",
            "pk": "%(table_name)s_pk",
        },
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        dt.datetime: TIMESTAMP(timezone=True),
        Decimal: Numeric(14, 4),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


Row = dict[str, Any]


async def insert_all(session: AsyncSession, table: type[Table], rows: Rows[Row]) -> None:
    """Insert the rows, all with the same columns, in one statement.

    660 rows one by one, or as one long VALUES, take twice the time.
    """
    names = ", ".join(f'"{name}"' for name in rows[0])
    name = f"{SCHEMA}.{table.__tablename__}"
    statement = (
        f"INSERT INTO {name} ({names}) SELECT {names} "  # noqa: S608 - our own names
        f"FROM jsonb_populate_recordset(NULL::{name}, CAST(:rows AS jsonb))"
    )
    await session.execute(text(statement), {"rows": json.dumps(rows, default=str)})


# Where in the queue a campaign, or a retried generation, stands: first come, first served.
queue_turn = Sequence("queue_turn", schema=SCHEMA, metadata=Table.metadata)


class Workspace(Table):
    """Whose campaigns these are."""

    __tablename__ = "workspace"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    budget: Mapped[Decimal | None]  # most to commit in all
    daily_budget: Mapped[Decimal | None]  # most to commit in one day, by UTC


class Campaign(Table):
    """A submitted brief, and all that follows."""

    __tablename__ = "campaign"
    __table_args__ = (
        UniqueConstraint("workspace_id", "batch_key"),
        CheckConstraint("state in ('active','paused','cancelled')", name="state"),
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


class CombinationRow(Table):
    """One option per dimension, as the campaign keeps it."""

    __tablename__ = "combination"
    __table_args__ = (UniqueConstraint("campaign_id", "key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    campaign_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.campaign.id", ondelete="CASCADE")
    )
    key: Mapped[str]
    position: Mapped[int]
    values: Mapped[list[Any]]  # [dimension, option] pairs in the order of the matrix


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


class WebhookEvent(Table):
    """A webhook that was taken: the same one again changes nothing."""

    __tablename__ = "webhook_event"

    provider: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    job: Mapped[str | None]  # when it was nobody's, while an order was in doubt
    at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))


class TakenOver(Table):
    """A worker whose work others have taken over: if it comes back, it may not act."""

    __tablename__ = "taken_over"

    executor: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))


class LedgerEntry(Table):
    """One fact about money: appended, never changed."""

    __tablename__ = "ledger"
    __table_args__ = (
        CheckConstraint("kind in ('reserve','settle','release','unknown')", name="kind"),
        CheckConstraint("amount >= 0", name="amount"),
        ForeignKeyConstraint(["generation_id"], ["spotloom.generation.id"], ondelete="RESTRICT"),
        Index("ledger_of_campaign", "campaign_id"),
        # Reserved once, and ended once: the database refuses a double settlement.
        Index(
            "ledger_one_reserve",
            "generation_id",
            unique=True,
            postgresql_where=text("kind = 'reserve'"),
        ),
        Index(
            "ledger_one_end",
            "generation_id",
            unique=True,
            postgresql_where=text("kind in ('settle','release')"),
        ),
        Index(
            "ledger_one_unknown",
            "generation_id",
            unique=True,
            postgresql_where=text("kind = 'unknown'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    campaign_id: Mapped[UUID]
    generation_id: Mapped[UUID]
    kind: Mapped[str]
    amount: Mapped[Decimal]
    at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))

"""The tables of what passed between people, other programs and us: asked, told, and noted."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from spotloom.campaigns.tables.shape import Table


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


class Audit(Table):
    """Who did what that others may ask about: appended, never changed."""

    __tablename__ = "audit"
    __table_args__ = (Index("audit_of_workspace", "workspace_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("spotloom.workspace.id"))
    at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    actor: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))


class Idempotency(Table):
    """A call that spends or creates, with the answer it got: the same key gets the same answer."""

    __tablename__ = "idempotency"
    __table_args__ = (Index("idempotency_by_age", "created_at"),)

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.workspace.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str]
    request_hash: Mapped[str]
    status: Mapped[int | None]  # None while the call is under way
    body: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))


class Hook(Table):
    """An address that wants to be told of our events."""

    __tablename__ = "hook"
    __table_args__ = (Index("hook_of_workspace", "workspace_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.workspace.id", ondelete="CASCADE")
    )
    url: Mapped[str]
    secret: Mapped[str]
    events: Mapped[list[Any]]  # kinds, such as "video.completed"
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))


class Delivery(Table):
    """One event for one hook, until it has arrived."""

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint("state in ('pending','delivered','failed')", name="state"),
        Index("delivery_due", "next_at", postgresql_where=text("state = 'pending'")),
        Index("delivery_of_hook", "hook_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.workspace.id", ondelete="CASCADE")
    )
    hook_id: Mapped[UUID] = mapped_column(ForeignKey("spotloom.hook.id", ondelete="CASCADE"))
    kind: Mapped[str]
    body: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    status_code: Mapped[int | None]
    error: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    delivered_at: Mapped[dt.datetime | None]

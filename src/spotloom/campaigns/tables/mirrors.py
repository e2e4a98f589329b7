"""The tables of a mirror: where our videos are shown elsewhere, and what is still to be told."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from spotloom.campaigns.tables.shape import Table


class Mirror(Table):
    """A place that shows one workspace's videos, and how fast it may be asked."""

    __tablename__ = "mirror"
    __table_args__ = (Index("mirror_of_workspace", "workspace_id"),)

    target: Mapped[str] = mapped_column(primary_key=True)  # "notion": one installation has one
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.workspace.id", ondelete="CASCADE")
    )
    database_id: Mapped[str]
    data_source_id: Mapped[str]
    title: Mapped[str]
    url: Mapped[str]
    bot_id: Mapped[str]  # who we are there: what it edited last, no person did
    properties: Mapped[dict[str, Any]]  # the place's id of each of our properties
    webhook_token: Mapped[str | None]  # signs its webhooks; came with the pairing
    pairing_until: Mapped[dt.datetime | None]
    pairing_by: Mapped[str | None]  # who opened the pairing, and has not seen the token yet
    trouble: Mapped[str | None]  # why nothing can be written at all; a person acts
    creates_from: Mapped[dt.datetime | None]  # no new page before: the place is full
    # One pace for all processes.
    paused_until: Mapped[dt.datetime | None]
    turn_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    interval_s: Mapped[float] = mapped_column(server_default=text("0"))
    setbacks: Mapped[int] = mapped_column(server_default="0")  # refusals in a row; 0 when well
    throttled: Mapped[int] = mapped_column(server_default="0")  # refusals in all
    # What people did there: asked for at `poll_at`, known up to `polled_to` of its own clock.
    poll_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    polled_to: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    trash_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    look_up_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))


class MirrorLeft(Table):
    """A place that a workspace's videos were shown in: its pages are found again there."""

    __tablename__ = "mirror_left"

    target: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.workspace.id", ondelete="CASCADE"), primary_key=True
    )
    database_id: Mapped[str]
    data_source_id: Mapped[str]
    properties: Mapped[dict[str, Any]]


class MirrorChange(Table):
    """A video changed: appended by triggers in the transaction of the change, and then folded.

    Appended and nothing else, so that no two changes ever wait for each other.
    """

    __tablename__ = "mirror_change"
    __table_args__ = (
        CheckConstraint("kind in ('changed','look','anew')", name="kind"),
        Index("mirror_change_of_workspace", "workspace_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    target: Mapped[str]
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.workspace.id", ondelete="CASCADE")
    )
    combination_id: Mapped[UUID]
    # changed: here; look: there, perhaps; anew: a person wants all of it told again
    kind: Mapped[str] = mapped_column(server_default="changed")
    at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))


class MirrorOutbox(Table):
    """One video's page: what it should say, what it says, and who is writing it just now."""

    __tablename__ = "mirror_outbox"
    __table_args__ = (
        CheckConstraint("state in ('pending','settled','blocked','unlinked')", name="state"),
        Index("mirror_outbox_due", "target", "since", postgresql_where=text("state = 'pending'")),
        Index("mirror_outbox_renewal", "renew_at", postgresql_where=text("state = 'settled'")),
        Index("mirror_outbox_of_campaign", "workspace_id", "campaign_id", "state"),
    )

    target: Mapped[str] = mapped_column(primary_key=True)
    combination_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.combination.id", ondelete="CASCADE"), primary_key=True
    )
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.workspace.id", ondelete="CASCADE")
    )
    campaign_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.campaign.id", ondelete="CASCADE")
    )
    state: Mapped[str] = mapped_column(server_default="pending")
    wanted: Mapped[int] = mapped_column(BigInteger, server_default="1")  # grows with every change
    look: Mapped[bool] = mapped_column(server_default=text("false"))  # read the page first
    anew: Mapped[bool] = mapped_column(server_default=text("false"))  # a person wants a page
    since: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))  # oldest change untold
    latest: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    attempts: Mapped[int] = mapped_column(server_default="0")  # in vain, in a row
    next_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    claim: Mapped[UUID | None]  # of the process that writes it
    leased_until: Mapped[dt.datetime | None]
    creating_at: Mapped[dt.datetime | None]  # a create left then, and no answer has come
    sent: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))  # what of ours it says
    agreed: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))  # what of people's
    answer: Mapped[str | None]  # what became of a request made there
    renew_at: Mapped[dt.datetime | None]  # when its links are given anew
    error: Mapped[str | None]
    mirrored_at: Mapped[dt.datetime | None]
    lag_s: Mapped[float | None]  # from the change to the page, the last time

"""The table of money, which only grows."""

import datetime as dt
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from spotloom.campaigns.tables.shape import Table


class LedgerEntry(Table):
    """One fact about money: appended, never changed."""

    __tablename__ = "ledger"
    __table_args__ = (
        CheckConstraint("kind in ('reserve','settle','release','unknown')", name="kind"),
        CheckConstraint("amount >= 0", name="amount"),
        ForeignKeyConstraint(["generation_id"], ["spotloom.generation.id"], ondelete="RESTRICT"),
        Index("ledger_of_campaign", "campaign_id"),
        Index("ledger_of_workspace", "workspace_id"),
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

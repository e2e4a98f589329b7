"""The table of briefs that are kept to start from."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from spotloom.campaigns.tables.shape import Table


class BriefTemplate(Table):
    """A brief, perhaps with gaps, that a workspace keeps to start others from."""

    __tablename__ = "brief_template"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("spotloom.workspace.id", ondelete="CASCADE")
    )
    name: Mapped[str]
    brief: Mapped[dict[str, Any]]
    created_by: Mapped[str | None]  # "person:…" or "key:…"
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    version: Mapped[int] = mapped_column(server_default="1")  # a trigger counts the edits

"""The audit log: who spent, cancelled, approved, changed what others may ask about."""

import datetime as dt
from typing import Any
from uuid import UUID

from pydantic import Field

from spotloom.contract.shapes import Page, Told


class AuditEntry(Told):
    """One thing that somebody did."""

    id: UUID
    at: dt.datetime
    actor: str = Field(description="`person:…` or `key:…`.")
    actor_name: str | None = Field(description="Null for who is no member any more.")
    action: str
    target: str
    target_name: str | None = Field(
        description="Where the target is a person, a key or a campaign."
    )
    detail: dict[str, Any]


class AuditPage(Page[AuditEntry]):
    """One page of the log, newest first."""

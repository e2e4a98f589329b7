"""The audit log: who spent, cancelled, approved, changed what others may ask about."""

import datetime as dt
from typing import Any
from uuid import UUID

from spotloom.contract.shapes import Page, Told


class AuditEntry(Told):
    """One thing that somebody did."""

    id: UUID
    at: dt.datetime
    actor: str
    action: str
    target: str
    detail: dict[str, Any]


class AuditPage(Page[AuditEntry]):
    """One page of the log, newest first."""

"""The tables: one class each, named in the words of the house.

Ids are made in Python (`ids.new`). Money is numeric US dollars; times are timestamptz.
"""

from spotloom.campaigns.tables.briefs import BriefTemplate
from spotloom.campaigns.tables.campaigns import (
    ACTIVE_WORDS,
    Asset,
    Campaign,
    CombinationRow,
    Generation,
    Lane,
    LaneSlot,
    Workspace,
)
from spotloom.campaigns.tables.events import (
    Audit,
    Delivery,
    Hook,
    Idempotency,
    TakenOver,
    WebhookEvent,
)
from spotloom.campaigns.tables.ledger import LedgerEntry
from spotloom.campaigns.tables.mirrors import Mirror, MirrorChange, MirrorLeft, MirrorOutbox
from spotloom.campaigns.tables.shape import SCHEMA, Row, Table, Transaction, insert_all, queue_turn

__all__ = [
    "ACTIVE_WORDS",
    "SCHEMA",
    "Asset",
    "Audit",
    "BriefTemplate",
    "Campaign",
    "CombinationRow",
    "Delivery",
    "Generation",
    "Hook",
    "Idempotency",
    "Lane",
    "LaneSlot",
    "LedgerEntry",
    "Mirror",
    "MirrorChange",
    "MirrorLeft",
    "MirrorOutbox",
    "Row",
    "Table",
    "TakenOver",
    "Transaction",
    "WebhookEvent",
    "Workspace",
    "insert_all",
    "queue_turn",
]

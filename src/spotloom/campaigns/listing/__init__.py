"""Lists, a page at a time: each page goes on where the last one ended, whatever came between."""

from spotloom.campaigns.listing.campaigns import Figures, campaigns, figures, remove, restore
from spotloom.campaigns.listing.combinations import (
    Combination,
    Counts,
    combination,
    combinations,
    counts,
    every_combination,
)
from spotloom.campaigns.listing.files import File
from spotloom.campaigns.listing.filters import Filter, Sort
from spotloom.campaigns.listing.history import Attempt, attempts
from spotloom.campaigns.listing.pages import LONGEST, BadCursor, Page
from spotloom.campaigns.listing.queue import Account, Queue, accounts, queues
from spotloom.campaigns.listing.records import AuditEntry, audit, batch_ids

__all__ = [
    "LONGEST",
    "Account",
    "Attempt",
    "AuditEntry",
    "BadCursor",
    "Combination",
    "Counts",
    "Figures",
    "File",
    "Filter",
    "Page",
    "Queue",
    "Sort",
    "accounts",
    "attempts",
    "audit",
    "batch_ids",
    "campaigns",
    "combination",
    "combinations",
    "counts",
    "every_combination",
    "figures",
    "queues",
    "remove",
    "restore",
]

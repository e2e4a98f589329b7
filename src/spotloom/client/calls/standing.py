"""What stands beside the batches: links, lanes, budgets, hooks and the audit log."""

from collections.abc import Sequence
from uuid import UUID

from spotloom.client.call import Call
from spotloom.client.calls import asks
from spotloom.contract.audit import AuditPage
from spotloom.contract.combinations import (
    Link,
    LinkWanted,
)
from spotloom.contract.hooks import (
    DeliveryPage,
    Event,
    Hook,
    HookAsk,
    HookEdit,
    Hooks,
    NewHook,
    Redelivered,
)
from spotloom.contract.lanes import Budget, BudgetEdit, Lane, LaneEdit, QueueStatus


def link(asset: str | UUID, *, seconds: int = 3600) -> Call[Link]:
    """A link that shows the file to whoever holds it."""
    path, body = asks.path_of("/api/media/{}/link", asset), LinkWanted(seconds=seconds)
    return asks.post("linkMedia", path, Link, body)


def queue() -> Call[QueueStatus]:
    """The slots in use and the videos that wait, lane by lane."""
    return asks.get("getQueue", "/api/queue/status", QueueStatus)


def edit_lane(lane: str | UUID, changes: LaneEdit) -> Call[Lane]:
    """Change a lane while it works: videos at once, starts a minute, open or paused."""
    return asks.patch("editLane", asks.path_of("/api/queue/lanes/{}", lane), Lane, changes)


def budget() -> Call[Budget]:
    """The caps above every batch's own budget, and what is committed under each."""
    return asks.get("getBudget", "/api/budget", Budget)


def edit_budget(changes: BudgetEdit) -> Call[Budget]:
    """Set the caps: None takes one away, what is not named stays."""
    return asks.patch("editBudget", "/api/budget", Budget, changes)


def hooks() -> Call[Hooks]:
    """The addresses that are told of events."""
    return asks.get("listHooks", "/api/hooks", Hooks)


def add_hook(url: str, events: Sequence[Event]) -> Call[NewHook]:
    """Tell an address of events; the answer has the signing secret, this once."""
    return asks.post("addHook", "/api/hooks", NewHook, HookAsk(url=url, events=list(events)))


def edit_hook(hook: str | UUID, changes: HookEdit) -> Call[Hook]:
    """Pause or resume a hook, or change what it is told."""
    return asks.patch("editHook", asks.path_of("/api/hooks/{}", hook), Hook, changes)


def delete_hook(hook: str | UUID) -> Call[None]:
    """Tell the address no more, not even what waits for it."""
    return asks.delete("deleteHook", asks.path_of("/api/hooks/{}", hook))


def deliveries(
    hook: str | UUID, *, cursor: str | None = None, limit: int = 50
) -> Call[DeliveryPage]:
    """A page of what became of telling the hook, newest first."""
    path = asks.path_of("/api/hooks/{}/deliveries", hook)
    return asks.get("listDeliveries", path, DeliveryPage, asks.query(cursor=cursor, limit=limit))


def redeliver(delivery: str | UUID) -> Call[Redelivered]:
    """Send a delivery again from the first try on, under the same webhook-id."""
    path = asks.path_of("/api/hooks/deliveries/{}/redeliver", delivery)
    return asks.post("redeliver", path, Redelivered, once=False)


def audit(*, cursor: str | None = None, limit: int = 50) -> Call[AuditPage]:
    """A page of what was done in the workspace, newest first."""
    return asks.get("listAudit", "/api/audit", AuditPage, asks.query(cursor=cursor, limit=limit))

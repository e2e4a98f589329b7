"""Keeps the addresses that want to be told, and what became of each telling."""

import datetime as dt
import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import ids
from spotloom.campaigns.tables import Delivery, Hook
from spotloom.errors import BriefError, Conflict, NotFound, Problem
from spotloom.generation.mirrors.outbound.events import Kind

MOST_HOOKS = 20  # of one workspace
_LONGEST_URL = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event for one hook, and how far it came."""

    id: UUID
    kind: str
    state: str
    attempts: int
    next_at: dt.datetime | None
    status_code: int | None
    error: str | None
    created_at: dt.datetime
    delivered_at: dt.datetime | None


async def add(
    session: AsyncSession, workspace_id: UUID, *, url: str, events: Sequence[str]
) -> tuple[Hook, str]:
    """A new hook and its signing secret, which is shown once; BriefError when it cannot be.

    Whether the address may be reached is asked at each delivery: names change where they lead.
    """
    _check(url, events)
    count = await session.scalar(
        select(func.count()).select_from(Hook).where(Hook.workspace_id == workspace_id)
    )
    if count and count >= MOST_HOOKS:
        raise Conflict(f"A workspace has at most {MOST_HOOKS} hooks; remove one first.")
    secret = "whsec_" + b64encode(secrets.token_bytes(32)).decode()
    hook = Hook(
        id=ids.new(),
        workspace_id=workspace_id,
        url=url,
        secret=secret,
        events=sorted(set(events)),
        enabled=True,
    )
    session.add(hook)
    await session.flush()
    return hook, secret


async def listing(session: AsyncSession, workspace_id: UUID) -> list[Hook]:
    """The workspace's hooks, oldest first."""
    rows = select(Hook).where(Hook.workspace_id == workspace_id).order_by(Hook.id)
    return list(await session.scalars(rows))


async def change(
    session: AsyncSession,
    workspace_id: UUID,
    hook_id: UUID,
    *,
    enabled: bool | None = None,
    events: Sequence[str] | None = None,
) -> Hook:
    """Pause or resume a hook, or change what it is told; what waits for it keeps waiting."""
    values: dict[str, Any] = {}
    if enabled is not None:
        values["enabled"] = enabled
    if events is not None:
        _check("https://unchanged.invalid", events)
        values["events"] = sorted(set(events))
    found = select(Hook).where(Hook.id == hook_id, Hook.workspace_id == workspace_id)
    hook = await session.scalar(found.with_for_update(key_share=True))
    if hook is None:
        raise NotFound(f"There is no hook {hook_id}.")
    for name, value in values.items():
        setattr(hook, name, value)
    await session.flush()
    return hook


async def remove(session: AsyncSession, workspace_id: UUID, hook_id: UUID) -> None:
    """Remove a hook, with everything that waits for it."""
    gone = await session.scalar(
        delete(Hook).where(Hook.id == hook_id, Hook.workspace_id == workspace_id).returning(Hook.id)
    )
    if gone is None:
        raise NotFound(f"There is no hook {hook_id}.")


async def deliveries(
    session: AsyncSession, workspace_id: UUID, hook_id: UUID, *, limit: int = 50
) -> list[Told]:
    """The latest events for a hook, newest first."""
    d = Delivery
    rows = await session.scalars(
        select(d)
        .where(d.hook_id == hook_id, d.workspace_id == workspace_id)
        .order_by(d.id.desc())
        .limit(limit)
    )
    return [
        Told(
            id=row.id,
            kind=row.kind,
            state=row.state,
            attempts=row.attempts,
            next_at=row.next_at if row.state == "pending" else None,
            status_code=row.status_code,
            error=row.error,
            created_at=row.created_at,
            delivered_at=row.delivered_at,
        )
        for row in rows
    ]


async def redeliver(session: AsyncSession, workspace_id: UUID, delivery_id: UUID) -> None:
    """Send it again from the first try on, under the same webhook-id; NotFound if there is none."""
    found = await session.scalar(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.workspace_id == workspace_id)
        .values(state="pending", attempts=0, next_at=func.clock_timestamp(), error=None)
        .returning(Delivery.id)
    )
    if found is None:
        raise NotFound(f"There is no delivery {delivery_id}.")


def _check(url: str, events: Sequence[str]) -> None:
    problems = []
    if not url.startswith(("https://", "http://")) or not 8 < len(url) <= _LONGEST_URL:
        problems.append(
            Problem("url", f"Must be an https:// address of at most {_LONGEST_URL} characters.")
        )
    elif any(ord(letter) < 33 for letter in url):
        problems.append(Problem("url", "Must not hold spaces or control characters."))
    unknown = sorted(set(events) - set(Kind))
    if unknown or not events:
        known = ", ".join(Kind)
        problems.append(Problem("events", f"Name one or more of {known}; not {unknown or 'none'}."))
    if problems:
        raise BriefError(problems)

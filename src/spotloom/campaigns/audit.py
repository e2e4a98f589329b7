"""Keeps who did what: appended with the deed, in its transaction, and never changed."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import ids
from spotloom.campaigns.tables import Audit


async def record(
    session: AsyncSession,
    workspace_id: UUID,
    *,
    actor: str,
    action: str,
    target: str,
    **detail: Any,
) -> None:
    """Note that `actor` did `action` to `target`; never pass a secret or a prompt as detail."""
    await session.execute(
        insert(Audit).values(
            id=ids.new(),
            workspace_id=workspace_id,
            actor=actor,
            action=action,
            target=target,
            detail=json.loads(json.dumps(detail, default=str)),
        )
    )

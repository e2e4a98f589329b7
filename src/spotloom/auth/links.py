"""One-time login links: whoever holds one within 15 minutes is that person, once."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, update
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import secrets
from spotloom.auth.tables import LoginLink

GOOD_FOR = dt.timedelta(minutes=15)
_KEPT = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Opened:
    """Whom a link lets in, and where."""

    workspace_id: UUID
    person_id: UUID


async def create(
    session: AsyncSession, *, public_url: str, workspace_id: UUID, person_id: UUID
) -> str:
    """A fresh link; its secret stands in the fragment, which no server and no log ever sees."""
    secret = secrets.new(secrets.LINK)
    await session.execute(delete(LoginLink).where(LoginLink.expires_at < func.now() - _KEPT))
    session.add(
        LoginLink(
            token_hash=secrets.kept(secret),
            workspace_id=workspace_id,
            person_id=person_id,
            expires_at=func.now() + GOOD_FOR,
        )
    )
    await session.flush()
    return f"{public_url}/sign-in#{secret}"


async def use(session: AsyncSession, secret: str) -> Opened | None:
    """Whom the link lets in; None when it was used before, is too old, or is no link at all."""
    if not secrets.well_formed(secret, secrets.LINK):
        return None
    used = await session.execute(
        update(LoginLink)
        .where(
            LoginLink.token_hash == secrets.kept(secret),
            LoginLink.used_at.is_(None),
            LoginLink.expires_at > func.now(),
        )
        .values(used_at=func.now())
        .returning(LoginLink.workspace_id, LoginLink.person_id)
    )
    row = used.one_or_none()
    return None if row is None else Opened(row.workspace_id, row.person_id)

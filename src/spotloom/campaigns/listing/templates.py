"""A workspace's templates: briefs kept to start others from."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from spotloom.campaigns import ids
from spotloom.campaigns.listing import pages
from spotloom.campaigns.listing.pages import Page
from spotloom.campaigns.reviews import Outdated
from spotloom.campaigns.tables import BriefTemplate
from spotloom.errors import Conflict, NotFound

MOST = 500  # in a workspace


async def templates(
    session: AsyncSession, workspace_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[BriefTemplate]:
    """A page of the workspace's templates, the newest first."""
    t = BriefTemplate
    wanted = select(t).where(t.workspace_id == workspace_id)
    if cursor is not None:
        wanted = wanted.where(t.id < pages.read_id(cursor, "templates"))
    most = pages.bounded(limit)
    rows = (await session.scalars(wanted.order_by(t.id.desc()).limit(most + 1))).all()
    return pages.cut(
        rows, most, told=lambda row: row, end=lambda row: pages.write("templates", str(row.id))
    )


async def template(session: AsyncSession, workspace_id: UUID, template_id: UUID) -> BriefTemplate:
    """The workspace's template of that id."""
    t = BriefTemplate
    wanted = select(t).where(t.workspace_id == workspace_id, t.id == template_id)
    row = await session.scalar(wanted.execution_options(populate_existing=True))
    if row is None:
        raise NotFound(f"There is no template {template_id}.")
    return row


async def add(
    session: AsyncSession,
    workspace_id: UUID,
    *,
    name: str,
    brief: Mapping[str, Any],
    created_by: str | None,
) -> BriefTemplate:
    """Keep a brief as a new template; Conflict when the name is taken, or there are too many."""
    t = BriefTemplate
    mine = select(func.count()).where(t.workspace_id == workspace_id)
    if (await session.scalar(mine) or 0) >= MOST:
        raise Conflict(f"There are {MOST} templates already; delete one to keep another.")
    row = t(
        id=ids.new(),
        workspace_id=workspace_id,
        name=name,
        brief=dict(brief),
        created_by=created_by,
    )
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise _taken(name) from error
    await session.refresh(row)
    return row


async def change(
    session: AsyncSession,
    workspace_id: UUID,
    template_id: UUID,
    *,
    expected_version: int | None,
    name: str | None = None,
    brief: Mapping[str, Any] | None = None,
) -> BriefTemplate:
    """Give a template another name, another brief, or both; None leaves what is there.

    Outdated when it is not at the expected version any more (None expects nothing).
    """
    t = BriefTemplate
    given = {"name": name, "brief": None if brief is None else dict(brief)}
    values = {key: value for key, value in given.items() if value is not None}
    try:
        async with session.begin_nested():
            changed = await session.scalar(
                update(t)
                .where(_at(workspace_id, template_id, expected_version))
                .values(**values, updated_at=func.now())
                .returning(t.id)
            )
    except IntegrityError as error:
        raise _taken(name) from error
    row = await template(session, workspace_id, template_id)
    if changed is None:
        raise Outdated(f"The template “{row.name}”", row.version)
    return row


async def remove(
    session: AsyncSession, workspace_id: UUID, template_id: UUID, *, expected_version: int | None
) -> None:
    """Delete a template; campaigns that were started from it stay as they are.

    Outdated when it is not at the expected version any more (None expects nothing).
    """
    t = BriefTemplate
    here = _at(workspace_id, template_id, expected_version)
    if await session.scalar(delete(t).where(here).returning(t.id)) is None:
        row = await template(session, workspace_id, template_id)
        raise Outdated(f"The template “{row.name}”", row.version)


def _at(workspace_id: UUID, template_id: UUID, version: int | None) -> ColumnElement[bool]:
    t = BriefTemplate
    here = (t.workspace_id == workspace_id) & (t.id == template_id)
    return here if version is None else here & (t.version == version)


def _taken(name: str | None) -> Conflict:
    return Conflict(
        f"There is a template called “{name}” already. Choose another name, or save over it."
    )

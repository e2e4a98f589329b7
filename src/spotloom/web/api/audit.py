"""The audit log: who spent, cancelled, approved, changed what others may ask about."""

from fastapi import APIRouter, Response

from spotloom.auth import people
from spotloom.campaigns import listing
from spotloom.contract.audit import AuditEntry, AuditPage
from spotloom.web.door.answers import problems, shaped
from spotloom.web.door.asking import Admin, Cursor, Limit

routes = APIRouter(prefix="/api", tags=["audit"])


@routes.get(
    "/audit",
    operation_id="listAudit",
    response_model=AuditPage,
    responses=problems(),
)
async def list_audit(asked: Admin, cursor: Cursor = None, limit: Limit = 50) -> Response:
    """What was done in the workspace, newest first."""
    workspace_id = asked.actor.workspace_id
    async with asked.scope.read() as session:
        page = await listing.audit(session, workspace_id, cursor=cursor, limit=limit)
        who = {name for entry in page.rows for name in (entry.actor, entry.target)}
        names = await people.names(session, workspace_id, who)
        names |= await listing.batch_ids(session, workspace_id, {e.target for e in page.rows})
    items = [
        AuditEntry(
            id=entry.id,
            at=entry.at,
            actor=entry.actor,
            actor_name=names.get(entry.actor),
            action=entry.action,
            target=entry.target,
            target_name=names.get(entry.target),
            detail=dict(entry.detail),
        )
        for entry in page.rows
    ]
    return shaped(AuditPage(items=items, next_cursor=page.next))

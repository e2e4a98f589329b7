"""The audit log: who spent, cancelled, approved, changed what others may ask about."""

from fastapi import APIRouter, Response

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
    async with asked.scope.read() as session:
        page = await listing.audit(session, asked.actor.workspace_id, cursor=cursor, limit=limit)
    items = [AuditEntry.model_validate(entry, from_attributes=True) for entry in page.rows]
    return shaped(AuditPage(items=items, next_cursor=page.next))

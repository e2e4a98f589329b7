"""Templates: briefs that a workspace keeps to start others from."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.listing import templates
from spotloom.campaigns.tables import BriefTemplate
from spotloom.contract.briefs import (
    BriefDraft,
    Template,
    TemplateAsk,
    TemplateEdit,
    TemplatePage,
    TemplateSummary,
)
from spotloom.web.door.answers import ETAG, problems, shaped, takes
from spotloom.web.door.asking import Cursor, Editor, Limit, Viewer, noted
from spotloom.web.door.bodies import Body
from spotloom.web.door.versions import IfMatch, etag, expected, perhaps_expected
from spotloom.web.idempotency import Answer, OnceOnly

routes = APIRouter(prefix="/api/templates", tags=["planning"])


@routes.get("", operation_id="listTemplates", response_model=TemplatePage, responses=problems())
async def list_templates(asked: Viewer, cursor: Cursor = None, limit: Limit = 50) -> Response:
    """The workspace's templates, the newest first; their briefs are asked for one by one."""
    async with asked.scope.read() as session:
        page = await templates.templates(
            session, asked.actor.workspace_id, cursor=cursor, limit=limit
        )
    items = [TemplateSummary.model_validate(row, from_attributes=True) for row in page.rows]
    return shaped(TemplatePage(items=items, next_cursor=page.next))


@routes.get(
    "/{template_id}",
    operation_id="getTemplate",
    response_model=Template,
    responses=problems(404) | ETAG,
)
async def get_template(asked: Viewer, template_id: UUID) -> Response:
    """One template, with its brief; its ETag is its version."""
    async with asked.scope.read() as session:
        row = await templates.template(session, asked.actor.workspace_id, template_id)
    return _tagged(told(row))


@routes.post(
    "",
    operation_id="addTemplate",
    response_model=Template,
    status_code=201,
    responses=problems(409, body=True) | {201: ETAG[200]},
    openapi_extra=takes(TemplateAsk),
)
async def add_template(asked: Editor, once: OnceOnly, body: Body) -> Response:
    """Keep a brief under a name, with whatever gaps it has; 409 when the name is taken."""
    ask = body.fit(TemplateAsk)

    async def act(session: AsyncSession) -> Answer:
        workspace_id = asked.actor.workspace_id
        row = await templates.add(
            session,
            workspace_id,
            name=ask.name,
            brief=_kept(ask.form_data),
            created_by=asked.actor.text,
        )
        await noted(session, asked, "template.added", row.id, name=ask.name)
        where, tag = f"/api/templates/{row.id}", etag(row.version)
        return Answer.of(told(row), status=201, location=where, etag=tag)

    return await once.run(asked.scope, body.digest, act)


@routes.patch(
    "/{template_id}",
    operation_id="editTemplate",
    response_model=Template,
    responses=problems(404, 409, 412, 428, body=True) | ETAG,
    openapi_extra=takes(TemplateEdit),
)
async def edit_template(
    asked: Editor, template_id: UUID, body: Body, if_match: IfMatch = None
) -> Response:
    """Rename a template, or save another brief over it; 409 when the name is taken.

    `If-Match` names the version that you have seen: where somebody else was quicker the answer is
    412, and nothing is changed.
    """
    ask, workspace_id = body.fit(TemplateEdit), asked.actor.workspace_id
    async with asked.scope.begin() as session:
        before = await templates.template(session, workspace_id, template_id)
        row = await templates.change(
            session,
            workspace_id,
            template_id,
            expected_version=expected(if_match, before.version),
            name=ask.name,
            brief=None if ask.form_data is None else _kept(ask.form_data),
        )
        await noted(session, asked, "template.changed", template_id, name=row.name)
        answer = told(row)
    return _tagged(answer)


@routes.delete(
    "/{template_id}", operation_id="deleteTemplate", status_code=204, responses=problems(404, 412)
)
async def delete_template(asked: Editor, template_id: UUID, if_match: IfMatch = None) -> Response:
    """Delete a template; campaigns that were started from it stay as they are.

    With `If-Match`, 412 where somebody has changed it since.
    """
    workspace_id = asked.actor.workspace_id
    async with asked.scope.begin() as session:
        before = await templates.template(session, workspace_id, template_id)
        version = perhaps_expected(if_match, before.version)
        await templates.remove(session, workspace_id, template_id, expected_version=version)
        await noted(session, asked, "template.deleted", template_id)
    return Response(status_code=204)


def _tagged(answer: Template) -> Response:
    return shaped(answer, headers={"ETag": etag(answer.version)})


def told(row: BriefTemplate) -> Template:
    """The template as the API tells it."""
    summary = TemplateSummary.model_validate(row, from_attributes=True)
    return Template(**summary.model_dump(), form_data=row.brief)


def _kept(draft: BriefDraft) -> dict[str, Any]:
    return draft.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)

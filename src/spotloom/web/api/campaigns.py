"""Campaigns: the list, one of them, and taking one off the list."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from spotloom.campaigns import listing
from spotloom.contract.campaigns import Campaign, CampaignPage
from spotloom.web.door.answers import problems, shaped
from spotloom.web.door.asking import (
    Admin,
    CampaignName,
    Cursor,
    Limit,
    Sought,
    Viewer,
    found,
    noted,
)

routes = APIRouter(prefix="/api/campaigns", tags=["campaigns"])


@routes.get(
    "",
    operation_id="listCampaigns",
    response_model=CampaignPage,
    responses=problems(),
)
async def list_campaigns(
    asked: Viewer,
    state: Annotated[Literal["active", "paused", "cancelled"] | None, Query()] = None,
    running: Annotated[
        bool | None,
        Query(description="Only those with videos that still move by themselves, or the others."),
    ] = None,
    text: Annotated[
        Sought | None, Query(max_length=200, description="In the batch id, the brand or the idea.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """The workspace's campaigns, newest first, each with its figures."""
    workspace_id = asked.actor.workspace_id
    async with asked.scope.read() as session:
        page = await listing.campaigns(
            session,
            workspace_id,
            state=state,
            running=running,
            text=text,
            cursor=cursor,
            limit=limit,
        )
        figures = await listing.figures(session, workspace_id, [h.id for h in page.rows])
    items = [Campaign.of(header, figures[header.id]) for header in page.rows]
    return shaped(CampaignPage(items=items, next_cursor=page.next))


@routes.get(
    "/{campaign_id}",
    operation_id="getCampaign",
    response_model=Campaign,
    responses=problems(404),
)
async def get_campaign(asked: Viewer, campaign_id: CampaignName) -> Response:
    """One campaign, by its id or its batch id."""
    async with asked.scope.read() as session:
        header = await found(session, asked, campaign_id)
        figures = await listing.figures(session, asked.actor.workspace_id, [header.id])
    return shaped(Campaign.of(header, figures[header.id]))


@routes.delete(
    "/{campaign_id}",
    operation_id="deleteCampaign",
    status_code=204,
    responses=problems(404, 409),
)
async def delete_campaign(asked: Admin, campaign_id: CampaignName) -> Response:
    """Take a campaign off every list; 409 while any of its videos may still cost money.

    Its batch id stays taken, and what it cost stays in the books.
    """
    async with asked.scope.begin() as session:
        header = await found(session, asked, campaign_id)
        await listing.remove(session, asked.actor.workspace_id, header.id)
        await noted(session, asked, "campaign.deleted", header.id, batchId=header.batch_key)
    return Response(status_code=204)


@routes.post(
    "/{campaign_id}/restore",
    operation_id="restoreCampaign",
    response_model=Campaign,
    responses=problems(404),
)
async def restore_campaign(asked: Admin, campaign_id: UUID) -> Response:
    """Put a deleted campaign back on the lists; by its id, since nothing is found by name there."""
    workspace_id = asked.actor.workspace_id
    async with asked.scope.begin() as session:
        await listing.restore(session, workspace_id, campaign_id)
        header = await found(session, asked, str(campaign_id))
        await noted(session, asked, "campaign.restored", header.id, batchId=header.batch_key)
        figures = await listing.figures(session, workspace_id, [header.id])
    return shaped(Campaign.of(header, figures[header.id]))

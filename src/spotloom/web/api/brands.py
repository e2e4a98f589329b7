"""Brands: whom a workspace orders for, and what that came to."""

from fastapi import APIRouter, Response

from spotloom.campaigns.listing import brands
from spotloom.contract.campaigns import Brand, BrandPage
from spotloom.web.door.answers import problems, shaped
from spotloom.web.door.asking import Cursor, Limit, Viewer

routes = APIRouter(prefix="/api/brands", tags=["campaigns"])


@routes.get("", operation_id="listBrands", response_model=BrandPage, responses=problems())
async def list_brands(asked: Viewer, cursor: Cursor = None, limit: Limit = 50) -> Response:
    """The brands of the workspace's campaigns, by name, each with its videos and what they cost.

    `GET /api/campaigns?text=…` finds a brand's campaigns.
    """
    async with asked.scope.read() as session:
        page = await brands.brands(session, asked.actor.workspace_id, cursor=cursor, limit=limit)
    items = [Brand.model_validate(row, from_attributes=True) for row in page.rows]
    return shaped(BrandPage(items=items, next_cursor=page.next))

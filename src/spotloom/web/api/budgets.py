"""The workspace's caps on what is spent."""

from fastapi import APIRouter, Response

from spotloom.campaigns import budgets
from spotloom.campaigns.budgets import Caps
from spotloom.contract.lanes import Budget, BudgetEdit
from spotloom.web.door.answers import problems, shaped, takes
from spotloom.web.door.asking import Admin, Viewer, noted
from spotloom.web.door.bodies import Body

routes = APIRouter(prefix="/api", tags=["budget"])


@routes.get("/budget", operation_id="getBudget", response_model=Budget, responses=problems())
async def get_budget(asked: Viewer) -> Response:
    """The caps above every batch's own budget, and what is committed under each."""
    async with asked.scope.read() as session:
        caps = await budgets.caps_of(session, asked.actor.workspace_id)
    return shaped(_told(caps))


@routes.patch(
    "/budget",
    operation_id="editBudget",
    response_model=Budget,
    responses=problems(body=True),
    openapi_extra=takes(BudgetEdit),
)
async def edit(asked: Admin, body: Body) -> Response:
    """Set the caps: null takes one away, what is not named stays. What is reserved stays so."""
    ask = body.fit(BudgetEdit)
    given = ask.model_dump(exclude_unset=True)
    workspace_id = asked.actor.workspace_id
    async with asked.scope.begin() as session:
        caps = await budgets.change(session, workspace_id, given)
        await noted(session, asked, "budget.changed", workspace_id, **given)
    return shaped(_told(caps))


def _told(caps: Caps) -> Budget:
    return Budget.model_validate(caps, from_attributes=True)

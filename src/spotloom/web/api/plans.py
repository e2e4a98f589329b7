"""`POST /api/plan`: what a brief would make and cost; stores nothing, spends nothing."""

import datetime as dt

from fastapi import APIRouter, Response

from spotloom.contract.plans import Plan, PlanAsk
from spotloom.web.api.orders import ordered
from spotloom.web.door.answers import problems, shaped, takes
from spotloom.web.door.asking import Planner, ThePace, TheParts
from spotloom.web.door.bodies import Body, Written
from spotloom.web.parts import Parts

routes = APIRouter(prefix="/api", tags=["planning"])


@routes.post(
    "/plan",
    operation_id="planBrief",
    response_model=Plan,
    responses=problems(body=True),
    openapi_extra=takes(PlanAsk),
)
async def plan(asked: Planner, parts: TheParts, pace: ThePace, body: Body) -> Response:
    """Work a brief out: matrix, equation, warnings, bill and expected finish; nothing is stored.

    `POST /api/generate-batch` with the same body orders exactly this.
    """
    del asked  # who may see campaigns may plan one
    return await pace.aside(_answer, body, parts)


def _answer(body: Written, parts: Parts) -> Response:
    ask, planned = ordered(body, PlanAsk, parts)
    told = Plan.of(
        planned.plan,
        provider=planned.offer.provider,
        charges=planned.offer.charges,
        slots=parts.lane().slot_limit,
        now=dt.datetime.now(dt.UTC),
        rows=ask.rows,
    )
    return shaped(told)

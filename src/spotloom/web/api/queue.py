"""The lanes to the providers: what is under way, what waits, and the limits on it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from spotloom.campaigns import listing, reads
from spotloom.contract.lanes import Lane, LaneEdit, LaneQueue, QueueStatus
from spotloom.errors import NotFound
from spotloom.generation import lanes
from spotloom.web.door.answers import problems, shaped, takes
from spotloom.web.door.asking import Admin, Viewer, noted
from spotloom.web.door.bodies import Body

routes = APIRouter(prefix="/api", tags=["queue"])

Ahead = Annotated[int, Query(ge=0, le=100, description="How many of what starts next.")]


@routes.get(
    "/queue/status",
    operation_id="getQueue",
    response_model=QueueStatus,
    responses=problems(),
)
async def status(asked: Viewer, ahead: Ahead = 10) -> Response:
    """The slots with what holds them, and what starts next in its order, lane by lane."""
    async with asked.scope.read() as session:
        found = await reads.lanes(session, workspace_id=asked.actor.workspace_id)
        queues = await listing.queues(session, [state.id for state in found], ahead=ahead)
    return shaped(
        QueueStatus(
            lanes=[LaneQueue.told(state, queues[state.id]) for state in found],
            held=sum(state.held for state in found),
            waiting=sum(state.waiting for state in found),
        )
    )


@routes.patch(
    "/queue/lanes/{lane_id}",
    operation_id="editLane",
    response_model=Lane,
    responses=problems(404, body=True),
    openapi_extra=takes(LaneEdit),
)
async def edit(asked: Admin, lane_id: UUID, body: Body) -> Response:
    """Change a lane while it works: videos at once, starts a minute, open or paused."""
    ask = body.fit(LaneEdit)
    workspace_id = asked.actor.workspace_id
    async with asked.scope.begin() as session:
        before = await reads.lanes(session, workspace_id=workspace_id)
        if lane_id not in {state.id for state in before}:
            raise NotFound(f"There is no lane {lane_id}.")
        await lanes.change(session, lane_id, ask, who=asked.actor.name)
        await noted(session, asked, "lane.changed", lane_id, **ask.model_dump(exclude_unset=True))
        after = await reads.lanes(session, workspace_id=workspace_id)
    return shaped(next(Lane.of(state) for state in after if state.id == lane_id))

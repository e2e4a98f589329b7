"""The lanes to the providers: what is under way, what waits, and the limits on it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from spotloom.campaigns import listing, reads
from spotloom.campaigns.database import Sessions
from spotloom.campaigns.listing import Account
from spotloom.campaigns.tenancy import LOCAL
from spotloom.contract.lanes import Lane, LaneEdit, LaneQueue, QueueStatus
from spotloom.errors import NotFound, Problem
from spotloom.generation import lanes
from spotloom.web.door.answers import problems, shaped, takes
from spotloom.web.door.asking import Admin, TheParts, Viewer, noted
from spotloom.web.door.bodies import Body
from spotloom.web.errors import invalid
from spotloom.web.gate import Asked
from spotloom.web.parts import Parts

routes = APIRouter(prefix="/api", tags=["queue"])

Ahead = Annotated[int, Query(ge=0, le=100, description="How many of what starts next.")]


@routes.get(
    "/queue/status",
    operation_id="getQueue",
    response_model=QueueStatus,
    responses=problems(),
)
async def get_queue(asked: Viewer, parts: TheParts, ahead: Ahead = 10) -> Response:
    """The slots with what holds them, and what starts next in its order, lane by lane.

    Of an account that workspaces share, how many slots the others hold, and no more of them.
    """
    return await status(asked, ahead=ahead, every=parts.worker)


async def status(asked: Asked, *, ahead: int, every: Sessions | None = None) -> Response:
    """The queue; `every` sees all workspaces, and without it nothing is told of others."""
    accounts: dict[UUID, Account] = {}
    async with asked.scope.read() as session:
        found = await reads.lanes(session, workspace_id=asked.actor.workspace_id)
        ours = [state.id for state in found]
        queues = await listing.queues(session, ours, ahead=ahead)
    if every is not None:
        async with every() as session:
            accounts = await listing.accounts(session, ours)
    return shaped(
        QueueStatus(
            lanes=[LaneQueue.told(s, queues[s.id], accounts.get(s.id)) for s in found],
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
async def edit(asked: Admin, parts: TheParts, lane_id: UUID, body: Body) -> Response:
    """Change a lane while it works: videos at once, starts a minute, open or paused.

    Where other workspaces share the account, more videos at once than SPOTLOOM_MAX_CONCURRENT are
    for who runs this installation to allow.
    """
    ask = body.fit(LaneEdit)
    workspace_id = asked.actor.workspace_id
    async with asked.scope.begin() as session:
        before = await reads.lanes(session, workspace_id=workspace_id)
        lane = next((state for state in before if state.id == lane_id), None)
        if lane is None:
            raise NotFound(f"There is no lane {lane_id}.")
        if ask.limit is not None and ask.limit > lane.limit:
            await _refuse_above(parts, asked, lane_id, limit=ask.limit)
        await lanes.change(session, lane_id, ask, who=asked.actor.name)
        await noted(session, asked, "lane.changed", lane_id, **ask.model_dump(exclude_unset=True))
        after = await reads.lanes(session, workspace_id=workspace_id)
    return shaped(next(Lane.of(state) for state in after if state.id == lane_id))


async def _refuse_above(parts: Parts, asked: Asked, lane_id: UUID, *, limit: int) -> None:
    """Refuse to raise the account's limit for workspaces that did not ask for it."""
    most = parts.lane().slot_limit
    if limit <= most or asked.actor.workspace_id == LOCAL:
        return
    async with parts.worker() as session:
        account = (await listing.accounts(session, [lane_id]))[lane_id]
    if account.others:
        message = (
            f"may be from 0 to {most} here, because other workspaces use the same account. Who "
            "runs this installation may allow more, with `spotloom lanes` or as its own admin."
        )
        raise invalid([Problem("limit", message)])

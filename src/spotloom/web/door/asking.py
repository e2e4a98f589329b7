"""What routes ask for by type: who may, which campaign, which page of a list."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import audit, reads
from spotloom.campaigns.budgets import BudgetRefused
from spotloom.campaigns.reads import Header
from spotloom.errors import NotFound
from spotloom.generation.mirrors.outbound import announce_budget
from spotloom.web import gate
from spotloom.web.gate import Asked, parts_of
from spotloom.web.limits import Buckets, Rates
from spotloom.web.parts import Parts

LONGEST_NAME = 200
MOST_A_PAGE = 200


class Pace:
    """How fast each actor asks, in this process."""

    def __init__(self, rates: Rates) -> None:
        self.actor = Buckets(policy="actor", rate=rates.actor)
        self.spending = Buckets(policy="spending", rate=rates.spending)


def _paced(
    check: Callable[..., Awaitable[Asked]], *, spends: bool = False
) -> Callable[..., Awaitable[Asked]]:
    """The gate's dependency, and then the actor's own limit."""

    async def paced(request: Request, asked: Annotated[Asked, Depends(check)]) -> Asked:
        pace: Pace = request.app.state.pace
        buckets = pace.spending if spends else pace.actor
        taken = buckets.take(asked.actor.text)
        if taken.wait_s:
            raise taken.refusal()
        request.state.taken = taken
        return asked

    return paced


# Each names the least role and scope, and stands first in a signature: nothing is read before.
Viewer = Annotated[Asked, Depends(_paced(gate.viewer))]
Editor = Annotated[Asked, Depends(_paced(gate.editor))]
Spender = Annotated[Asked, Depends(_paced(gate.spender, spends=True))]
Admin = Annotated[Asked, Depends(_paced(gate.admin))]
TheParts = Annotated[Parts, Depends(parts_of)]

CampaignName = Annotated[str, Path(description="The campaign's id, or its batch id.")]
CombinationKey = Annotated[str, Path(description="The combination's id.")]
Cursor = Annotated[
    str | None, Query(max_length=1000, description="`nextCursor` of the page before.")
]
Limit = Annotated[int, Query(ge=1, le=MOST_A_PAGE, description="Most items on the page.")]


async def found(session: AsyncSession, asked: Asked, name: str) -> Header:
    """The campaign of that id or batch id in the asker's workspace; NotFound for any other's."""
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise NotFound("There is no campaign of that name.")
    return await reads.find(session, name, workspace_id=asked.actor.workspace_id)


def each_once(keys: list[str] | None) -> list[str] | None:
    """The combination ids without repeats; None, for all, stays None."""
    return None if keys is None else list(dict.fromkeys(keys))


@contextlib.asynccontextmanager
async def budget_told(asked: Asked) -> AsyncIterator[None]:
    """Tell the workspace's hooks when a budget keeps something from being bought."""
    try:
        yield
    except BudgetRefused as refused:
        async with asked.scope.begin() as session:
            await announce_budget(
                session, asked.actor.workspace_id, campaign_id=None, reason=str(refused)
            )
        raise


async def noted(
    session: AsyncSession, asked: Asked, action: str, target: object, **detail: Any
) -> None:
    """Write the deed into the audit log, in its own transaction."""
    await audit.record(
        session,
        asked.actor.workspace_id,
        actor=asked.actor.text,
        action=action,
        target=str(target),
        **detail,
    )

"""What routes ask for by type: who may and how fast, which campaign, which page of a list."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, ParamSpec, TypeVar

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import audit, reads
from spotloom.campaigns.reads import Header
from spotloom.errors import BudgetRefused, NotFound
from spotloom.generation.mirrors.outbound import announce_budget
from spotloom.web import gate
from spotloom.web.door.let_in import LetIn
from spotloom.web.gate import Asked, Somebody, parts_of
from spotloom.web.limits import Buckets, Rates, Streams
from spotloom.web.parts import Parts

P = ParamSpec("P")
T = TypeVar("T")

AT_ONCE = 2  # threads that work out plans: more would only take turns, and starve sign-in
LONGEST_NAME = 200
MOST_A_PAGE = 200


class Pace:
    """How fast each actor asks, and how much goes on at a time, in this process."""

    def __init__(self, rates: Rates) -> None:
        self.streams = Streams(rates.streams)
        self.media = Buckets(policy="media", rate=rates.media)
        self.actor = Buckets(policy="actor", rate=rates.actor)
        self.planning = Buckets(policy="planning", rate=rates.planning)
        self.spending = Buckets(policy="spending", rate=rates.spending)
        self._threads = asyncio.Semaphore(AT_ONCE)

    async def aside(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function answers, worked out in a thread while the loop stays free."""
        async with self._threads:
            return await asyncio.to_thread(function, *args, **kwargs)


def pace_of(request: Request) -> Pace:
    """The pace of this process."""
    pace: Pace = request.app.state.pace
    return pace


def _paced(
    check: Callable[..., Awaitable[Asked]], buckets: Callable[[Pace], Buckets]
) -> Callable[..., Awaitable[Asked]]:
    """The gate's dependency, and then the actor's own limit."""

    async def paced(request: Request, asked: Annotated[Asked, Depends(check)]) -> Asked:
        return _take(request, asked, buckets)

    return paced


def _take(request: Request, asked: Asked, buckets: Callable[[Pace], Buckets]) -> Asked:
    taken = buckets(pace_of(request)).take(asked.actor.text)
    if taken.wait_s:
        raise taken.refusal()
    request.state.taken = taken
    return asked


async def looker(request: Request, somebody: Somebody) -> Asked:
    """Who may look at a file, within their rate; for a route that a signed link opens, too."""
    return _take(request, await gate.viewer(request, somebody), lambda pace: pace.media)


async def reader(request: Request, somebody: Somebody) -> Asked:
    """Who may see a page, within their rate; for pages, which show everybody else the way in."""
    return _take(request, await gate.viewer(request, somebody), lambda pace: pace.actor)


# Each names the least role and scope, and stands first in a signature: nothing is read before.
Viewer = Annotated[Asked, Depends(_paced(gate.viewer, lambda pace: pace.actor))]
Planner = Annotated[Asked, Depends(_paced(gate.viewer, lambda pace: pace.planning))]
Editor = Annotated[Asked, Depends(_paced(gate.editor, lambda pace: pace.actor))]
Spender = Annotated[Asked, Depends(_paced(gate.spender, lambda pace: pace.spending))]
Admin = Annotated[Asked, Depends(_paced(gate.admin, lambda pace: pace.actor))]
Members = Annotated[Asked, Depends(_paced(gate.members, lambda pace: pace.actor))]
Keys = Annotated[Asked, Depends(_paced(gate.keys, lambda pace: pace.actor))]
SignedIn = Annotated[Asked, Depends(_paced(gate.signed_in, lambda pace: pace.actor))]
Anybody = Annotated[Asked, Depends(_paced(gate.anybody, lambda pace: pace.actor))]
ThePace = Annotated[Pace, Depends(pace_of)]
TheParts = Annotated[Parts, Depends(parts_of)]


def let_in_of(parts: Parts, asked: Asked) -> LetIn:
    """Whether the asker would still be let in, for an answer that takes long."""
    return LetIn(parts.gate, asked.actor, every_s=parts.ask_gate_every_s)


CampaignName = Annotated[str, Path(description="The campaign's id, or its batch id.")]
CombinationKey = Annotated[str, Path(description="The combination's id.")]


def _storable(sought: str) -> str:
    if "\0" in sought:
        raise ValueError("must be text, without NUL.")
    return sought


Sought = Annotated[str, AfterValidator(_storable)]
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

"""Finds out what became of an order whose answer was lost; it never sends anything.

Asked is the provider: its list, by what was sent. Only what is certain is claimed, and only what is
certainly not there may be sent anew.
"""

import asyncio
import datetime as dt
from dataclasses import dataclass
from uuid import UUID

import structlog

from spotloom.campaigns import generations
from spotloom.campaigns.generations import Order
from spotloom.creative.status import Status
from spotloom.errors import Conflict, Transient
from spotloom.generation import control, outcomes
from spotloom.generation.tools import tools
from spotloom.providers.provider import Faulty, NotSupported, Provider

log = structlog.get_logger()

FAULTY_FOR_S = 60.0  # a list that only errs for so long tells us nothing
MOST_DOUBTFUL = 20  # jobs that are asked about one by one
DOUBT_LASTS = dt.timedelta(days=1)  # in which a list still shows what was ordered, we think
DOUBTS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _Found:
    """The job of an order, or those of nobody's that may be it."""

    job: str | None
    doubtful: tuple[str, ...] = ()


async def look_up(order: Order, *, why: str, lasted_s: float) -> None:
    """Find the job the cut call may have made; clear the intent only on proof of none."""
    # A call that was cut may still be on its way into the provider's list. It counts as never
    # accepted when the list has not shown it for as long as the list may be late, and for as long
    # as the call had lasted: a server that was slow to answer may be as slow to accept.
    doubt = _Doubt(order, why, absent_after_s=max(tools().list_lag_s(order.lane_id), lasted_s))
    delay_s = 0.5
    while True:
        async with tools().sessions() as session:
            now = await generations.load(session, order.id)
        if now.status is not Status.SUBMITTING or now.sent_at != order.sent_at:
            return
        if await doubt.settled(await _look(order)):
            return
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * 2, doubt.absent_after_s / 4)


class _Doubt:
    """Whether one order was bought, as far as looking has told by now."""

    def __init__(self, order: Order, why: str, *, absent_after_s: float) -> None:
        self._order, self._why = order, why
        self.absent_after_s = absent_after_s
        self._absent, self._faulty = _Spell(), _Spell()

    async def settled(self, found: _Found | NotSupported | Transient) -> bool:
        """Act on what a look has found; whether that was the last look."""
        match found:
            case NotSupported():
                await outcomes.possibly_charged(self._order, self._why)
                return True
            case Faulty():
                return await self._senseless(found)
            case Transient():
                self._faulty.end()
                return False
            case _Found():
                self._faulty.end()
                return await self._seen(found)

    async def _senseless(self, error: Faulty) -> bool:
        if self._faulty.lasted_s() < max(FAULTY_FOR_S, self.absent_after_s):
            return False
        text = f"{self._why} It cannot be looked up: {error}"
        await outcomes.possibly_charged(self._order, text)
        return True

    async def _seen(self, found: _Found) -> bool:
        if found.job is not None and await _claim(self._order, found.job):
            return True
        if self._absent.lasted_s() < self.absent_after_s:
            return False
        if found.doubtful:  # send anew what is certainly not there, and nothing else
            jobs = ", ".join(found.doubtful[:3])
            text = f"{self._why} The provider has what may be it: {jobs}."
            await outcomes.possibly_charged(self._order, text)
        else:
            await tools().still_mine()
            await _clear_intent(self._order)
        return True


class _Spell:
    """How long something has gone on without a break."""

    def __init__(self) -> None:
        self._since: float | None = None

    def lasted_s(self) -> float:
        """Seconds since it began, which is now if it had not."""
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        return now - self._since

    def end(self) -> None:
        """Begin anew the next time."""
        self._since = None


async def _look(order: Order) -> _Found | NotSupported | Transient:
    try:
        return await _find(order)
    except Transient as error:
        log.warning("generation.look_up_failed", generation_id=str(order.id), reason=str(error))
        return error


async def recognise(asked: set[tuple[UUID, str]]) -> None:
    """Go on with every possibly charged video that a webhook has told the job of.

    A webhook names no more than the job: whether it is ours, the provider says, by what was sent.
    `asked` keeps the questions that were answered, so that none is asked twice.
    """
    async with tools().sessions() as session:
        pairs = await generations.announced(session)
    for pair in pairs:
        if pair not in asked and await _asked_about(*pair):
            asked.add(pair)


async def _asked_about(generation_id: UUID, job: str) -> bool:
    """Ask the provider whether the job is this generation's; false when it could not be asked."""
    order = await _askable(generation_id)
    if order is None or order.sent_at is None:
        return False
    provider = tools().provider(order.lane_id)
    try:
        if await provider.carries(job, order.request, since=order.sent_at) is True:
            await _recognised(generation_id, job)
    except Transient as error:
        log.warning(
            "generation.look_up_failed", generation_id=str(generation_id), reason=str(error)
        )
        return False
    except Conflict as error:  # decided meanwhile, or the job is another's
        log.info("generation.moved", generation_id=str(generation_id), reason=str(error))
    return True


async def reconsider(asked: set[UUID]) -> None:
    """Look some possibly charged videos up again, whose provider could not tell of them before.

    `asked` keeps those that had their turn, until all have had one.
    """
    async with tools().sessions() as session:
        doubtful = await generations.in_doubt(session, within=DOUBT_LASTS)
    if asked.issuperset(doubtful):
        asked.clear()
    for generation_id in [one for one in doubtful if one not in asked][:DOUBTS_AT_ONCE]:
        asked.add(generation_id)
        if (order := await _askable(generation_id)) is None:
            continue
        try:
            found = await _find(order)
            if isinstance(found, _Found) and found.job is not None:
                await _recognised(generation_id, found.job)
        except (Transient, Conflict) as error:
            log.info("generation.still_in_doubt", generation_id=str(order.id), reason=str(error))


async def _askable(generation_id: UUID) -> Order | None:
    """The order; None when this process has no key to its provider."""
    async with tools().sessions() as session:
        order = await generations.load(session, generation_id)
    return order if tools().serves(order.lane_id) else None


async def _recognised(generation_id: UUID, job: str) -> None:
    async with tools().sessions.begin() as session:
        await control.bought(session, generation_id, job=job)
    log.info("generation.recognised", generation_id=str(generation_id))


async def _find(order: Order) -> _Found | NotSupported:
    provider = tools().provider(order.lane_id)
    if (since := order.sent_at) is None:  # nothing left
        return _Found(None)
    candidates = await provider.find(order.request, since=since)
    if isinstance(candidates, NotSupported):
        return candidates
    async with tools().sessions() as session:
        taken = await generations.owners(session, order.lane_id, [c.job for c in candidates])
    free = [c for c in candidates if c.job not in taken]
    certain = next((c.job for c in free if c.certain), None)
    if certain is not None:
        return _Found(certain)
    return await _asked_one_by_one(provider, order, since, [c.job for c in free])


async def _asked_one_by_one(
    provider: Provider, order: Order, since: dt.datetime, jobs: list[str]
) -> _Found:
    """What the provider tells of each job of which its list had told too little."""
    doubtful = jobs[MOST_DOUBTFUL:]
    for job in jobs[:MOST_DOUBTFUL]:
        said = await provider.carries(job, order.request, since=since)
        if said is True:
            return _Found(job)
        if isinstance(said, NotSupported):
            doubtful.append(job)
    return _Found(None, tuple(doubtful))


async def _claim(order: Order, job: str) -> bool:
    try:
        await outcomes.accepted(order, job)
    except Conflict as error:  # another generation was quicker: look again
        log.warning("generation.claim_lost", generation_id=str(order.id), reason=str(error))
        return False
    return True


async def _clear_intent(order: Order) -> None:
    async with tools().sessions.begin() as session:
        await generations.move(
            session,
            order.id,
            expect=(Status.SUBMITTING,),
            to=Status.SUBMITTING,
            intent=order.sent_at,
            sent_at=None,
        )

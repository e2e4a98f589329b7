"""The mirror of one process: what is due is written, asked about, and looked up."""

import contextlib
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from spotloom.campaigns.mirrors import claims, outbox, places
from spotloom.campaigns.mirrors.outbox import Claim
from spotloom.campaigns.mirrors.places import Place
from spotloom.errors import SpotloomError
from spotloom.generation.mirrors.notion import back, writing
from spotloom.generation.mirrors.notion.desk import TARGET, Desk
from spotloom.generation.mirrors.tries import Tries
from spotloom.notion import pages
from spotloom.notion.api import NotionRefused
from spotloom.notion.merge import Told
from spotloom.notion.pages import Seen

log = structlog.get_logger()

OVERLAP = dt.timedelta(minutes=3)  # times of edits are rounded to the minute, and queries lag
LOOKED_UP_AT_ONCE = 45  # a filter takes a hundred conditions; each page needs two
MOST_PAGES = 100  # of a query: 10,000 pages, where Notion ends it


@dataclass(frozen=True, slots=True)
class _Write:
    place: Place
    claim: Claim


@dataclass(frozen=True, slots=True)
class _Poll:
    place: Place


@dataclass(frozen=True, slots=True)
class _Trash:
    place: Place


@dataclass(frozen=True, slots=True)
class _LookUp:
    place: Place
    due: list[Claim]


_Job = _Write | _Poll | _Trash | _LookUp


class Mirror:
    """Keeps Notion up to date, and us; any number of these may run at once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def run(self) -> None:
        """Mirror for as long as it runs; what is cut off by a stop is taken up after its lease."""
        timing = self._desk.timing
        tries: Tries[_Job] = Tries(
            self._claim, self._work, at_once=timing.at_once, tick_s=timing.tick_s
        )
        await tries.run()

    async def _claim(self) -> _Job | None:
        timing = self._desk.timing
        async with self._desk.sessions.begin() as session:
            if not await outbox.has_work(session, TARGET):
                return None
            # Its own transaction: who sends locks the mirror's row first, and then a page's.
            await outbox.fold(session, TARGET)
        async with self._desk.sessions.begin() as session:
            place = await places.of_any(session, TARGET)
            if place is None or await places.paused(session, TARGET):
                return None
            waits = await outbox.waiting(session, TARGET)
            poll_s = timing.busy_poll_s if waits.pages > 2 * timing.at_once else timing.poll_s
            # What is seldom due comes first, or what is often due would keep it waiting.
            if await places.due(session, TARGET, "trash_at", every_s=timing.trash_s):
                return _Trash(place)
            if await places.due(session, TARGET, "poll_at", every_s=poll_s):
                return _Poll(place)
            if waits.in_doubt and await places.due(
                session, TARGET, "look_up_at", every_s=timing.look_up_s
            ):
                due = await outbox.in_doubt(
                    session,
                    TARGET,
                    after_s=timing.lag_s,
                    most=LOOKED_UP_AT_ONCE,
                    lease_s=timing.lease_s,
                )
                if due:
                    return _LookUp(place, due)
            claim = await outbox.claim(session, TARGET, lease_s=timing.lease_s)
            return None if claim is None else _Write(place, claim)

    async def _work(self, job: _Job) -> None:
        try:
            await self._do(job)
        except NotionRefused as error:
            await self._stopped(error)
        except SpotloomError as error:
            log.info("notion.not_asked", job=type(job).__name__, reason=str(error))
        except (OperationalError, InterfaceError, PoolExhausted):
            with contextlib.suppress(SQLAlchemyError):  # else the lease ends, only later
                await self._set_aside(job, error="Our own database was away.")
            raise
        except Exception:  # top of the task: one bad page must not stop all others
            log.exception("notion.fault", job=type(job).__name__)
            longest = self._desk.timing.delays_s[-1]
            await self._set_aside(job, error="A fault of ours; the log has it.", in_s=longest)

    async def _do(self, job: _Job) -> None:
        match job:
            case _Write(place, claim):
                await writing.write(self._desk, place, claim)
            case _Poll(place):
                await self._poll(place)
            case _Trash(place):
                await self._look_into_the_trash(place)
            case _LookUp(place, due):
                await self._look_up(place, due)

    async def _poll(self, place: Place) -> None:
        """Find what people edited; what Notion shows here only says where to look."""
        since = (place.polled_to - OVERLAP).astimezone(dt.UTC).isoformat(timespec="seconds")
        edited = {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": since}}
        conditions: list[dict[str, Any]] = [edited]
        if (column := place.properties.get("editedBy")) is not None:
            by_us = {"does_not_contain": place.bot_id}
            conditions.append({"property": column, "last_edited_by": by_us})
        seen = await self._every(place, {"and": conditions})
        if place.trouble is not None:
            async with self._desk.sessions.begin() as session:
                await places.answers_again(session, TARGET)
        if not seen:
            return
        newest = max(dt.datetime.fromisoformat(page.edited_at) for page in seen)
        async with self._desk.sessions.begin() as session:
            await back.notice(session, TARGET, place.workspace_id, seen)
            await places.polled(session, TARGET, newest)

    async def _look_into_the_trash(self, place: Place) -> None:
        """Find pages that people have put away."""
        since = (place.polled_to - dt.timedelta(days=1)).astimezone(dt.UTC)
        filter_ = {
            "timestamp": "last_edited_time",
            "last_edited_time": {"on_or_after": since.isoformat(timespec="seconds")},
        }
        seen = await self._every(place, filter_, in_trash=True)
        if seen:
            async with self._desk.sessions.begin() as session:
                await back.notice(session, TARGET, place.workspace_id, seen)

    async def _look_up(self, place: Place, due: list[Claim]) -> None:
        """Find the pages of creates whose answers were lost, before anything is made again."""
        wanted = [
            {
                "and": [
                    _is(place, "combinationId", claim.key),
                    _is(place, "batchId", claim.batch_key),
                ]
            }
            for claim in due
        ]
        try:
            found = await self._every(place, {"or": wanted})
        except SpotloomError:
            for claim in due:
                await self._release(claim)
            raise
        pages_of: dict[tuple[str, str], list[Seen]] = {}
        for page in found:
            pages_of.setdefault(page.ids, []).append(page)
        for claim in due:
            there = pages_of.get((claim.batch_key, claim.key), [])
            await (self._found(place, claim, there) if there else self._not_found(claim))

    async def _found(self, place: Place, claim: Claim, there: list[Seen]) -> None:
        first, *others = sorted(there, key=lambda page: (page.created_at, page.id))
        if others:  # `spotloom notion sweep` shows them
            log.warning("notion.duplicates", combination_id=claim.key, pages=len(there))
        told, agreed = Told(said=first.system, shown=first.system), claim.agreed or {}
        async with self._desk.sessions() as session:
            await claims.link(session, claim, first.id)
            taken = await back.take(
                session, claim, first, bot_id=place.bot_id, told=told, agreed=agreed
            )
            sent = {"said": taken.told.said, "shown": taken.told.shown}
            if not await claims.found(session, claim, sent=sent, agreed=taken.agreed):
                return  # another's by now, and nothing of this is kept
            await session.commit()
        log.info("notion.found", page_id=first.id, combination_id=claim.key)

    async def _not_found(self, claim: Claim) -> None:
        """The create never arrived, if it left long enough ago by the database's own clock."""
        async with self._desk.sessions.begin() as session:
            if (claim.in_doubt_s or 0.0) >= self._desk.timing.believed_s:
                await claims.nothing_created(session, claim)
            else:
                await claims.release(session, claim)

    async def _every(
        self, place: Place, filter_: Mapping[str, Any], *, in_trash: bool = False
    ) -> list[Seen]:
        """Every page that the filter leaves, the longest unedited first."""
        seen: list[Seen] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            ask = partial(
                self._desk.notion.query,
                place.data_source_id,
                filter_=filter_,
                sorts=[{"timestamp": "last_edited_time", "direction": "ascending"}],
                cursor=cursor,
                in_trash=in_trash,
            )
            found = await self._desk.ask(ask)
            seen += [
                pages.read(page, self._desk.properties, place.properties) for page in found.results
            ]
            cursor = found.next_cursor
            if not found.has_more or cursor is None:
                break
        return seen

    async def _release(self, claim: Claim) -> None:
        async with self._desk.sessions.begin() as session:
            await claims.release(session, claim)

    async def _stopped(self, refused: NotionRefused) -> None:
        """What was refused concerns the whole database."""
        reason = f"Notion refuses to show the database: {refused}"
        async with self._desk.sessions.begin() as session:
            await places.stop(session, TARGET, reason=reason, for_s=self._desk.timing.trouble_s)
        log.warning("notion.stopped", reason=reason)

    async def _set_aside(self, job: _Job, *, error: str, in_s: float | None = None) -> None:
        """Try its pages again later: after `in_s`, else the sooner the fewer tries were in vain."""
        match job:
            case _Write(_, claim):
                due = [claim]
            case _LookUp(_, due):
                pass
            case _:
                return
        for claim in due:
            delay_s = self._desk.delay_s(claim.attempts) if in_s is None else in_s
            async with self._desk.sessions.begin() as session:
                await claims.postpone(session, claim, in_s=delay_s, error=error)


def _is(place: Place, key: str, value: str) -> dict[str, Any]:
    return {"property": place.properties[key], "rich_text": {"equals": value}}

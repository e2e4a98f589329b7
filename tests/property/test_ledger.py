"""The ledger's sums balance after any history, repeats and races included."""

import asyncio
import os
import tempfile
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from tests.integration import databases, generating

from spotloom import embedded
from spotloom.campaigns import attempts, budgets, database, ids, ledger
from spotloom.campaigns.database import Sessions
from spotloom.campaigns.submit import LOCAL, LaneKey, ensure_workspace, submit
from spotloom.campaigns.tables import CombinationRow, Generation, LedgerEntry
from spotloom.creative.status import Status
from spotloom.errors import Conflict

LANE = LaneKey(provider="openai-videos", account="somewhere", slot_limit=4)
VIDEOS = 3


class Do(Enum):
    """What can befall the money of a generation."""

    SETTLE = "settle"
    RELEASE = "release"
    UNKNOWN = "unknown"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing done to the latest attempt at one of the videos."""

    do: Do
    video: int
    amount: Decimal = Decimal(0)

    @property
    def amount_charged(self) -> Decimal:
        return self.amount if self.do is Do.SETTLE else Decimal(0)


AMOUNTS = st.sampled_from([Decimal(a) for a in ("0", "0.0001", "1.99", "2", "3.5000", "9999.9999")])
ACTS = st.builds(Act, st.sampled_from(Do), st.integers(0, VIDEOS - 1), AMOUNTS)
# Each inner list happens at the same moment, in transactions of their own.
HISTORIES = st.lists(st.lists(ACTS, min_size=1, max_size=4), max_size=6)


@dataclass(slots=True)
class Account:
    """What the money of one attempt must look like."""

    estimate: Decimal
    unknown: bool = False
    ended: Decimal | None = None


@dataclass(slots=True)
class Books:
    """The exact model: the latest attempt at each video, and an account for every attempt."""

    campaign_id: UUID
    keys: list[str]
    latest: list[UUID]
    accounts: dict[UUID, Account]

    def sums(self) -> dict[str, Decimal]:
        accounts = self.accounts.values()
        open_ones = [a for a in accounts if a.ended is None]
        return {
            "estimated": total(a.estimate for a in accounts),
            "reserved": total(a.estimate for a in open_ones if not a.unknown),
            "unknown": total(a.estimate for a in open_ones if a.unknown),
            "actual": total(a.ended for a in accounts if a.ended is not None),
        }


def total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


class Desk:
    """A real database, and the loop on which everything happens to it."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        with psycopg.connect(url, autocommit=True) as connection:  # nothing here outlives a crash
            name = sql.Identifier(connection.info.dbname)
            connection.execute(
                sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name)
            )
        self._engine, self.sessions = database.connect(url, pool=5, role=database.Role.WORKER)
        self.planned = generating.order(VIDEOS)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self._runner.run(work)

    def close(self) -> None:
        self.run(self._engine.dispose())
        self._runner.close()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if given_url := os.environ.get("SPOTLOOM_TEST_DATABASE_URL"):
        yield given_url
        databases.drop_templates(given_url)
        return
    with tempfile.TemporaryDirectory(prefix="spotloom-ledger-") as home:
        Path(home).chmod(0o711)
        running = embedded.start(Path(home))
        try:
            yield running.url
        finally:
            running.stop()


@pytest.fixture(scope="module")
def desk(server: str) -> Iterator[Desk]:
    with generating.furnished(server) as url:
        one = Desk(url)
        yield one
        one.close()


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(HISTORIES)
def test_the_sums_balance_after_any_history(
    desk: Desk, one_day: Callable[[], None], history: list[list[Act]]
) -> None:
    one_day()
    desk.run(_live_through(desk, history))


async def _live_through(desk: Desk, history: list[list[Act]]) -> None:
    async with desk.sessions.begin() as session:
        await ensure_workspace(session)
        before = await budgets.caps_of(session, LOCAL)
        batch = await submit(
            session, desk.planned.plan, batch_key=str(ids.new()), brief={}, lane=LANE
        )
    books = await _open_books(desk.sessions, batch.campaign_id)
    for moment in history:
        answers = await asyncio.gather(*(_done(desk.sessions, books, act) for act in moment))
        await _enter(desk.sessions, books, list(zip(moment, answers, strict=True)))
        async with desk.sessions() as session:
            told = await ledger.money(session, batch.campaign_id)
            caps = await budgets.caps_of(session, LOCAL)
        sums = books.sums()
        assert {word: getattr(told, word) for word in sums} == sums
        ended = total(a.estimate for a in books.accounts.values() if a.ended is not None)
        assert told.estimated == told.reserved + told.unknown + ended
        assert caps.committed - before.committed == told.committed
        assert caps.committed_today - before.committed_today == told.committed


async def _open_books(sessions: Sessions, campaign_id: UUID) -> Books:
    async with sessions() as session:
        rows = await session.execute(
            select(Generation.id, Generation.estimated_cost, CombinationRow.key)
            .join(CombinationRow, CombinationRow.id == Generation.combination_id)
            .where(Generation.campaign_id == campaign_id)
            .order_by(CombinationRow.position)
        )
        found = rows.all()
    accounts = {row.id: Account(row.estimated_cost) for row in found}
    return Books(campaign_id, [row.key for row in found], list(accounts), accounts)


async def _done(sessions: Sessions, books: Books, act: Act) -> int | None:
    """What came of it: new attempts, or None for a refusal."""
    generation_id = books.latest[act.video]
    try:
        async with sessions.begin() as session:
            match act.do:
                case Do.UNKNOWN:
                    await ledger.mark_unknown(session, generation_id)
                case Do.RETRY:
                    keys = [books.keys[act.video]]
                    return await attempts.again(session, books.campaign_id, keys=keys)
                case Do.RELEASE:
                    await ledger.release(session, generation_id)
                    await _fail(session, generation_id)
                case Do.SETTLE:
                    await ledger.settle(session, generation_id, act.amount)
                    await _fail(session, generation_id)
    except Conflict:
        return None
    return 0


async def _fail(session: AsyncSession, generation_id: UUID) -> None:
    failed = update(Generation).where(Generation.id == generation_id)
    await session.execute(failed.values(status=Status.FAILED.value))


async def _enter(sessions: Sessions, books: Books, done: Sequence[tuple[Act, int | None]]) -> None:
    """Bring the model up to date, and hold every answer against it."""
    for video, generation_id in enumerate(list(books.latest)):
        here = [(act, answer) for act, answer in done if act.video == video]
        account = books.accounts[generation_id]
        was_over = account.ended is not None
        account.unknown |= any(act.do is Do.UNKNOWN for act, _ in here)
        ends = [(act, answer) for act, answer in here if act.do in {Do.SETTLE, Do.RELEASE}]
        if ends and not was_over:
            account.ended = await _end(sessions, generation_id)
            assert account.ended in {act.amount_charged for act, _ in ends}
        for act, answer in ends:  # another amount than the first is refused; a repeat is harmless
            refused = act.do is Do.SETTLE and act.amount != account.ended
            assert (answer is None) == refused
        retries = [answer for act, answer in here if act.do is Do.RETRY]
        added = await _attempts_after(sessions, generation_id)
        assert len(added) == sum(answer or 0 for answer in retries)
        assert len(added) <= 1
        assert was_over <= (len(added) == bool(retries))  # what had ended is tried again, once
        assert (account.ended is not None) or not added
        for new in added:
            books.latest[video] = new
            books.accounts[new] = Account(account.estimate)


async def _end(sessions: Sessions, generation_id: UUID) -> Decimal | None:
    async with sessions() as session:
        amount: Decimal | None = await session.scalar(
            select(LedgerEntry.amount).where(
                LedgerEntry.generation_id == generation_id,
                LedgerEntry.kind.in_(("settle", "release")),
            )
        )
        return amount


async def _attempts_after(sessions: Sessions, generation_id: UUID) -> list[UUID]:
    this = aliased(Generation)
    async with sessions() as session:
        rows = await session.scalars(
            select(Generation.id)
            .join(this, this.combination_id == Generation.combination_id)
            .where(this.id == generation_id, Generation.attempt > this.attempt)
        )
        return list(rows)

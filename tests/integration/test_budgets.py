"""No budget is ever overspent, however many spend at once; the ledger is only ever added to."""

import asyncio
import datetime as dt
import functools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.ext.asyncio import AsyncSession
from tests.integration import generating
from tests.integration.controlling import act, hands
from tests.integration.generating import Stage, order

from spotloom.campaigns import attempts, budgets, ledger
from spotloom.campaigns.budgets import Caps
from spotloom.campaigns.submit import LOCAL, submit
from spotloom.errors import BudgetRefused

PRICE = Decimal("2.00")  # of one video of 4 seconds
AT_ONCE = 50


@pytest.fixture(scope="module")
def scenery(database_url: str) -> Iterator[generating.Scenery]:
    with generating.scenery(database_url) as shared:
        yield shared


@pytest.fixture
def stage(scenery: generating.Scenery, tmp_path: Path) -> Iterator[Stage]:
    with scenery.stage(tmp_path) as one:
        yield one


@functools.cache
def planned() -> generating.Planned:
    return order(1)


async def cap(
    stage: Stage, *, budget: Decimal | None = None, daily_budget: Decimal | None = None
) -> None:
    await act(stage, lambda s: budgets.set_caps(s, LOCAL, budget=budget, daily_budget=daily_budget))


async def caps(stage: Stage) -> Caps:
    return await act(stage, lambda s: budgets.caps_of(s, LOCAL))


async def all_at_once(
    stage: Stage, tries: list[Callable[[AsyncSession], Awaitable[object]]]
) -> list[str]:
    """Try each in a transaction of its own, as many at once as the server allows; the refusals."""
    async with hands(stage, pool=25) as sessions:

        async def one(act_: Callable[[AsyncSession], Awaitable[object]]) -> str | None:
            try:
                async with sessions.begin() as session:
                    await act_(session)
            except BudgetRefused as refused:
                return str(refused)
            return None

        answers = await asyncio.gather(*(one(try_) for try_ in tries))
    return [answer for answer in answers if answer is not None]


def purchase(stage: Stage, number: int) -> Callable[[AsyncSession], Awaitable[object]]:
    one = planned()
    return lambda s: submit(
        s, one.plan, batch_key=f"b-{number}", brief=one.written, lane=stage.lane
    )


def stored(stage: Stage) -> dict[str, int]:
    tables = ("campaign", "combination", "generation", "ledger")
    return {t: stage.count(f"SELECT count(*) FROM spotloom.{t}") for t in tables}  # noqa: S608 - our own words


@pytest.mark.parametrize("whose", ["budget", "daily_budget"])
async def test_of_fifty_submits_at_once_a_budget_for_one_takes_one(
    stage: Stage, whose: str, one_day: Callable[[], None]
) -> None:
    one_day()
    await stage.submit(order(1), key="first")
    await cap(stage, **{whose: 2 * PRICE + Decimal("1.99")})
    before = stored(stage)
    refusals = await all_at_once(stage, [purchase(stage, n) for n in range(AT_ONCE)])
    assert len(refusals) == AT_ONCE - 1
    word = "workspace" if whose == "budget" else "day"
    said = f"This costs $2.00, but $1.99 is left of the {word}'s budget ($5.99)."
    assert {refusal.partition(" Exclude")[0] for refusal in refusals} == {said}
    assert stored(stage) == {table: count + 1 for table, count in before.items()}
    now = await caps(stage)
    assert (now.committed, now.committed_today) == (2 * PRICE, 2 * PRICE)


async def test_of_fifty_retries_at_once_a_campaigns_budget_for_one_takes_one(stage: Stage) -> None:
    batch = await stage.submit(order(AT_ONCE))
    await end_all(stage, batch.campaign_id)
    stage.query("UPDATE spotloom.campaign SET budget = 2.50 RETURNING id")
    keys = [row["key"] for row in stage.query("SELECT key FROM spotloom.combination")]

    def retry(key: str) -> Callable[[AsyncSession], Awaitable[object]]:
        return lambda s: attempts.again(s, batch.campaign_id, keys=[key])

    refusals = await all_at_once(stage, [retry(key) for key in keys])
    assert len(refusals) == AT_ONCE - 1
    assert all("$0.50 is left of the budget of batch" in refusal for refusal in refusals)
    assert stage.statuses() == {"failed": AT_ONCE, "queued": 1}
    assert stage.count("SELECT count(*) FROM spotloom.ledger WHERE kind = 'reserve'") == 51
    money = await act(stage, lambda s: ledger.money(s, batch.campaign_id))
    assert money.committed == PRICE


async def end_all(stage: Stage, campaign_id: UUID) -> None:
    """Fail every generation without a charge."""
    rows = stage.query("UPDATE spotloom.generation SET status = 'failed' RETURNING id")
    await act(stage, lambda s: ledger.release(s, *(row["id"] for row in rows)))


async def test_a_batch_above_its_own_budget_stores_nothing(stage: Stage) -> None:
    planned = order(3, budget=5)
    with pytest.raises(BudgetRefused, match=r"costs \$6\.00, but \$5\.00 is left"):
        await stage.submit(planned, key="dear")
    assert set(stored(stage).values()) == {0}


async def test_released_money_can_be_spent_again_and_charged_money_cannot(stage: Stage) -> None:
    await stage.submit(order(1), key="one")
    await cap(stage, budget=PRICE)
    assert len(await all_at_once(stage, [purchase(stage, 2)])) == 1
    (first,) = (video["id"] for video in stage.videos())
    await act(stage, lambda s: ledger.release(s, first))
    assert await all_at_once(stage, [purchase(stage, 3)]) == []
    second = stage.query("SELECT id FROM spotloom.generation WHERE id <> %s", first)[0]["id"]
    await act(stage, lambda s: ledger.settle(s, second, Decimal("1.50")))
    assert len(await all_at_once(stage, [purchase(stage, 4)])) == 1
    assert (await caps(stage)).committed == Decimal("1.50")
    await cap(stage, budget=Decimal("3.50"))  # what was charged below the estimate is free
    assert await all_at_once(stage, [purchase(stage, 5)]) == []


async def test_possibly_charged_money_counts_until_somebody_decides(stage: Stage) -> None:
    batch = await stage.submit(order(1))
    (video,) = stage.videos()
    await act(stage, lambda s: ledger.mark_unknown(s, video["id"]))
    await cap(stage, budget=PRICE)
    assert len(await all_at_once(stage, [purchase(stage, 2)])) == 1
    money = await act(stage, lambda s: ledger.money(s, batch.campaign_id))
    assert (money.unknown, money.reserved, money.committed) == (PRICE, 0, PRICE)
    await act(stage, lambda s: ledger.release(s, video["id"]))
    assert await all_at_once(stage, [purchase(stage, 3)]) == []


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])  # UTC+14, UTC-11
async def test_the_day_begins_at_midnight_utc_by_the_databases_clock(
    stage: Stage, zone: str, one_day: Callable[[], None]
) -> None:
    one_day()
    database = str(conninfo_to_dict(stage.url)["dbname"])
    set_zone = sql.SQL("ALTER DATABASE {} SET timezone TO {}")
    with psycopg.connect(stage.url, autocommit=True) as connection:
        connection.execute(set_zone.format(sql.Identifier(database), sql.Literal(zone)))
    await stage.submit(order(1), key="yesterday")
    await stage.submit(order(1), key="today")
    # The clock cannot be turned: what was reserved is moved instead, to the edges of the day.
    now = stage.query("SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now")[0]["now"]
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=dt.UTC)
    moved = {"yesterday": midnight - dt.timedelta(microseconds=1), "today": midnight}
    with psycopg.connect(stage.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE spotloom.ledger DISABLE TRIGGER USER")
        for key, at in moved.items():
            connection.execute(
                "UPDATE spotloom.ledger l SET at = %s FROM spotloom.campaign c"
                " WHERE c.id = l.campaign_id AND c.batch_key = %s",
                (at, key),
            )
        connection.execute("ALTER TABLE spotloom.ledger ENABLE TRIGGER USER")
    assert (await caps(stage)).committed_today == PRICE
    await cap(stage, daily_budget=2 * PRICE)
    assert await all_at_once(stage, [purchase(stage, 1)]) == []
    assert len(await all_at_once(stage, [purchase(stage, 2)])) == 1


async def test_the_database_itself_refuses_to_change_the_ledger(stage: Stage) -> None:
    await stage.submit(order(2))
    changes = (
        "UPDATE spotloom.ledger SET amount = 0",
        "UPDATE spotloom.ledger SET at = now() WHERE false",
        "DELETE FROM spotloom.ledger",
        "TRUNCATE spotloom.ledger",
        "TRUNCATE spotloom.workspace CASCADE",
        "DELETE FROM spotloom.campaign",  # takes its generations along, which the ledger names
    )
    with psycopg.connect(stage.url, autocommit=True) as connection:
        for change in changes:
            with pytest.raises(psycopg.Error):
                connection.execute(change)
    kinds = Counter(row["kind"] for row in stage.query("SELECT kind FROM spotloom.ledger"))
    assert kinds == {"reserve": 2}

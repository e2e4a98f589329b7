"""The ledger: every fact about money, appended once and never changed.

A generation's entries are one `reserve`, then perhaps `unknown`, then one `settle` or `release`.
What is open is reserved (or unknown) and not yet ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, case, func, literal, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.tables import Generation, LedgerEntry
from spotloom.campaigns.tenancy import LOCAL
from spotloom.errors import Conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """A campaign's money in US dollars; `reserved`, `unknown` and `actual` never overlap."""

    estimated: Decimal
    reserved: Decimal  # set aside for generations that may still be bought
    unknown: Decimal  # possibly charged: a person decides
    actual: Decimal  # charged

    @property
    def committed(self) -> Decimal:
        """What counts against a budget: charged, set aside, or possibly charged."""
        return self.reserved + self.unknown + self.actual


async def reserve(session: AsyncSession, generation_ids: Sequence[UUID]) -> None:
    """Set aside the estimated cost of each of these new generations."""
    await _append(session, *generation_ids, kind="reserve", amount=None)


async def settle(session: AsyncSession, generation_id: UUID, amount: Decimal) -> None:
    """End the reservation with what was charged; a second end changes nothing."""
    await _append(session, generation_id, kind="settle", amount=amount)
    await _same_amount(session, generation_id, amount)


async def release(session: AsyncSession, *generation_ids: UUID) -> None:
    """End the reservations: nothing was bought; a second end changes nothing."""
    await _append(session, *generation_ids, kind="release", amount=Decimal(0))


async def mark_unknown(session: AsyncSession, generation_id: UUID) -> None:
    """Note that nobody can say yet whether the generation was charged."""
    await _append(session, generation_id, kind="unknown", amount=None)


async def money(session: AsyncSession, campaign_id: UUID, *, workspace_id: UUID = LOCAL) -> Money:
    """How the campaign's money stands."""
    found = await money_of(session, [campaign_id], workspace_id=workspace_id)
    return found[campaign_id]


async def money_of(
    session: AsyncSession, campaign_ids: Sequence[UUID], *, workspace_id: UUID
) -> dict[UUID, Money]:
    """How the money of each of these campaigns stands."""
    entry = LedgerEntry
    one = (
        select(
            entry.campaign_id,
            func.sum(case((entry.kind == "reserve", entry.amount), else_=0)).label("reserved"),
            func.sum(case((entry.kind == "settle", entry.amount), else_=0)).label("actual"),
            func.bool_or(entry.kind.in_(("settle", "release"))).label("ended"),
            func.bool_or(entry.kind == "unknown").label("unknown"),
        )
        .where(entry.workspace_id == workspace_id, entry.campaign_id.in_(campaign_ids))
        .group_by(entry.campaign_id, entry.generation_id)
        .subquery()
    )
    zero = Decimal(0)
    rows = await session.execute(
        select(
            one.c.campaign_id,
            func.coalesce(
                func.sum(one.c.reserved).filter(~one.c.ended & ~one.c.unknown), zero
            ).label("reserved"),
            func.coalesce(
                func.sum(one.c.reserved).filter(~one.c.ended & one.c.unknown), zero
            ).label("unknown"),
            func.sum(one.c.actual).label("actual"),
            func.sum(one.c.reserved).label("estimated"),
        ).group_by(one.c.campaign_id)
    )
    none = Money(estimated=zero, reserved=zero, unknown=zero, actual=zero)
    return dict.fromkeys(campaign_ids, none) | {
        row.campaign_id: Money(
            estimated=row.estimated, reserved=row.reserved, unknown=row.unknown, actual=row.actual
        )
        for row in rows
    }


async def _append(
    session: AsyncSession, *generation_ids: UUID, kind: str, amount: Decimal | None
) -> None:
    g = Generation
    source = select(
        func.gen_random_uuid(),
        g.workspace_id,
        g.campaign_id,
        g.id,
        literal(kind),
        g.estimated_cost if amount is None else literal(amount),
    ).where(g.id == any_(literal(list(generation_ids), ARRAY(Uuid))))
    columns = ["id", "workspace_id", "campaign_id", "generation_id", "kind", "amount"]
    # The unique indexes decide: whoever ends it first is right, a repeat changes nothing.
    await session.execute(upsert(LedgerEntry).from_select(columns, source).on_conflict_do_nothing())


async def _same_amount(session: AsyncSession, generation_id: UUID, amount: Decimal) -> None:
    stored = await session.scalar(
        select(LedgerEntry.amount).where(
            LedgerEntry.generation_id == generation_id,
            LedgerEntry.kind.in_(("settle", "release")),
        )
    )
    if stored != amount:
        raise Conflict(f"generation {generation_id} was already ended at ${stored}, not ${amount}")

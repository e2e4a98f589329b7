"""The words PostgreSQL carries between our processes: something changed, look."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

LANES = "spotloom_lanes"  # payload: lane id; a slot came free, or work arrived
CAMPAIGNS = "spotloom_campaigns"  # payload: campaign id; a generation changed
ANNOUNCED = "spotloom_announced"  # payload: a provider; it told of a job that may be in doubt
WAKE = "spotloom_wake"  # payload: generation id; ask about it now


_NOTIFY = text("SELECT pg_notify(:channel, :payload)")


async def notify(session: AsyncSession, channel: str, payload: str) -> None:
    """Tell whoever listens, when and only when the transaction commits."""
    await session.execute(_NOTIFY, {"channel": channel, "payload": payload})

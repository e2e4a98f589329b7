"""Sends what is in the outbox, signed, until it has arrived or a day has passed."""

import base64
import datetime as dt
import hmac
import json
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

import structlog
from sqlalchemy import bindparam, delete, func, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.types import Uuid

from spotloom.campaigns.tables import Delivery
from spotloom.errors import SpotloomError
from spotloom.generation.mirrors.tries import Tries

log = structlog.get_logger()

# After each try that failed: eleven tries in 24 hours.
DELAYS_S = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 21_600, 36_000)
JITTER = 0.2
LEASE_S = 60.0  # of a claim: longer than a try may take, so that only a dead sender loses it
AT_ONCE, AT_ONCE_TO_ONE = 16, 4
TICK_S = 2.0
KEPT = dt.timedelta(days=30)
TIDY_S = 3600.0
GONE = 410

_CLAIM = text(
    """
    WITH due AS (
      SELECT d.id FROM spotloom.delivery d JOIN spotloom.hook h ON h.id = d.hook_id AND h.enabled
       WHERE d.state = 'pending' AND d.next_at <= clock_timestamp()
         AND d.hook_id <> ALL (:busy)
       ORDER BY d.next_at LIMIT 1 FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE spotloom.delivery d
       SET attempts = d.attempts + 1,
           next_at = clock_timestamp() + make_interval(secs => :lease_s)
      FROM due, spotloom.hook h
     WHERE d.id = due.id AND h.id = d.hook_id
    RETURNING d.id, d.hook_id, d.kind, d.body, d.attempts, h.url, h.secret
    """
).bindparams(bindparam("busy", type_=ARRAY(Uuid)))


class Client(Protocol):
    """What posts to strangers: `guarded.GuardedClient`."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """One try at one delivery, ours until the lease ends."""

    id: UUID
    hook_id: UUID
    kind: str
    body: Mapping[str, Any]
    attempts: int
    url: str
    secret: str


class Sender:
    """Sends for every workspace; any number of these may run at once."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        client: Client,
        *,
        tick_s: float = TICK_S,
        lease_s: float = LEASE_S,
    ) -> None:
        self._sessions, self._client = sessions, client
        self._tick_s, self._lease_s = tick_s, lease_s
        self._sending: Counter[UUID] = Counter()  # by hook
        self._tidied = 0.0

    async def run(self) -> None:
        """Send for as long as it runs; what is cut off by a stop is sent again after its lease."""
        await Tries(self._claim, self._try, at_once=AT_ONCE, tick_s=self._tick_s).run()

    async def _claim(self) -> _Claim | None:
        await self._tidy()
        busy = [hook for hook, count in self._sending.items() if count >= AT_ONCE_TO_ONE]
        async with self._sessions.begin() as session:
            told = {"busy": busy, "lease_s": self._lease_s}
            row = (await session.execute(_CLAIM, told)).one_or_none()
        if row is None:
            return None
        claim = _Claim(**row._mapping)
        self._sending[claim.hook_id] += 1
        return claim

    async def _try(self, claim: _Claim) -> None:
        try:
            status, error = await self._post(claim)
            await self._note(claim, status=status, error=error)
        finally:
            self._sending[claim.hook_id] -= 1
            self._sending += Counter()  # drops what has come down to nothing

    async def _post(self, claim: _Claim) -> tuple[int | None, str | None]:
        body = json.dumps(claim.body, separators=(",", ":"), sort_keys=True).encode()
        try:
            status = await self._client.post(claim.url, body, signed(claim.id, body, claim.secret))
        except SpotloomError as error:
            return None, str(error)
        except Exception as fault:  # top of the task: one bad row must not stop all others
            log.exception("hook.fault", delivery_id=str(claim.id))
            return None, f"A fault of ours: {type(fault).__name__}."
        return status, None if 200 <= status < 300 else f"The hook answered {status}."

    async def _note(self, claim: _Claim, *, status: int | None, error: str | None) -> None:
        over = status == GONE or claim.attempts > len(DELAYS_S)
        values: dict[str, Any] = {"status_code": status, "error": error}
        if error is None:
            values |= {"state": "delivered", "delivered_at": func.clock_timestamp()}
        elif over:
            values |= {"state": "failed"}
        else:
            delay_s = DELAYS_S[claim.attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, hides nothing
            values |= {"next_at": func.clock_timestamp() + dt.timedelta(seconds=delay_s)}
        state = values.get("state", "pending")
        log.info(
            "hook.told",
            delivery_id=str(claim.id),
            hook_id=str(claim.hook_id),
            kind=claim.kind,
            attempts=claim.attempts,
            status=status,
            state=state,
        )
        async with self._sessions.begin() as session:
            await session.execute(
                update(Delivery)
                # Ours only while nobody has claimed it since, or asked for it anew.
                .where(
                    Delivery.id == claim.id,
                    Delivery.attempts == claim.attempts,
                    Delivery.state == "pending",
                )
                .values(values)
            )

    async def _tidy(self) -> None:
        """Forget what was settled long ago."""
        if time.monotonic() < self._tidied + TIDY_S and self._tidied:
            return
        self._tidied = time.monotonic()
        async with self._sessions.begin() as session:
            await session.execute(
                delete(Delivery).where(
                    Delivery.state != "pending", Delivery.created_at < func.now() - KEPT
                )
            )


def signed(delivery_id: UUID, body: bytes, secret: str) -> dict[str, str]:
    """The headers that prove the body is ours (standardwebhooks.com, version 1)."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    stamp = str(int(time.time()))
    digest = hmac.digest(key, f"{delivery_id}.{stamp}.".encode() + body, sha256)
    return {
        "content-type": "application/json",
        "user-agent": "spotloom",
        "webhook-id": str(delivery_id),
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }

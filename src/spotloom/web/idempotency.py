"""Carries out a request that spends or creates once, however often it is sent under its key.

The key's row is written in the transaction of the effect: both are there, or neither. Refusals
are not kept, so that the same request can be sent again when its cause is gone.
"""

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.tables import Idempotency
from spotloom.campaigns.tenancy import Scope
from spotloom.web.errors import Refused

KEPT = dt.timedelta(days=7)
_MINE = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 7046112))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """One request that is carried out once."""

    key: str | None
    route: str

    async def replayed(self, scope: Scope, digest: str) -> Response | None:
        """The answer of the first time, before any work is done; None the first time."""
        if self.key is None:
            return None
        async with scope.read() as session:
            stored = await self._stored(session, scope, digest)
            return None if stored is None else stored.response(replayed=True)

    async def run(
        self,
        scope: Scope,
        digest: str,
        act: Callable[[AsyncSession], Awaitable["Answer"]],
    ) -> Response:
        """What `act` answers in a transaction of its own, or what it answered the first time."""
        async with scope.begin() as session:
            if self.key is None:
                return (await act(session)).response()
            if not await session.scalar(_MINE, {"name": f"{scope.workspace_id}|{self.key}"}):
                raise Refused(
                    409,
                    "Still in progress",
                    "The first request with this Idempotency-Key is still being carried out.",
                    retry_after="1",
                )
            stored = await self._stored(session, scope, digest)
            if stored is not None:
                return stored.response(replayed=True)
            answer = await act(session)
            await self._keep(session, scope, digest, answer)
            return answer.response()

    async def _stored(self, session: AsyncSession, scope: Scope, digest: str) -> "Answer | None":
        row = await session.scalar(
            select(Idempotency).where(
                Idempotency.workspace_id == scope.workspace_id, Idempotency.key == self.key
            )
        )
        if row is None:
            return None
        if row.request_hash != digest or row.route != self.route:
            raise Refused(
                422,
                "The key was used for another request",
                "This Idempotency-Key already belongs to a request with another body or address. "
                "Use a new key for a new request.",
                kind="idempotency-key",
            )
        kept: dict[str, Any] = row.body or {}
        if kept["text"] is None:
            raise Refused(
                409,
                "Shown once",
                "This was made under this Idempotency-Key, and its secret was shown then, once. "
                "Was it lost on the way, take it back and make another.",
                kind="shown-once",
            )
        return Answer(text=kept["text"], status=row.status or 200, headers=kept["headers"])

    async def _keep(
        self, session: AsyncSession, scope: Scope, digest: str, answer: "Answer"
    ) -> None:
        mine = Idempotency.workspace_id == scope.workspace_id
        old = Idempotency.created_at < func.now() - KEPT
        await session.execute(delete(Idempotency).where(mine, old))
        await session.execute(
            insert(Idempotency).values(
                workspace_id=scope.workspace_id,
                key=self.key,
                route=self.route,
                request_hash=digest,
                status=answer.status,
                body={
                    "headers": answer.headers,
                    "text": None if answer.secret else answer.text,
                },
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that can be kept and given again."""

    text: str  # byte for byte, which a database's JSON would not keep
    status: int = 200
    headers: dict[str, str]
    secret: bool = False  # holds what we keep as a hash alone: it is given once, and not kept

    @classmethod
    def of(
        cls, shape: BaseModel, *, status: int = 200, secret: bool = False, **headers: str
    ) -> "Answer":
        """The shape, with headers such as `location`."""
        text = shape.model_dump_json(by_alias=True)
        return cls(text=text, status=status, headers=headers, secret=secret)

    def response(self, *, replayed: bool = False) -> Response:
        """The answer as it goes out."""
        headers = self.headers | ({"Idempotency-Replayed": "true"} if replayed else {})
        return Response(self.text, self.status, headers=headers, media_type="application/json")


def _once(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            description="Names this request: sent again under the same key within seven days, it "
            "has no second effect and gets the same answer.",
        ),
    ] = None,
) -> Once:
    return Once(key=idempotency_key, route=f"{request.method} {request.url.path}")


OnceOnly = Annotated[Once, Depends(_once)]

"""The workspace's API keys: see, make, revoke."""

import datetime as dt
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import keys
from spotloom.auth.keys import Wanted
from spotloom.auth.roles import Role
from spotloom.auth.tables import ApiKey
from spotloom.campaigns import audit
from spotloom.contract.shapes import Page
from spotloom.web.door.answers import problems, takes
from spotloom.web.door.asking import Keys
from spotloom.web.door.bodies import Body
from spotloom.web.errors import Refused
from spotloom.web.idempotency import Answer, OnceOnly
from spotloom.web.sign_in.shapes import KeyMade, KeyOf, NewKey

routes = APIRouter(tags=["keys"])


@routes.get("/api/keys", operation_id="listKeys", responses=problems())
async def listed(who: Keys) -> Page[KeyOf]:
    """The keys that still work, the newest first."""
    async with who.scope.read() as session:
        found = await keys.living(session, who.actor.workspace_id)
    return Page(items=[KeyOf(**_told(row)) for row in found], next_cursor=None)


@routes.post(
    "/api/keys",
    operation_id="makeKey",
    response_model=KeyMade,
    status_code=201,
    openapi_extra=takes(NewKey),
    responses=problems(409, body=True),
)
async def make(who: Keys, once: OnceOnly, body: Body) -> Response:
    """Make a key. It is shown in this answer, and never again.

    A key that is made with a key ends no later than that one.
    """
    asked = body.fit(NewKey)
    if not (who.actor.role.covers(asked.role) and who.actor.grants(asked.scopes)):
        raise Refused(
            403, "More than you may do", "A key can be given no more than its maker may do."
        )
    days = asked.expires_in_days
    wanted = Wanted(
        name=asked.name,
        role=asked.role,
        scopes=frozenset(asked.scopes),
        expires_at=None if days is None else dt.datetime.now(dt.UTC) + dt.timedelta(days=days),
    )

    async def act(session: AsyncSession) -> Answer:
        row, key = await keys.create(session, who.actor.workspace_id, wanted, by=who.actor.text)
        await audit.record(
            session,
            who.actor.workspace_id,
            actor=who.actor.text,
            action="key.made",
            target=f"key:{row.id}",
            name=row.name,
            role=row.role,
            scopes=row.scopes,
        )
        return Answer.of(KeyMade(**_told(row), key=key), status=201, secret=True)

    return await once.run(who.scope, body.digest, act)


@routes.delete(
    "/api/keys/{key_id}", operation_id="revokeKey", status_code=204, responses=problems(404)
)
async def revoke(key_id: UUID, who: Keys) -> None:
    """End a key, at once and for good, with the keys and open invitations made with it."""
    async with who.scope.begin() as session:
        name = await keys.revoke(session, who.actor.workspace_id, key_id)
        await audit.record(
            session,
            who.actor.workspace_id,
            actor=who.actor.text,
            action="key.revoked",
            target=f"key:{key_id}",
            name=name,
        )


def _told(row: ApiKey) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "role": Role(row.role),
        "scopes": row.scopes,
        "prefix": row.prefix,
        "created_by": row.created_by,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "seen_at": row.seen_at,
    }

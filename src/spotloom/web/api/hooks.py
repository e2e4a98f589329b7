"""Outbound webhooks: who is told of our events, and what became of the telling."""

from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.listing.hooks import deliveries
from spotloom.contract.hooks import (
    Delivery,
    DeliveryPage,
    Hook,
    HookAsk,
    HookEdit,
    Hooks,
    NewHook,
    Redelivered,
)
from spotloom.generation.mirrors.outbound import hooks
from spotloom.web.door.answers import problems, shaped, takes
from spotloom.web.door.asking import Admin, Cursor, Limit, noted
from spotloom.web.door.bodies import Body
from spotloom.web.idempotency import Answer, OnceOnly

routes = APIRouter(prefix="/api/hooks", tags=["hooks"])


@routes.get(
    "",
    operation_id="listHooks",
    response_model=Hooks,
    responses=problems(),
)
async def list_hooks(asked: Admin) -> Response:
    """The addresses that are told of events; never their secrets."""
    async with asked.scope.read() as session:
        found = await hooks.listing(session, asked.actor.workspace_id)
    return shaped(Hooks(items=[Hook.model_validate(h, from_attributes=True) for h in found]))


@routes.post(
    "",
    operation_id="addHook",
    response_model=NewHook,
    status_code=201,
    responses=problems(409, body=True),
    openapi_extra=takes(HookAsk),
)
async def add_hook(asked: Admin, once: OnceOnly, body: Body) -> Response:
    """Tell an address of events; the answer shows the signing secret, this once."""
    ask = body.fit(HookAsk)

    async def act(session: AsyncSession) -> Answer:
        workspace_id = asked.actor.workspace_id
        hook, _ = await hooks.add(session, workspace_id, url=ask.url, events=ask.events)
        await session.refresh(hook)
        await noted(session, asked, "hook.added", hook.id, events=ask.events)
        told = NewHook.model_validate(hook, from_attributes=True)
        return Answer.of(told, status=201, secret=True)

    return await once.run(asked.scope, body.digest, act)


@routes.patch(
    "/{hook_id}",
    operation_id="editHook",
    response_model=Hook,
    responses=problems(404, body=True),
    openapi_extra=takes(HookEdit),
)
async def edit_hook(asked: Admin, hook_id: UUID, body: Body) -> Response:
    """Pause or resume a hook, or change what it is told; what waits for it keeps waiting."""
    ask = body.fit(HookEdit)
    async with asked.scope.begin() as session:
        hook = await hooks.change(
            session,
            asked.actor.workspace_id,
            hook_id,
            enabled=ask.enabled,
            events=ask.events,
        )
        await noted(session, asked, "hook.changed", hook_id, **ask.model_dump(exclude_unset=True))
        told = Hook.model_validate(hook, from_attributes=True)
    return shaped(told)


@routes.delete(
    "/{hook_id}",
    operation_id="deleteHook",
    status_code=204,
    responses=problems(404),
)
async def delete_hook(asked: Admin, hook_id: UUID) -> Response:
    """Tell the address no more, not even what waits for it."""
    async with asked.scope.begin() as session:
        await hooks.remove(session, asked.actor.workspace_id, hook_id)
        await noted(session, asked, "hook.deleted", hook_id)
    return Response(status_code=204)


@routes.get(
    "/{hook_id}/deliveries",
    operation_id="listDeliveries",
    response_model=DeliveryPage,
    responses=problems(404),
)
async def list_deliveries(
    asked: Admin, hook_id: UUID, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    """What became of telling the hook, newest first."""
    async with asked.scope.read() as session:
        page = await deliveries(
            session, asked.actor.workspace_id, hook_id, cursor=cursor, limit=limit
        )
        items = [Delivery.model_validate(row, from_attributes=True) for row in page.rows]
    return shaped(DeliveryPage(items=items, next_cursor=page.next))


@routes.post(
    "/deliveries/{delivery_id}/redeliver",
    operation_id="redeliver",
    response_model=Redelivered,
    responses=problems(404),
)
async def redeliver(asked: Admin, delivery_id: UUID) -> Response:
    """Send a delivery again from the first try on, under the same webhook-id."""
    async with asked.scope.begin() as session:
        await hooks.redeliver(session, asked.actor.workspace_id, delivery_id)
        await noted(session, asked, "hook.redelivered", delivery_id)
    return shaped(Redelivered(id=delivery_id))

"""The workspace's members and open invitations."""

from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import invitations, people
from spotloom.auth.roles import Actor, Role
from spotloom.auth.tables import Invitation
from spotloom.campaigns import audit
from spotloom.contract.shapes import Page
from spotloom.web.door.answers import problems, takes
from spotloom.web.door.asking import Members
from spotloom.web.door.bodies import Body
from spotloom.web.errors import Refused
from spotloom.web.gate import TheGate
from spotloom.web.idempotency import Answer, OnceOnly
from spotloom.web.sign_in.shapes import Invited, InvitedNow, MemberOf, NewInvitation, RoleChange

routes = APIRouter(tags=["members"])


@routes.get("/api/members", operation_id="listMembers", responses=problems())
async def listed(who: Members) -> Page[MemberOf]:
    """The members, those of longest standing first."""
    async with who.scope.read() as session:
        found = await people.members(session, who.actor.workspace_id)
    items = [
        MemberOf(person_id=m.person_id, name=m.name, email=m.email, role=m.role) for m in found
    ]
    return Page(items=items, next_cursor=None)


@routes.patch(
    "/api/members/{person_id}",
    operation_id="changeMember",
    status_code=204,
    openapi_extra=takes(RoleChange),
    responses=problems(404, 409, body=True),
)
async def change(person_id: UUID, who: Members, body: Body) -> None:
    """Give a member another role; the last admin stays one."""
    asked = body.fit(RoleChange)
    workspace_id = who.actor.workspace_id
    async with who.scope.begin() as session:
        before = await people.change_role(session, workspace_id, person_id, asked.role)
        if not before.covers(asked.role):
            _may_give(who.actor, asked.role)
        await audit.record(
            session,
            workspace_id,
            actor=who.actor.text,
            action="member.changed",
            target=f"person:{person_id}",
            role=asked.role.value,
            before=before.value,
        )


@routes.delete(
    "/api/members/{person_id}",
    operation_id="removeMember",
    status_code=204,
    responses=problems(404, 409),
)
async def remove(person_id: UUID, who: Members) -> None:
    """Take a member out, with their sessions, keys and invitations here; the last admin stays."""
    workspace_id = who.actor.workspace_id
    async with who.scope.begin() as session:
        await people.remove(session, workspace_id, person_id)
        await audit.record(
            session,
            workspace_id,
            actor=who.actor.text,
            action="member.removed",
            target=f"person:{person_id}",
        )


@routes.get("/api/invitations", operation_id="listInvitations", responses=problems())
async def invited(who: Members) -> Page[Invited]:
    """The open invitations, the newest first."""
    async with who.scope.read() as session:
        found = await invitations.unused(session, who.actor.workspace_id)
    return Page(items=[Invited(**_told(row)) for row in found], next_cursor=None)


@routes.post(
    "/api/invitations",
    operation_id="invite",
    response_model=InvitedNow,
    status_code=201,
    openapi_extra=takes(NewInvitation),
    responses=problems(409, body=True),
)
async def invite(who: Members, gate: TheGate, once: OnceOnly, body: Body) -> Response:
    """Invite somebody. The link is shown in this answer, and never again."""
    asked = body.fit(NewInvitation)
    _may_give(who.actor, asked.role)
    workspace_id = who.actor.workspace_id

    async def act(session: AsyncSession) -> Answer:
        row, secret = await invitations.create(
            session, workspace_id, email=asked.email, role=asked.role, by=who.actor.text
        )
        await audit.record(
            session,
            workspace_id,
            actor=who.actor.text,
            action="invitation.made",
            target=asked.email,
            role=asked.role.value,
        )
        link = f"{gate.sign_in.public_url}/sign-in#{secret}"
        return Answer.of(InvitedNow(**_told(row), link=link), status=201, secret=True)

    return await once.run(who.scope, body.digest, act)


@routes.delete(
    "/api/invitations/{invitation_id}",
    operation_id="takeBackInvitation",
    status_code=204,
    responses=problems(404),
)
async def take_back(invitation_id: UUID, who: Members) -> None:
    """Take an open invitation back."""
    workspace_id = who.actor.workspace_id
    async with who.scope.begin() as session:
        email = await invitations.take_back(session, workspace_id, invitation_id)
        await audit.record(
            session,
            workspace_id,
            actor=who.actor.text,
            action="invitation.taken-back",
            target=email,
        )


def _may_give(actor: Actor, role: Role) -> None:
    if not actor.may_give(role):
        raise Refused(
            403,
            "More than you may do",
            f"A {role.value} may do more than you: a key can give a role only when it has all of "
            "its scopes.",
        )


def _told(row: Invitation) -> dict[str, object]:
    return {
        "id": row.id,
        "email": row.email,
        "role": Role(row.role),
        "expires_at": row.expires_at,
        "invited_by": row.invited_by,
    }

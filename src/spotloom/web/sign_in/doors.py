"""The doors of our own: a one-time link, a password, an invitation."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import invitations, links, passwords, people, sessions
from spotloom.auth.gate import Gate
from spotloom.auth.local import ISSUER, OWNER
from spotloom.auth.people import Identity
from spotloom.auth.roles import Actor
from spotloom.auth.tables import Person, Session
from spotloom.campaigns import audit
from spotloom.errors import BriefError, Conflict, Problem
from spotloom.web import gate as web_gate
from spotloom.web.door.answers import problems, takes
from spotloom.web.door.asking import SignedIn
from spotloom.web.door.bodies import Body
from spotloom.web.errors import Refused
from spotloom.web.gate import Somebody, TheGate
from spotloom.web.limits import address_of
from spotloom.web.sign_in.begin import begin, begun, hand_over
from spotloom.web.sign_in.shapes import (
    Begun,
    InvitationUse,
    LinkUse,
    NewPassword,
    PasswordSignIn,
)

routes = APIRouter(tags=["sign-in"])


def _over_tls(request: Request) -> None:
    web_gate.is_secure(request)


Secured = Annotated[None, Depends(_over_tls)]


@routes.post(
    "/auth/link",
    operation_id="useLink",
    openapi_extra=takes(LinkUse),
    responses=problems(body=True),
)
async def use_link(
    request: Request, response: Response, gate: TheGate, _: Secured, body: Body
) -> Begun:
    """Sign in with a one-time link."""
    asked = body.fit(LinkUse)
    async with gate.sessions.begin() as session:
        opened = await links.use(session, asked.secret)
        if opened is None:
            raise _wrong(
                "The link was used before, or is older than 15 minutes. "
                "`spotloom login-link` makes another."
            )
        token = await begin(
            session,
            request,
            workspace_id=opened.workspace_id,
            person_id=opened.person_id,
            how="link",
        )
    hand_over(request, response, token)
    return begun(opened.workspace_id, opened.person_id)


@routes.post(
    "/auth/password",
    operation_id="usePassword",
    openapi_extra=takes(PasswordSignIn),
    responses=problems(body=True),
)
async def use_password(
    request: Request, response: Response, gate: TheGate, _: Secured, body: Body
) -> Begun:
    """Sign in with a password."""
    asked = body.fit(PasswordSignIn)
    if not gate.sign_in.local:
        raise _wrong("Nobody signs in with a password here.")
    account = f"password:{asked.email or ''}"
    await _count(gate, account, most=passwords.GUESSES)
    address = address_of(request.scope)
    await _count(gate, f"password from {address}", most=passwords.GUESSES_FROM_ONE_PLACE)
    async with gate.sessions() as session:
        person = await passwords.person_of(session, asked.email)
    kept = None if person is None else person.password_hash
    right = await gate.passwords.fits(asked.password, kept)
    if person is None or kept is None or not right:
        raise _wrong("The address or the password is not right.")
    renewed = await gate.passwords.hash(asked.password) if gate.passwords.outdated(kept) else None
    async with gate.sessions.begin() as session:
        await passwords.forget(session, account)
        if renewed is not None:
            await passwords.keep(session, person.id, renewed)
        workspace_id = await people.usual_part(session, person.id)
        if workspace_id is None:
            raise _wrong("You are not a member of any workspace (any more).")
        token = await begin(
            session, request, workspace_id=workspace_id, person_id=person.id, how="password"
        )
    hand_over(request, response, token)
    return begun(workspace_id, person.id)


@routes.put(
    "/api/session/password",
    operation_id="setPassword",
    status_code=204,
    openapi_extra=takes(NewPassword),
    responses=problems(409, body=True),
)
async def set_password(who: SignedIn, gate: TheGate, body: Body) -> None:
    """Set one's own password; one's other sessions are then over."""
    asked = body.fit(NewPassword)
    person_id, workspace_id = _person(who.actor), who.actor.workspace_id
    async with gate.sessions() as session:
        person = await session.get_one(Person, person_id)
    if person.issuer != ISSUER or not gate.sign_in.local:
        raise Conflict("Your password is kept by who signs you in, not here.")
    if person.password_hash is not None:
        await _count(gate, f"password of {person_id}", most=passwords.GUESSES)
        if not await gate.passwords.fits(asked.current or "", person.password_hash):
            raise BriefError([Problem("current", "This is not your current password.")])
    passwords.check_new(asked.password, told=f"{person.name} {person.email or ''}")
    kept = await gate.passwords.hash(asked.password)
    async with gate.sessions.begin() as session:
        await passwords.keep(session, person_id, kept)
        await passwords.forget(session, f"password of {person_id}")
        await sessions.end(
            session, Session.person_id == person_id, Session.id != who.actor.session_id
        )
        await audit.record(
            session,
            workspace_id,
            actor=who.actor.text,
            action="password.changed",
            target=who.actor.text,
        )


@routes.post(
    "/auth/invitations",
    operation_id="useInvitation",
    openapi_extra=takes(InvitationUse),
    responses=problems(409, body=True),
)
async def use_invitation(
    request: Request, response: Response, gate: TheGate, actor: Somebody, _: Secured, body: Body
) -> Begun:
    """Take the place that an invitation gives: as who is signed in, or as somebody new."""
    asked = body.fit(InvitationUse)
    if actor is not None and actor.session_id is not None:
        return await _join(asked, request, response, gate, actor)
    if not gate.sign_in.local:
        raise _wrong("Sign in first; the invitation waits for its address.")
    wanted = (("name", asked.name), ("password", asked.password))
    missing = [Problem(field, "is missing.") for field, given in wanted if given is None]
    if missing or asked.name is None or asked.password is None:
        raise BriefError(missing)
    passwords.check_new(asked.password, told=asked.name)
    kept = await gate.passwords.hash(asked.password)
    async with gate.sessions.begin() as session:
        place = await _used(session, asked.secret, email=None)
        before = await passwords.person_of(session, place.email, locked=True)
        if before is not None and await people.usual_part(session, before.id) is not None:
            raise Conflict(
                f"{place.email} has a password here already; sign in with it first. Is it lost, "
                f"`spotloom login-link --email {place.email} --new-password` helps."
            )
        # Who was taken out everywhere has nothing to lose here, and comes back as the same person.
        person = Identity(
            issuer=ISSUER,
            subject=str(uuid4()) if before is None else before.subject,
            name=asked.name,
            verified_email=place.email,
        )
        person_id = await people.add(session, person)
        await passwords.keep(session, person_id, kept)
        await sessions.end(session, Session.person_id == person_id)
        token = await _enter(session, request, place, person_id)
    hand_over(request, response, token)
    return begun(place.workspace_id, person_id)


async def _join(
    asked: InvitationUse, request: Request, response: Response, gate: Gate, actor: Actor
) -> Begun:
    person_id = _person(actor)
    async with gate.sessions.begin() as session:
        person = await session.get_one(Person, person_id)
        if person.email is None and (person.issuer, person.subject) != (ISSUER, OWNER):
            raise _wrong(
                "The invitation is for an address, and whoever vouches for you has verified none."
            )
        place = await _used(session, asked.secret, email=person.email)
        token = await _enter(session, request, place, person_id)
    hand_over(request, response, token)
    return begun(place.workspace_id, person_id)


async def _used(session: AsyncSession, secret: str, *, email: str | None) -> invitations.Place:
    place = await invitations.use(session, secret, email=email)
    if place is None:
        raise _wrong("The invitation was used or taken back, is too old, or is not for you.")
    return place


async def _enter(
    session: AsyncSession, request: Request, place: invitations.Place, person_id: UUID
) -> str:
    await people.join(session, place.workspace_id, person_id, place.role)
    await audit.record(
        session,
        place.workspace_id,
        actor=f"person:{person_id}",
        action="member.joined",
        target=f"person:{person_id}",
        role=place.role.value,
    )
    return await begin(
        session,
        request,
        workspace_id=place.workspace_id,
        person_id=person_id,
        how="invitation",
    )


async def _count(gate: Gate, what: str, *, most: int) -> None:
    async with gate.sessions.begin() as session:
        wait_s = await passwords.count(session, what, most=most)
    if wait_s is not None:
        wait = str(round(wait_s))
        raise Refused(
            429,
            "Too many attempts",
            f"Try again in {wait} s, or use a login link.",
            retry_after=wait,
        )


def _person(actor: Actor) -> UUID:
    assert actor.person_id is not None  # noqa: S101 - whoever has a session is a person
    return actor.person_id


def _wrong(detail: str) -> Refused:
    return Refused(401, "Not signed in", detail, www_authenticate='Bearer realm="spotloom"')

"""The one gate: lets somebody in by session, by key, or by a token of Clerk's, or does not."""

import time
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth import keys, links, local, passwords, people, sessions
from spotloom.auth.issuers import admission, clerk_events
from spotloom.auth.issuers.admission import Admitted
from spotloom.auth.issuers.clerk import Clerk, ClerkSession
from spotloom.auth.issuers.oidc import Oidc
from spotloom.auth.issuers.tokens import Untrusted
from spotloom.auth.passwords import Passwords
from spotloom.auth.people import Identity
from spotloom.auth.roles import EVERYTHING, Actor, Vouched
from spotloom.auth.sessions import Entered
from spotloom.auth.sign_in import SignIn
from spotloom.campaigns import audit
from spotloom.campaigns.database import Sessions
from spotloom.campaigns.tables import Workspace
from spotloom.campaigns.tenancy import LOCAL
from spotloom.errors import NotFound

log = structlog.get_logger()


class Gate:
    """What is needed to know people: the tables of who may come in, and those who vouch."""

    def __init__(self, gate_sessions: Sessions, sign_in: SignIn) -> None:
        self.sessions = gate_sessions
        self.sign_in = sign_in
        self.passwords = Passwords()
        given, vouched = sign_in.oidc, sign_in.clerk
        self.oidc = None if given is None else Oidc(given, public_url=sign_in.public_url)
        self.clerk = None if vouched is None else Clerk(vouched, origin=sign_in.origin)

    async def close(self) -> None:
        """Close the lines to those who vouch."""
        for line in (self.oidc, self.clerk):
            if line is not None:
                await line.close()

    async def by_session(self, token: str) -> Actor | None:
        """Whom the session's token lets in; None when the session is over."""
        entered = await self.enter(token, renew=False)
        return None if entered is None else entered.actor

    async def enter(self, token: str, *, renew: bool) -> Entered | None:
        """The same; with `renew`, a token that is old is replaced by one the browser must keep."""
        async with self.sessions.begin() as session:
            entered = await sessions.enter(session, token, renew=renew)
            if entered is None or await self._is_shut(session, entered.actor.workspace_id):
                return None
            return entered

    async def by_key(self, key: str) -> Actor | None:
        """Whom the API key lets in; None when it is revoked, expired or unknown."""
        async with self.sessions.begin() as session:
            actor = await keys.enter(session, key)
            if actor is None or await self._is_shut(session, actor.workspace_id):
                return None
            return actor

    async def still(self, actor: Actor) -> bool:
        """Whether the actor would be let in again, with no lesser role; for long answers."""
        async with self.sessions() as session:
            if actor.key_id is not None:
                return await keys.still(session, actor.key_id)
            if actor.session_id is not None and not await sessions.still(session, actor):
                return False
            if actor.vouched is not None and not await _goes_on(session, actor.vouched):
                return False
            if actor.person_id is None:
                return False
            part = await people.part(session, actor.workspace_id, actor.person_id)
        return part is not None and part.role.covers(actor.role)

    async def by_clerk(self, jwt: str) -> Actor | None:
        """Whom a session token of Clerk's lets in; None when it is not to be believed."""
        try:
            said, identity = await self.believe(jwt)
            async with self.sessions.begin() as session:
                found = await admission.known(session, said, identity)
                if found is None:
                    admitted = await self.admit(session, said, identity)
                    if admitted is not None:
                        found = await people.part(
                            session, admitted.workspace_id, admitted.person_id
                        )
                if found is not None and await self._is_shut(session, found.workspace_id):
                    found = None
        except Untrusted as refused:
            log.warning("clerk.refused", reason=str(refused))
            return None
        if found is None:
            log.warning("clerk.stranger", user=said.user)
            return None
        return Actor(
            workspace_id=found.workspace_id,
            role=found.role,
            person_id=found.person_id,
            key_id=None,
            session_id=None,
            name=found.name,
            scopes=frozenset({EVERYTHING}),
            vouched=clerk_events.vouched(said),
        )

    async def believe(self, jwt: str) -> tuple[ClerkSession, Identity]:
        """What a token of Clerk's says, and of whom; Untrusted when it is not to be believed."""
        if self.clerk is None:
            raise Untrusted("Clerk is not configured.")
        said = self.clerk.session(jwt, now=time.time())
        async with self.sessions() as session:
            await clerk_events.check_alive(session, clerk_events.vouched(said))
            known = await people.known(session, self.clerk.issuer, said.user)
        # Clerk is asked about each person until it has told us of a verified address.
        if known is not None and (known.verified_email or not self.clerk.may_ask(said.user)):
            return said, known
        told = await self.clerk.identity(said.user)
        return said, told if known is None or told.verified_email else known

    async def admit(
        self, session: AsyncSession, said: ClerkSession, identity: Identity
    ) -> Admitted | None:
        """Where the person of a believed token belongs; None when nowhere."""
        await clerk_events.take_turn(session)
        # Clerk may have told us meanwhile.
        await clerk_events.check_alive(session, clerk_events.vouched(said))
        if said.organization is None:
            return await admission.admit(session, identity, admin_email=None)
        organization = await clerk_events.as_told(
            session, said, said.organization, issuer=identity.issuer
        )
        settings = self.sign_in.clerk
        assert settings is not None  # noqa: S101 - whose token was believed
        return await admission.admit_member(session, identity, organization, settings)

    async def _is_shut(self, session: AsyncSession, workspace_id: UUID) -> bool:
        """Whether the workspace is that of an organisation that may not come in (any more)."""
        settings = self.sign_in.clerk
        if settings is None or settings.organizations is None:
            return False
        organization = await session.scalar(
            select(Workspace.external_id).where(Workspace.id == workspace_id)
        )
        return organization is not None and not settings.admits(organization)

    async def is_new(self) -> bool:
        """Whether nobody has ever signed in here."""
        async with self.sessions() as session:
            return await local.is_new(session)

    async def login_link(self, email: str | None = None, *, new_password: bool = False) -> str:
        """A one-time link for the owner, or for the member of our own with that address.

        With `new_password` the present one is forgotten, and whoever follows the link sets another.
        """
        async with self.sessions.begin() as session:
            if email is None:
                workspace_id, person_id = LOCAL, await local.owner(session)
            else:
                workspace_id, person_id = await _member(session, email.strip().lower())
            if new_password:
                await passwords.keep(session, person_id, None)
                await audit.record(
                    session,
                    workspace_id,
                    actor="local",
                    action="password.forgotten",
                    target=f"person:{person_id}",
                )
            return await links.create(
                session,
                public_url=self.sign_in.public_url,
                workspace_id=workspace_id,
                person_id=person_id,
            )


async def _goes_on(session: AsyncSession, token: Vouched) -> bool:
    try:
        await clerk_events.check_alive(session, token)
    except Untrusted:
        return False
    return True


async def _member(session: AsyncSession, email: str) -> tuple[UUID, UUID]:
    """The workspace and the person of our own with that address."""
    person = await passwords.person_of(session, email)
    workspace_id = None if person is None else await people.usual_part(session, person.id)
    if person is None or workspace_id is None:
        raise NotFound(
            f"Nobody who signs in with a password is a member here with the address {email}. "
            "`spotloom login-link` lets the owner in, who can invite them."
        )
    return workspace_id, person.id

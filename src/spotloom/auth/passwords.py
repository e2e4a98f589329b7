"""Passwords of people of our own: argon2id, the same work for everybody, and a limit on guesses."""

import asyncio
import datetime as dt
import secrets
from hashlib import sha256
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import case, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.auth.local import ISSUER, OWNER
from spotloom.auth.tables import Attempt, Person
from spotloom.errors import BriefError, Problem

SHORTEST, LONGEST = 12, 256
_LEAST_DIFFERENT = 6  # characters
_AT_ONCE = 2  # each takes 64 MB and a core
WINDOW = dt.timedelta(minutes=15)
GUESSES, GUESSES_FROM_ONE_PLACE = 10, 60  # in that window
# The long ones that every list of leaked passwords begins with.
_LEAKED = ("1234567890", "password", "qwertyuiop", "1q2w3e4r5t", "iloveyou", "letmein", "admin")

_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended(:address, 7046114))")


class Passwords:
    """Makes and checks the hashes, a few at a time, beside the event loop."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def hash(self, password: str) -> str:
        """What is stored in place of the password."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, password: str, kept: str | None) -> bool:
        """Whether this is the password; takes as long when there is none."""
        async with self._turn:
            right = await asyncio.to_thread(self._verify, password, kept or self._nobody)
        return right and kept is not None

    def outdated(self, kept: str) -> bool:
        """Whether today's parameters are stronger than those of the hash."""
        return self._hasher.check_needs_rehash(kept)

    def _verify(self, password: str, kept: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


def check_new(password: str, *, told: str) -> None:
    """Refuse with BriefError what is easily guessed; `told` is what others know of the person."""
    lowered = password.lower()
    known = ("spotloom", *told.lower().replace("@", " ").split(), *_LEAKED)
    rest = lowered
    for word in known:
        rest = rest.replace(word, "") if len(word) > 3 else rest
    if not SHORTEST <= len(password) <= LONGEST:
        why = f"Use {SHORTEST} to {LONGEST} characters, not {len(password)}."
    elif len(set(lowered)) < _LEAST_DIFFERENT or len(rest) < SHORTEST // 2:
        why = "This is among the first that are guessed; use several words that nobody expects."
    else:
        return
    raise BriefError([Problem("password", why)])


async def person_of(
    session: AsyncSession, email: str | None, *, locked: bool = False
) -> Person | None:
    """The person of our own with that address; without one, the owner.

    `locked`: until the transaction ends they do not change, and nobody else looks for them so.
    """
    if locked:
        await session.execute(_TURN, {"address": email})
    of = Person.subject == OWNER if email is None else Person.email == email
    which = select(Person).where(Person.issuer == ISSUER, of).order_by(Person.id).limit(1)
    found: Person | None = await session.scalar(which.with_for_update() if locked else which)
    return found


async def keep(session: AsyncSession, person_id: UUID, kept: str | None) -> None:
    """Give the person this password; with None they have none until they set one."""
    await session.execute(
        update(Person)
        .where(Person.id == person_id, Person.issuer == ISSUER)
        .values(password_hash=kept)
    )


async def any_set(session: AsyncSession) -> bool:
    """Whether anybody can sign in with a password."""
    found = await session.scalar(
        select(Person.id).where(Person.issuer == ISSUER, Person.password_hash.is_not(None)).limit(1)
    )
    return found is not None


async def count(session: AsyncSession, what: str, *, most: int) -> float | None:
    """Count one more guess at `what`; the seconds to wait when there were too many already.

    Commit it before the guess is looked at, or many at once are counted as one.
    """
    over = Attempt.since < func.now() - WINDOW
    statement = upsert(Attempt).values(key=_key(what), count=1, since=func.now())
    row = (
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["key"],
                set_={
                    "count": case((over, 1), else_=Attempt.count + 1),
                    "since": case((over, func.now()), else_=Attempt.since),
                },
            ).returning(
                Attempt.count.label("made"),
                func.extract("epoch", Attempt.since + WINDOW - func.now()).label("wait"),
            )
        )
    ).one()
    await session.execute(delete(Attempt).where(Attempt.since < func.now() - 2 * WINDOW))
    return max(float(row.wait), 1.0) if row.made > most else None


async def forget(session: AsyncSession, what: str) -> None:
    """Forget the guesses at `what`: the right one has come."""
    await session.execute(delete(Attempt).where(Attempt.key == _key(what)))


def _key(what: str) -> str:
    return sha256(what.encode()).hexdigest()

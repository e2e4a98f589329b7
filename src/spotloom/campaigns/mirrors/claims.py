"""What becomes of a claimed page: each change names the claim, and does nothing when it is gone."""

import datetime as dt
import json
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns.mirrors.outbox import Claim
from spotloom.campaigns.tables import CombinationRow, MirrorOutbox


async def creating(
    session: AsyncSession, claim: Claim, *, sent: dict[str, Any], agreed: dict[str, Any]
) -> bool:
    """Note, before it leaves, that a create may arrive; false when the page is not ours any more.

    A process that was stopped for longer than its lease must not make what another has made.
    """
    return await _set(
        session,
        claim,
        "creating_at = clock_timestamp(), sent = CAST(:sent AS jsonb),"
        " agreed = CAST(:agreed AS jsonb)",
        sent=json.dumps(sent),
        agreed=json.dumps(agreed),
    )


async def nothing_created(session: AsyncSession, claim: Claim) -> None:
    """The create never arrived: it may be sent."""
    await _set(session, claim, "creating_at = NULL, leased_until = NULL, claim = NULL")


async def found(
    session: AsyncSession, claim: Claim, *, sent: dict[str, Any], agreed: dict[str, Any]
) -> bool:
    """The create had arrived: the page says what it says, and is brought up to date from there.

    False when the page is not ours any more.
    """
    return await _set(
        session,
        claim,
        "creating_at = NULL, leased_until = NULL, claim = NULL, attempts = 0, error = NULL,"
        " sent = CAST(:sent AS jsonb), agreed = CAST(:agreed AS jsonb),"
        " next_at = clock_timestamp()",
        sent=json.dumps(sent),
        agreed=json.dumps(agreed),
    )


async def not_creating(session: AsyncSession, claim: Claim) -> None:
    """The create was refused, or never left."""
    await _set(session, claim, "creating_at = NULL")


async def looked(
    session: AsyncSession, claim: Claim, *, sent: dict[str, Any], agreed: dict[str, Any]
) -> bool:
    """Keep what was seen on the page, with what was taken over from it; false when not ours."""
    return await _set(
        session,
        claim,
        "sent = CAST(:sent AS jsonb), agreed = CAST(:agreed AS jsonb)",
        sent=json.dumps(sent),
        agreed=json.dumps(agreed),
    )


async def told(
    session: AsyncSession,
    claim: Claim,
    *,
    sent: dict[str, Any],
    agreed: dict[str, Any],
    renew_at: dt.datetime | None,
    asked: bool,
) -> bool:
    """The page says all that was known when it was claimed; false when it is not ours any more.

    `asked` says that a request was needed.
    """
    lag = "lag_s = extract(epoch FROM clock_timestamp() - since), mirrored_at = clock_timestamp(),"
    return await _set(
        session,
        claim,
        f"{lag if asked else ''} sent = CAST(:sent AS jsonb), agreed = CAST(:agreed AS jsonb),"
        " renew_at = :renew_at, creating_at = NULL, leased_until = NULL, claim = NULL,"
        " attempts = 0, error = NULL, next_at = clock_timestamp(),"
        " look = look AND wanted <> :wanted, anew = anew AND wanted <> :wanted,"
        " since = CASE WHEN wanted = :wanted THEN since ELSE latest END,"
        " state = CASE WHEN wanted = :wanted THEN 'settled' ELSE 'pending' END",
        sent=json.dumps(sent),
        agreed=json.dumps(agreed),
        renew_at=renew_at,
        wanted=claim.wanted,
    )


async def postpone(
    session: AsyncSession, claim: Claim, *, in_s: float, error: str, in_vain: bool = True
) -> None:
    """Nothing was written; it is tried again. A create that left stays in doubt."""
    await _set(
        session,
        claim,
        f"leased_until = NULL, claim = NULL, error = :error, {'' if in_vain else _NOT_COUNTED}"
        " next_at = clock_timestamp() + make_interval(secs => :in_s)",
        error=error,
        in_s=in_s,
    )


_NOT_COUNTED = "attempts = attempts - 1, "


async def block(session: AsyncSession, claim: Claim, reason: str) -> None:
    """It will not be taken as it is; a new change, or a person, has it tried again."""
    await _set(
        session,
        claim,
        "leased_until = NULL, claim = NULL, creating_at = NULL, error = :error, attempts = 0,"
        " state = CASE WHEN wanted = :wanted THEN 'blocked' ELSE 'pending' END",
        error=reason,
        wanted=claim.wanted,
    )


async def release(session: AsyncSession, claim: Claim) -> None:
    """Leave it as it was, for whoever claims it next."""
    await _set(session, claim, "leased_until = NULL, claim = NULL")


async def unlink(session: AsyncSession, claim: Claim) -> bool:
    """A person has put the page away: the video has none, until a person wants one.

    What was agreed stays: the page may be restored, and this was edited here meanwhile. False when
    the page is not ours any more.
    """
    await link(session, claim, None)
    return await _set(
        session,
        claim,
        "leased_until = NULL, claim = NULL, sent = NULL, look = false, error = NULL,"
        " renew_at = NULL, attempts = 0, next_at = clock_timestamp(),"
        " state = CASE WHEN anew THEN 'pending' ELSE 'unlinked' END",
    )


async def forget(session: AsyncSession, claim: Claim) -> None:
    """Nothing of it is shown any more: its campaign was deleted here."""
    await session.execute(
        text(
            "DELETE FROM spotloom.mirror_outbox"
            " WHERE target = :target AND combination_id = :id AND claim = :claim"
        ),
        _names(claim),
    )


async def link(session: AsyncSession, claim: Claim, page_id: str | None) -> None:
    """Keep which page is the video's, if it is still ours to say."""
    ours = select(MirrorOutbox.target).where(
        MirrorOutbox.target == claim.target,
        MirrorOutbox.combination_id == claim.combination_id,
        MirrorOutbox.claim == claim.claim,
    )
    await session.execute(
        update(CombinationRow)
        .where(
            CombinationRow.id == claim.combination_id,
            CombinationRow.notion_page_id.is_distinct_from(page_id),
            ours.exists(),
        )
        .values(notion_page_id=page_id)
    )


async def relink(
    session: AsyncSession, target: str, combination_id: UUID, page_id: str, *, was: str | None
) -> bool:
    """Keep which page is the video's, where it is still as we know it; whether it was.

    Not while a create may be on its way: whoever sent it says which page it is.
    """
    on_its_way = select(MirrorOutbox.target).where(
        MirrorOutbox.target == target,
        MirrorOutbox.combination_id == combination_id,
        MirrorOutbox.creating_at.is_not(None),
    )
    done = await session.scalar(
        update(CombinationRow)
        .where(
            CombinationRow.id == combination_id,
            CombinationRow.notion_page_id.is_not_distinct_from(was),
            ~on_its_way.exists(),
        )
        .values(notion_page_id=page_id)
        .returning(CombinationRow.id)
    )
    return done is not None


async def answer(session: AsyncSession, claim: Claim, words: str) -> None:
    """Keep what became of a request, for its page to say."""
    await _set(session, claim, "answer = :words", words=words)


async def answer_of(session: AsyncSession, claim: Claim) -> str | None:
    """What became of the latest request."""
    words: str | None = await session.scalar(
        text(
            "SELECT answer FROM spotloom.mirror_outbox"
            " WHERE target = :target AND combination_id = :id AND claim = :claim"
        ),
        _names(claim),
    )
    return words


async def _set(session: AsyncSession, claim: Claim, change: str, **names: Any) -> bool:
    """Change the row, if it is still ours; whether it was."""
    done = await session.execute(
        text(
            f"UPDATE spotloom.mirror_outbox SET {change}"  # noqa: S608 - our own words
            " WHERE target = :target AND combination_id = :id AND claim = :claim RETURNING 1"
        ),
        _names(claim) | names,
    )
    return done.one_or_none() is not None


def _names(claim: Claim) -> dict[str, Any]:
    return {"target": claim.target, "id": claim.combination_id, "claim": claim.claim}

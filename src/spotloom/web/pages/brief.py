"""From an idea to an accepted order: the brief, its matrix, the last look before money moves."""

import asyncio
from importlib import resources
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession

from spotloom.campaigns import budgets, listing, reads
from spotloom.campaigns.listing import templates
from spotloom.campaigns.reads import Header
from spotloom.contract.lanes import Budget
from spotloom.contract.offers import Model, Vocabulary
from spotloom.creative.pricing import TYPICAL_VIDEO
from spotloom.creative.status import Status
from spotloom.errors import NotFound
from spotloom.forms import parse_mapping, read_draft
from spotloom.web.api.briefs.files import sendable
from spotloom.web.door.asking import found
from spotloom.web.gate import Asked, parts_of
from spotloom.web.pages.shell import Looking, page
from spotloom.web.parts import Parts

routes = APIRouter()

_LONGEST_ID = 200
_FAILED = frozenset({Status.FAILED, Status.EXPIRED, Status.LOST})


@routes.get("/new")
async def brief(
    request: Request,
    asked: Looking,
    from_: Annotated[str | None, Query(alias="from", max_length=_LONGEST_ID)] = None,
    only: Literal["failed"] | None = None,
    error: Annotated[list[str] | None, Query(max_length=20)] = None,
    template: UUID | None = None,
    sample: bool = False,
) -> Response:
    """The brief, begun anew from a campaign, a template or the sample where one is named.

    `only=failed` leaves out what is not to be bought again: all that did not fail, or did not fail
    with one of the errors that are named.
    """
    seed = None
    async with asked.scope.read() as session:
        if from_ is not None:
            header = await found(session, asked, from_)
            seed = {"label": header.batch_key, "formData": sendable(dict(header.brief))}
            if only is not None:
                seed |= await _failed_alone(session, asked, header, frozenset(error or ()))
        elif template is not None:
            kept = await templates.template(session, asked.actor.workspace_id, template)
            seed = {"label": kept.name, "formData": kept.brief}
    if sample:
        seed = {
            "label": "the sample",
            "formData": await asyncio.to_thread(_sample, parts_of(request)),
        }
    return await _step(request, asked, "brief.html", title="New brief", seed=seed)


async def _failed_alone(
    session: AsyncSession, asked: Asked, header: Header, errors: frozenset[str]
) -> dict[str, Any]:
    """The campaign's brief without every combination that did not fail; and a word on it."""
    rows = await listing.every_combination(session, asked.actor.workspace_id, header.id)
    failed = {
        row.key
        for row in rows
        if row.status in _FAILED and (not errors or row.error_code in errors)
    }
    form = sendable(dict(header.brief))
    others = [row.key for row in rows if row.key not in failed]
    many = f"the {len(failed)} of {len(rows)} videos" if failed else "none of the videos"
    return {
        "formData": form | {"exclude": [*form.get("exclude", ()), *others]},
        "note": f"This brief makes {many} of {header.batch_key} that failed. The others are "
        "excluded, so that nothing is bought twice. Edit the idea, then order.",
    }


@routes.get("/new/matrix")
async def matrix(request: Request, asked: Looking) -> Response:
    """Every combination of the brief in this browser, to strike out what is not wanted."""
    return await _step(request, asked, "matrix.html", title="Matrix")


@routes.get("/new/confirm")
async def confirm(request: Request, asked: Looking) -> Response:
    """What would be made, what it costs and when it is done; and the button that orders it."""
    return await _step(request, asked, "confirm.html", title="Confirm")


async def _step(
    request: Request, asked: Asked, template: str, *, title: str, seed: Any = None
) -> Response:
    parts = parts_of(request)
    vocabulary = await asyncio.to_thread(parts.vocabulary)
    known = Vocabulary.of(vocabulary, most_videos=parts.most_videos)
    async with asked.scope.read() as session:
        data = await _standing(session, asked, parts)
    data |= {
        "workspace": str(asked.actor.workspace_id),
        "vocabulary": known.model_dump(mode="json", by_alias=True),
        "models": [
            Model.of(offer).model_dump(mode="json", by_alias=True) for offer in parts.offers()
        ],
        "typicalVideoSeconds": int(TYPICAL_VIDEO.total_seconds()),
        "seed": seed,
    }
    return page(request, asked, template, title=title, section="new", data=data)


async def _standing(session: AsyncSession, asked: Asked, parts: Parts) -> dict[str, Any]:
    """What stands between the brief and its videos now: budgets, slots, and who waits already."""
    lane, workspace_id = parts.lane(), asked.actor.workspace_id
    caps = await budgets.caps_of(session, workspace_id)
    lanes = await reads.lanes(session, provider=lane.provider, workspace_id=workspace_id)
    mine = next((state for state in lanes if state.account == lane.account), None)
    told = Budget.model_validate(caps, from_attributes=True)
    return {
        "caps": told.model_dump(mode="json", by_alias=True),
        "lane": {"provider": lane.provider, "account": lane.account},
        "slots": lane.slot_limit if mine is None else mine.limit,
        "ahead": 0 if mine is None else mine.waiting + mine.held,
    }


def _sample(parts: Parts) -> dict[str, Any]:
    name = "sample/brief.yaml"
    text = (resources.files("spotloom") / name).read_text(encoding="utf-8")
    form, problems = read_draft(
        parse_mapping(text, what="brief", name=name),
        vocabulary=parts.vocabulary(),
        offers=parts.offers(),
    )
    if problems and not form:
        raise NotFound("The sample does not fit this installation's vocabulary.")
    return sendable(form)

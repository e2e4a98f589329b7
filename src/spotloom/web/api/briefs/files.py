"""Brief files over HTTP: the YAML of `spotloom make` in, the form's data out, and back."""

from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Response

from spotloom.contract.briefs import BriefFile, BriefRead, BriefWriteAsk, BriefWritten
from spotloom.contract.problems import FieldProblem
from spotloom.errors import BriefError
from spotloom.forms import parse_mapping, read_draft, write_brief
from spotloom.web.door.answers import problems, shaped, takes
from spotloom.web.door.asking import Planner, ThePace, TheParts
from spotloom.web.door.bodies import Body, Written
from spotloom.web.errors import invalid
from spotloom.web.parts import Parts

routes = APIRouter(prefix="/api/brief", tags=["planning"])


@routes.post(
    "/read",
    operation_id="readBrief",
    response_model=BriefRead,
    responses=problems(body=True),
    openapi_extra=takes(BriefFile),
)
async def read(asked: Planner, parts: TheParts, pace: ThePace, body: Body) -> Response:
    """What a brief file says, as `formData`; stores nothing.

    Gaps and faults of single fields are told beside what could be read; a text that is no brief
    file at all is a 422.
    """
    del asked  # who may see campaigns may read a file
    return shaped(await pace.aside(_read, body, parts))


@routes.post(
    "/write",
    operation_id="writeBrief",
    response_model=BriefWritten,
    responses=problems(body=True),
    openapi_extra=takes(BriefWriteAsk),
)
async def write(asked: Planner, body: Body) -> Response:
    """A brief as the text of a file that `spotloom make` takes; stores nothing."""
    del asked
    ask = body.fit(BriefWriteAsk)
    data = ask.form_data.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return shaped(BriefWritten(yaml=write_brief(data)))


def _read(body: Written, parts: Parts) -> BriefRead:
    ask = body.fit(BriefFile)
    try:
        data = parse_mapping(ask.yaml, what="yaml", name=ask.name)
    except BriefError as error:
        raise invalid(error.problems) from error
    form, found = read_draft(data, vocabulary=parts.vocabulary(), offers=parts.offers())
    return BriefRead(
        form_data=sendable(form),
        problems=[FieldProblem(field=p.field, message=p.message) for p in found],
    )


def sendable(form: dict[str, Any]) -> dict[str, Any]:
    """A stored or written brief as `FormData` takes it: its money is a number, not a text."""
    budget = form.get("budget")
    return form if budget is None else form | {"budget": float(Decimal(budget))}

"""What a brief can choose from: the vocabulary and the models."""

import asyncio

from fastapi import APIRouter, Response

from spotloom.contract.offers import Model, Models, Vocabulary
from spotloom.web.door.answers import problems, shaped
from spotloom.web.door.asking import TheParts, Viewer

routes = APIRouter(prefix="/api", tags=["planning"])


@routes.get(
    "/vocabulary",
    operation_id="getVocabulary",
    response_model=Vocabulary,
    responses=problems(),
)
async def vocabulary(asked: Viewer, parts: TheParts) -> Response:
    """The dimensions and their options, the animation styles, and the rules between them."""
    del asked
    known = await asyncio.to_thread(parts.vocabulary)
    return shaped(Vocabulary.of(known, most_videos=parts.most_videos))


@routes.get("/models", operation_id="getModels", response_model=Models, responses=problems())
async def models(asked: Viewer, parts: TheParts) -> Response:
    """The models, with durations, sizes and dated prices; the default first."""
    del asked
    return shaped(Models(models=[Model.of(offer) for offer in parts.offers()]))

"""The studio: pages rendered here, made lively by elements over the public API."""

from fastapi import APIRouter

from spotloom.web.pages import brief, campaign, files, home, queue, review, settings, sign_in

routes = (
    files.routes,
    sign_in.routes,
    home.routes,
    brief.routes,
    campaign.routes,
    review.routes,
    queue.routes,
    settings.routes,
)


def router() -> APIRouter:
    """Every page, and the files that pages need."""
    all_of_them = APIRouter(include_in_schema=False)
    for each in routes:
        all_of_them.include_router(each)
    return all_of_them

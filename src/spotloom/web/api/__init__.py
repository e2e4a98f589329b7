"""The public JSON API, a module for each subject."""

from fastapi import APIRouter

from spotloom.web.api import (
    audit,
    batches,
    brands,
    briefs,
    budgets,
    campaigns,
    combinations,
    hooks,
    lists,
    offers,
    plans,
    queue,
)


def router() -> APIRouter:
    """Every route of the API."""
    routes = APIRouter()
    planning, running = (offers, plans), (batches, campaigns, brands, lists, combinations)
    for subject in (*planning, *running, queue, budgets, hooks, audit):
        routes.include_router(subject.routes)
    for more in briefs.routes:
        routes.include_router(more)
    return routes

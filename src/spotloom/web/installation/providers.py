"""The providers: which are set up, and whether they answer."""

import asyncio
import datetime as dt
import time

from fastapi import APIRouter, Response

from spotloom.contract.installation.providers import (
    Provider,
    ProviderAnswer,
    Providers,
    SellerPrice,
    Setting,
)
from spotloom.contract.offers import Model
from spotloom.errors import NotFound, SpotloomError
from spotloom.providers.catalog import catalog
from spotloom.providers.provider import answers
from spotloom.web.door.answers import problems, shaped
from spotloom.web.door.asking import Admin, TheParts, Viewer, noted
from spotloom.web.parts import KnownProvider, Parts

routes = APIRouter(prefix="/api/providers", tags=["installation"])

PATIENCE_S = 15.0  # a person waits for it


@routes.get("", operation_id="listProviders", response_model=Providers, responses=problems())
async def listed(asked: Viewer, parts: TheParts) -> Response:
    """The providers of the catalog, that of new batches first, with what to set up and prices."""
    del asked
    told = [_provider(known, parts) for known in parts.known]
    told.sort(key=lambda provider: not provider.default)
    prices = [
        SellerPrice(
            seller=price.seller,
            model=price.model,
            resolution=price.resolution,
            per_second=price.rate.per_second,
            as_of=price.rate.as_of,
            source=price.rate.source,
        )
        for price in catalog().prices
    ]
    return shaped(Providers(providers=told, prices=prices))


@routes.post(
    "/{provider}/test",
    operation_id="testProvider",
    response_model=ProviderAnswer,
    responses=problems(404),
)
async def test(asked: Admin, provider: str, parts: TheParts) -> Response:
    """Really ask a provider about a job that it cannot have; orders nothing, pays nothing."""
    known = next((each for each in parts.known if each.name == provider), None)
    if known is None:
        raise NotFound(f"There is no provider {provider[:80]!r}.")
    began = time.monotonic()
    well, says = await asked_of(known)
    took = round(1000 * (time.monotonic() - began))
    async with asked.scope.begin() as session:
        await noted(session, asked, "provider.tested", provider, well=well)
    return shaped(
        ProviderAnswer(
            provider=provider,
            well=well,
            says=says,
            milliseconds=took,
            at=dt.datetime.now(dt.UTC),
        )
    )


async def asked_of(known: KnownProvider, *, within_s: float = PATIENCE_S) -> tuple[bool, str]:
    """Whether the provider answers, and what there is to say of it."""
    if known.adapter is None:
        lacking = ", ".join(s.name for s in known.settings if s.needed and not s.is_set)
        return False, f"Not set up: set {lacking} for the server, and start it again."
    try:
        async with asyncio.timeout(within_s):
            await answers(known.adapter)
    except TimeoutError:
        return False, f"No answer within {within_s:g} s."
    except SpotloomError as error:
        return False, str(error)
    return True, f"{known.adapter.account} answers."


def _provider(known: KnownProvider, parts: Parts) -> Provider:
    offer = catalog().offer(known.name)
    return Provider(
        name=known.name,
        configured=known.adapter is not None,
        default=parts.lane().provider == known.name,
        charges=any(model.charges for model in offer.capabilities),
        account=None if known.adapter is None else known.adapter.account,
        dialect=known.dialect or offer.dialect,
        concurrent=(known.adapter.limits() if known.adapter else offer.limits).concurrent,
        poll_seconds=known.poll_s or offer.limits.poll_s,
        settings=[
            Setting(name=s.name, about=s.about, needed=s.needed, is_set=s.is_set)
            for s in known.settings
        ],
        models=[Model.of(model) for model in offer.capabilities],
    )

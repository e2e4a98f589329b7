"""From a request's body to the plan that it asks for, and where the client's picture differs."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from spotloom.contract.batches import BatchAsk, MatrixResult, MatrixRow
from spotloom.creative.matrix import combination_key
from spotloom.creative.pricing import dollars, price
from spotloom.creative.rules import Condition
from spotloom.errors import BriefError, Problem
from spotloom.forms import parse_brief
from spotloom.forms.planned import Planned, worked_out
from spotloom.web.door.bodies import Written
from spotloom.web.errors import Refused
from spotloom.web.parts import Parts

Ask = TypeVar("Ask", bound=BatchAsk)

MOST_DIFFERENCES = 20


def ordered(body: Written, model: type[Ask], parts: Parts) -> tuple[Ask, Planned]:
    """What is asked, and the plan of its brief; takes a while, so call it in a thread.

    BriefError in the words of the form, then Refused for what is no request of ours at all.
    """
    vocabulary, offers = parts.vocabulary(), parts.offers()
    brief = None
    if isinstance(body.data, dict) and isinstance(body.data.get("formData"), dict):
        form, own = _with_exclusions(body.data)
        try:
            brief = parse_brief(form, vocabulary=vocabulary, offers=offers)
        except BriefError as error:
            raise BriefError([_placed(problem, own=own) for problem in error.problems]) from error
    ask = body.fit(model)
    assert brief is not None  # noqa: S101 - it fits, so it has a formData
    try:
        return ask, worked_out(brief, vocabulary=vocabulary, offers=offers, most=parts.most_videos)
    except BriefError as error:
        raise BriefError([_placed(problem, own=None) for problem in error.problems]) from error


def _with_exclusions(data: Mapping[str, Any]) -> tuple[dict[str, Any], int | None]:
    """The form with the request's exclusions after its own, and how many are its own."""
    form = dict(data["formData"])
    more, own = data.get("excludedCombinations"), form.get("exclude")
    if not isinstance(more, list) or not isinstance(own, list | None):
        return form, None
    form["exclude"] = [*(own or ()), *more]
    return form, len(own or ())


def _placed(problem: Problem, *, own: int | None) -> Problem:
    """The problem under the path that its field has in the request."""
    name, bracket, rest = problem.field.partition("[")
    if name == "exclude" and own is not None and bracket:
        place, _, after = rest.partition("]")
        if int(place) >= own:
            return Problem(f"excludedCombinations[{int(place) - own}]{after}", problem.message)
    return Problem(f"formData.{problem.field}", problem.message)


def refuse_difference(shown: MatrixResult | None, planned: Planned) -> None:
    """Refused (409) naming each difference, when the client shows something else than is made."""
    if shown is None:
        return
    found = tuple(islice(_differences(shown, planned), MOST_DIFFERENCES))
    if found:
        raise Refused(
            409,
            "What you see is not what would be made",
            f"{found[0].field} {found[0].message} Nothing was stored or spent now: plan again.",
            kind="difference",
            errors=found,
        )


def _differences(shown: MatrixResult, planned: Planned) -> Iterator[Problem]:
    plan, at = planned.plan, "matrixResult"
    count = len(plan.requests)
    if shown.total_videos not in (None, count):
        yield Problem(f"{at}.totalVideos", f"is {shown.total_videos:,}; {count:,} would be made.")
    if shown.total_combinations not in (None, count, plan.brief.product):
        yield Problem(
            f"{at}.totalCombinations",
            f"is {shown.total_combinations:,}; the choices make {plan.brief.product:,}.",
        )
    if shown.estimated_cost is not None and shown.estimated_cost != round(plan.total, 2):
        yield Problem(
            f"{at}.estimatedCost",
            f"is {dollars(shown.estimated_cost)}; the price is {dollars(plan.total)}.",
        )
    yield from _seller(shown, planned)
    if shown.combinations is not None:
        yield from _rows(shown.combinations, planned)


def _seller(shown: MatrixResult, planned: Planned) -> Iterator[Problem]:
    """Where the client shows another provider, or as free what is charged, at the same sum."""
    at, offer = "matrixResult", planned.offer
    if shown.charges not in (None, offer.charges):
        free = f"is {str(shown.charges).lower()}; {offer.provider} charges"
        yield Problem(f"{at}.charges", f"{free}{'' if offer.charges else ' nothing'}.")
    if shown.provider not in (None, offer.provider):
        yield Problem(f"{at}.provider", f"is another; {offer.provider} would make the videos.")


def _rows(rows: list[MatrixRow], planned: Planned) -> Iterator[Problem]:
    """Where the rows differ; they may still have those that the client itself excludes."""
    at = "matrixResult.combinations"
    plan = planned.plan
    own = _excluded_by_hand(planned)
    made = {c.key: r for c, r in zip(plan.combinations, plan.requests, strict=True)}
    seen: set[str] = set()
    for place, row in enumerate(rows):
        key, here = row.combination_id, f"{at}[{place}]"
        if key in seen:
            yield Problem(f"{here}.combinationId", f"{key} is there twice.")
        seen.add(key)
        if row.values is not None and combination_key(row.values.items()) != key:
            yield Problem(f"{here}.values", f"are not those of {key}.")
        if key in own:
            continue
        if key not in made:
            yield Problem(f"{here}.combinationId", f"{key} would not be made.")
            continue
        each = price(plan.rate, made[key].duration)
        if row.estimated_cost is not None and row.estimated_cost != round(each, 2):
            yield Problem(
                f"{here}.estimatedCost",
                f"of {key} is {dollars(row.estimated_cost)}; the price is {dollars(each)}.",
            )
    for key in made.keys() - seen:
        yield Problem(at, f"lack {key}, which would be made.")


def _excluded_by_hand(planned: Planned) -> set[str]:
    """The combinations that the client's own exclusions take out."""
    exclude = planned.plan.brief.exclude
    named = {entry for entry in exclude if isinstance(entry, str)}
    conditions = [entry for entry in exclude if isinstance(entry, Condition)]
    for entry in planned.plan.excluded:
        values = dict(entry.combination.values)
        if any(condition.holds(values) for condition in conditions):
            named.add(entry.combination.key)
    return named

"""From a brief's file to its plan, for every command that takes a brief."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from spotloom.errors import BriefError, Problem
from spotloom.forms import load_vocabulary, parse_brief, read_brief
from spotloom.forms.planned import Planned, worked_out
from spotloom.forms.problems import did_you_mean, listed, quoted
from spotloom.providers.catalog import catalog
from spotloom.settings import Settings

BriefFile = Annotated[Path, typer.Argument(help="The brief, a YAML file.", metavar="BRIEF.yaml")]
Provider = Annotated[
    str | None,
    typer.Option(help="Who makes the videos: sandbox or openai-videos.", metavar="NAME"),
]
Model = Annotated[
    str | None, typer.Option(help="Which of its models, instead of the brief's.", metavar="NAME")
]
Budget = Annotated[
    str | None,
    typer.Option(help="Most to spend, in US dollars, instead of the brief's.", metavar="USD"),
]
_MOST = Decimal(10_000_000)


def planned(
    path: Path,
    settings: Settings,
    *,
    provider: str | None = None,
    model: str | None = None,
    budget: str | None = None,
) -> Planned:
    """The plan of the brief in that file; BriefError with everything that is wrong with it.

    `model` and `budget` stand above what the file says.
    """
    problems: list[Problem] = []
    vocabulary = load_vocabulary(settings.vocabulary)
    with _collected(problems):
        offers = catalog().capabilities(_known(provider or settings.provider, problems))
        cap = None
        if budget is not None:
            with _collected(problems):
                cap = dollars_option("--budget", budget)
        written = read_brief(path)
        if model is not None:
            written["model"] = model
        if budget is not None:
            written.pop("budget", None)
        brief = parse_brief(written, vocabulary=vocabulary, offers=offers)
    if problems:
        raise BriefError(problems)
    if cap is not None:
        brief = replace(brief, budget=cap)
    return worked_out(brief, vocabulary=vocabulary, offers=offers, most=settings.max_videos)


@contextlib.contextmanager
def _collected(problems: list[Problem]) -> Iterator[None]:
    """Go on after a BriefError, so that everything wrong is told at once."""
    try:
        yield
    except BriefError as error:
        problems += error.problems


def _known(provider: str, problems: list[Problem]) -> str:
    """The provider; where there is none of this name, another to check the brief against."""
    known = catalog().offers
    if provider in known:
        return provider
    hint = did_you_mean(provider, known)
    message = f"{quoted(provider)} is not a provider.{hint} Known: {listed(known, last='and')}."
    problems.append(Problem("--provider", message))
    return next(iter(known))


def dollars_option(name: str, text: str) -> Decimal:
    """The amount that an option gives; BriefError under the option's name when it gives none."""
    try:
        amount = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= _MOST or amount != round(amount, 2):
        message = (
            f"must be an amount of US dollars from 0 to {_MOST:,}, such as 250 or 99.50, "
            f"not {quoted(text)}."
        )
        raise BriefError([Problem(name, message)])
    return round(amount, 2)

"""What all shapes of the contract share: camelCase names, exact money, pages."""

import math
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

T = TypeVar("T")

LARGEST_SUM = 10_000_000  # US dollars
_CENT = Decimal("0.01")


class Told(BaseModel):
    """Something the server answers; readers ignore what they do not know."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, frozen=True
    )


class Asked(BaseModel):
    """Something a client sends: the named fields and types, and nothing else."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
        extra="forbid",
        strict=True,
    )


def _amount(written: object) -> Decimal:
    """The amount as people mean it: 0.35000000000000003, as machines add up, is 0.35."""
    if isinstance(written, bool) or not isinstance(written, int | float | Decimal):
        raise ValueError("must be a number of US dollars")  # noqa: TRY004 - pydantic's word for it
    if not math.isfinite(written) or not 0 <= written <= LARGEST_SUM:
        raise ValueError(f"must be from 0 to {LARGEST_SUM:,} US dollars")
    exact = Decimal(str(written))
    cents = exact.quantize(_CENT)
    if abs(exact - cents) > Decimal("1e-9"):
        raise ValueError("must have no more than two decimals")
    return cents


# Answered as a JSON number, as the manifest has it; exact in Python.
Money = Annotated[
    Decimal,
    PlainSerializer(float, return_type=float, when_used="json"),
    WithJsonSchema({"type": "number", "description": "US dollars"}),
]
Dollars = Annotated[
    Decimal,
    BeforeValidator(_amount),
    PlainSerializer(float, return_type=float, when_used="json"),
    WithJsonSchema(
        {"type": "number", "minimum": 0, "maximum": LARGEST_SUM, "description": "US dollars"}
    ),
]
CombinationId = Annotated[str, Field(min_length=1, max_length=40, examples=["kabcd2345wxy"])]


class Page(Told, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = Field(
        description="Send it as `cursor` for the next page; null on the last one."
    )

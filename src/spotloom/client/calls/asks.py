"""The shapes that requests have, each by its method."""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel

from spotloom.client.call import Call, Query

M = TypeVar("M", bound=BaseModel)


def get(operation: str, path: str, answer: type[M], query: Query | None = None) -> Call[M]:
    """What that path has; asked as often as it takes."""
    return Call(
        operation=operation,
        method="GET",
        path=path,
        parse=answer.model_validate_json,
        query=query or {},
    )


def post(
    operation: str,
    path: str,
    answer: type[M],
    body: BaseModel | Mapping[str, Any] | None = None,
    *,
    once: bool = True,
    version: int | None = None,
) -> Call[M]:
    """Send something there; sent again it has no second effect, or it is not `once`."""
    return Call(
        operation=operation,
        method="POST",
        path=path,
        parse=answer.model_validate_json,
        body=body,
        once=once,
        version=version,
    )


def patch(
    operation: str, path: str, answer: type[M], body: BaseModel, *, version: int | None = None
) -> Call[M]:
    """Change what is there: the same change again changes nothing, or names an old version."""
    return Call(
        operation=operation,
        method="PATCH",
        path=path,
        parse=answer.model_validate_json,
        body=body,
        version=version,
        once=version is None,
    )


def delete(operation: str, path: str, *, version: int | None = None) -> Call[None]:
    """Take away what is there."""
    return Call(
        operation=operation,
        method="DELETE",
        path=path,
        parse=lambda _: None,
        version=version,
        once=False,
    )


def path_of(template: str, *names: str | UUID) -> str:
    """The path with these names in it, whatever letters they have."""
    return template.format(*(quote(str(name), safe="") for name in names))


def query(**given: str | int | list[str] | None) -> Query:
    """The query, without what was not given."""
    return {name: value for name, value in given.items() if value not in (None, [])}

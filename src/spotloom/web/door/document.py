"""The OpenAPI document: complete, with the models that routes read by themselves."""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from spotloom.web.door.answers import EVER, NAMED, problems_of_all

ABOUT = """Everything that the studio and the command line do.

Sign in with an API key as `Authorization: Bearer …`. Errors are problem details (RFC 9457), each
wrong field with its path. Lists go on with `cursor`. Money is in US dollars.
"""


def describe(application: FastAPI) -> None:
    """Have the application tell its whole document."""
    plain = application.openapi

    def openapi() -> dict[str, Any]:
        if application.openapi_schema is None:
            document = plain()
            document["info"]["description"] = ABOUT
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(_named())
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            for methods in document["paths"].values():
                for operation in methods.values():
                    _complete(operation)
            document["components"]["responses"] = {
                f"Problem{status}": told for status, told in problems_of_all().items()
            }
            application.openapi_schema = document
        return application.openapi_schema

    application.openapi = openapi  # type: ignore[method-assign] # FastAPI's own way to extend it


def _named() -> dict[str, Any]:
    models = [(NAMED[name], "validation") for name in sorted(NAMED)]
    _, told = models_json_schema(
        models,  # type: ignore[arg-type] # the mode is a literal, which a list forgets
        ref_template="#/components/schemas/{model}",
    )
    definitions: dict[str, Any] = told["$defs"]
    return definitions


def _complete(operation: dict[str, Any]) -> None:
    """Add what can happen with every route, and say each problem once for all routes.

    What the route says first of itself is its title; the framework would take a function's name.
    """
    operation["summary"] = operation["description"].partition("\n\n")[0].removesuffix(".")
    responses, told = operation["responses"], problems_of_all()
    every = {"401"} if operation.get("security") else set()
    for status in {*every, *map(str, EVER)} - responses.keys() | {"422"}:
        responses[status] = told[status]
    for status, response in responses.items():
        if response == told.get(status):
            responses[status] = {"$ref": f"#/components/responses/Problem{status}"}
    operation["responses"] = dict(sorted(responses.items()))

"""The OpenAPI document: complete, with the models that routes read by themselves."""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from spotloom.web.door.answers import NAMED

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
            application.openapi_schema = _sorted(document)
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


def _sorted(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its paths and schemas in order, the same on every machine."""
    document["paths"] = dict(sorted(document["paths"].items()))
    document["components"]["schemas"] = dict(sorted(document["components"]["schemas"].items()))
    return document

"""The OpenAPI document that is committed is what the application tells."""

import json

from tests.integration import api_document

MENDED = "PYTHONPATH=src:. python -m tests.integration.api_document"


def test_the_document_is_current():
    committed = api_document.DOCUMENT.read_text(encoding="utf-8")
    assert committed == api_document.told(), f"write it anew: {MENDED}"


def test_the_document_is_whole():
    document = json.loads(api_document.DOCUMENT.read_text(encoding="utf-8"))
    operations = [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/api/") and "webhook" not in path
    ]
    names = [operation["operationId"] for _, operation in operations]
    assert len(names) == len(set(names)) > 30
    assert [route for route, o in operations if not o.get("description")] == []
    closed = {route for route, o in operations if o.get("security")}
    open_ones = {route for route, _ in operations} - closed
    assert open_ones == set()
    unsaid = [route for route, o in operations if route in closed and "401" not in o["responses"]]
    assert unsaid == []

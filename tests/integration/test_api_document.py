"""The OpenAPI document that is committed is what the application tells."""

import json
import re

from tests.integration import api_document

MENDED = "PYTHONPATH=src:. python -m tests.integration.api_document"


def operations() -> list[tuple[str, str, dict[str, object]]]:
    document = json.loads(api_document.DOCUMENT.read_text(encoding="utf-8"))
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_is_current():
    committed = api_document.DOCUMENT.read_text(encoding="utf-8")
    assert committed == api_document.told(), f"write it anew: {MENDED}"


def test_every_operation_has_a_name_for_programs_and_a_title_for_people():
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names)) > 60
    assert [name for name in names if not re.fullmatch("[a-z]+([A-Z][a-z]+)*", name)] == []
    titles = [operation["summary"] for _, _, operation in operations()]
    assert [title for title in titles if not 6 < len(title) < 100 or title.istitle()] == []


def test_nobody_is_let_in_by_the_document_but_at_the_doors():
    open_ones = {path for _, path, o in operations() if not o.get("security")}
    webhooks = {path for path in open_ones if "webhook" in path}
    asked_by_machines = {"/healthz", "/readyz", "/metrics"}
    assert {
        p for p in open_ones - webhooks - asked_by_machines if not p.startswith("/auth/")
    } == set()
    closed = [o for _, _, o in operations() if o.get("security")]
    assert [o["operationId"] for o in closed if "401" not in o["responses"]] == []

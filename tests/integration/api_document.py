"""Writes docs/openapi.json anew: `PYTHONPATH=src:. python -m tests.integration.api_document`."""

import json
import tempfile
from pathlib import Path

from tests.integration.api_stage import parts_over

from spotloom.web.app import app

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
NOWHERE = "postgresql://127.0.0.1:9/nothing"  # the document needs no database


def told() -> str:
    """The document as the application tells it now."""
    with tempfile.TemporaryDirectory() as folder:
        parts, _ = parts_over(NOWHERE, Path(folder))
        document = app(parts).openapi()
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(told(), encoding="utf-8")

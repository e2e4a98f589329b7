"""Loads the vocabulary that comes with the program, and what a workspace adds to it."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from spotloom.creative.dimensions import Vocabulary
from spotloom.forms.written import parse_mapping, read_mapping


def load_vocabulary(extension: Path | None = None) -> Vocabulary:
    """The packaged vocabulary, extended by a workspace's YAML file when one is given."""
    added = read_mapping(extension, what="vocabulary") if extension else {}
    return extend_vocabulary(added)


def extend_vocabulary(added: Mapping[str, Any]) -> Vocabulary:
    """The packaged vocabulary with these dimensions, options, rules and texts laid over it."""
    return Vocabulary.from_mapping(_laid_over(_packaged(), added))


def _packaged() -> dict[str, Any]:
    name = "vocabulary.yaml"
    text = (resources.files("spotloom") / name).read_text(encoding="utf-8")
    return parse_mapping(text, what="vocabulary", name=name)


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both mappings as one: what is above wins, and a null above takes the entry out."""
    merged = dict(below)
    for key, value in above.items():
        under = below.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(under, Mapping):
            merged[key] = _laid_over(under, value)
        else:
            merged[key] = value
    return merged

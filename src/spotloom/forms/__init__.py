"""The door for briefs: files and API bodies in, our own types out, every problem named."""

from spotloom.forms.brief import brief_to_data, parse_brief, read_draft
from spotloom.forms.vocabulary import extend_vocabulary, load_vocabulary
from spotloom.forms.writing import write_brief
from spotloom.forms.written import parse_mapping, read_brief

__all__ = [
    "brief_to_data",
    "extend_vocabulary",
    "load_vocabulary",
    "parse_brief",
    "parse_mapping",
    "read_brief",
    "read_draft",
    "write_brief",
]

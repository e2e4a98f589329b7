"""The door for briefs: files and API bodies in, our own types out, every problem named."""

from spotloom.forms.brief import brief_to_data, parse_brief
from spotloom.forms.vocabulary import extend_vocabulary, load_vocabulary
from spotloom.forms.written import read_brief

__all__ = ["brief_to_data", "extend_vocabulary", "load_vocabulary", "parse_brief", "read_brief"]

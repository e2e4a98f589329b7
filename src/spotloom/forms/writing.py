"""Writes a brief as the YAML file that people keep, read and give to the command line."""

from collections.abc import Mapping
from typing import Any

import yaml

_WIDTH = 100  # characters
_ORDER = (
    *("brand", "productCategory", "bigIdea", "visualMessaging", "audioMessaging"),
    *("heroVoDescription", "callToAction", "landingUrl", "dimensions", "animationStyle"),
    *("model", "duration", "aspectRatio", "loop", "priority", "budget", "exclude"),
)


def write_brief(data: Mapping[str, Any]) -> str:
    """The brief's text; reading it gives the same values again."""
    known = {key: data[key] for key in _ORDER if data.get(key) is not None}
    return yaml.dump(
        known, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH, indent=2
    )


class _Dumper(yaml.SafeDumper):
    """Lists on one line, as people write options; the same value twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the name is PyYAML's
        return True

    def options(self, data: list[Any]) -> yaml.SequenceNode:
        plain = all(isinstance(entry, str) for entry in data)
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=plain)


_Dumper.add_representer(list, _Dumper.options)

"""Which version of a thing the client has seen: `If-Match` in, ETag out."""

import re
from typing import Annotated

from fastapi import Header

from spotloom.web.errors import Refused

_TAG = re.compile(r'"([0-9]{1,9})"')

IfMatch = Annotated[
    str | None,
    Header(
        max_length=200,
        description='The ETag as you have seen it, such as `"3"`, or `*` for any.',
    ),
]


def etag(version: int) -> str:
    """The version as the ETag's value."""
    return f'"{version}"'


def expected(if_match: str | None, present: int) -> int | None:
    """The version that the change is for, of those that `If-Match` allows; None for any."""
    if if_match is None:
        raise Refused(
            428,
            "Say which version you have seen",
            "Send its ETag as If-Match, so that nobody's change is overwritten.",
        )
    return perhaps_expected(if_match, present)


def perhaps_expected(if_match: str | None, present: int) -> int | None:
    """The same, of a change that need not say what was seen."""
    if if_match is None or if_match.strip() == "*":
        return None
    seen = {int(number) for number in _TAG.findall(re.sub(r'W/"[^"]*"', "", if_match))}
    return present if present in seen else min(seen, default=0)

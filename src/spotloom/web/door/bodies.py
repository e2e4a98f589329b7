"""Reads the JSON that strangers send: plain, small, unambiguous, or refused with the reason."""

import email.message
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from spotloom.errors import Problem
from spotloom.web.door.asking import pace_of
from spotloom.web.errors import Refused, fields_of, invalid

M = TypeVar("M", bound=BaseModel)

DEEPEST = 12  # levels; a brief has 5
LONGEST_NUMBER = 30  # characters
SMALL = 16 * 1024  # bytes; what is longer is read in a thread


class _Unreadable(ValueError):
    """JSON that we do not take."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a request's body says."""

    data: Any

    def fit(self, model: type[M]) -> M:
        """The body as that model; Refused with every field that does not fit it."""
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            raise invalid(fields_of(error)) from error

    @property
    def digest(self) -> str:
        """A SHA-256 over the values, whatever the order and the spaces they came in."""
        text = json.dumps(self.data, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


async def written(request: Request) -> Written:
    """The request's JSON; Refused when there is none, or none that we take."""
    body = await request.body()
    if not body:
        raise invalid([Problem("body", "is missing; send a JSON object.")])
    return await _read(request, body)


async def perhaps_written(request: Request) -> Written:
    """The request's JSON, or an empty object when it has no body."""
    body = await request.body()
    return await _read(request, body) if body else Written({})


# Named in a route's signature after who asks: strangers are turned away before they are read.
Body = Annotated[Written, Depends(written)]
PerhapsBody = Annotated[Written, Depends(perhaps_written)]


async def _read(request: Request, body: bytes) -> Written:
    _require_json(request.headers.get("content-type", ""))
    if len(body) <= SMALL:
        return Written(parse(body))
    return Written(await pace_of(request).aside(parse, body))


def parse(body: bytes) -> Any:
    """The JSON value; Refused (422) when it is not one, or one that could be read two ways."""
    try:
        value = json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_unique,
            parse_int=_number(int),
            parse_float=_number(Decimal),
            parse_constant=_no_constant,
        )
        _check(value)
    except UnicodeDecodeError as error:
        raise _refused(f"is not UTF-8 text: byte {error.start} is wrong.") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _refused(f"is not JSON: {error.msg} at {place}.") from error
    except _Unreadable as error:
        raise _refused(str(error)) from error
    except RecursionError as error:
        raise _refused(_too_deep()) from error
    return value


def _require_json(content_type: str) -> None:
    message = email.message.Message()
    message["content-type"] = content_type
    subtype = message.get_content_subtype()
    known = message.get_content_maintype() == "application"
    known = known and (subtype == "json" or subtype.endswith("+json"))
    charset = str(message.get_param("charset", "utf-8")).lower()
    if not content_type or not known or charset not in {"utf-8", "utf8"}:
        raise Refused(
            415,
            "Unsupported content type",
            "Send the body as application/json in UTF-8.",
            accept="application/json",
        )


def _refused(message: str) -> Refused:
    return invalid([Problem("body", message)])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value] # add answers None: the first time is false
        raise _Unreadable(f"has the key {twice[:80]!r} twice in one object.")
    return found


def _number(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if len(text) > LONGEST_NUMBER:
            raise _Unreadable(f"holds a number of {len(text)} characters; {LONGEST_NUMBER} do.")
        try:
            value = kind(text)
            fits = not isinstance(value, Decimal) or abs(value.adjusted()) <= LONGEST_NUMBER
        except InvalidOperation:  # an exponent of 19 digits
            fits = False
        if not fits:
            raise _Unreadable(f"holds the number {text}, which no field can be.")
        return value

    return read


def _no_constant(name: str) -> Any:
    raise _Unreadable(f"holds {name}, which is not JSON.")


def _too_deep() -> str:
    return f"is nested deeper than {DEEPEST} levels."


def _check(value: Any) -> None:
    """Hold every text and the depth to what can be stored and shown; no recursion."""
    level: list[Any] = [value]
    depth = 0
    while level:
        depth += 1
        below: list[Any] = []
        for one in level:
            if isinstance(one, str):
                _check_text(one)
            elif isinstance(one, dict):
                _check_texts(one)
                below += one.values()
            elif isinstance(one, list):
                below += one
        if below and depth > DEEPEST:
            raise _Unreadable(_too_deep())
        level = below


def _check_texts(texts: Iterable[str]) -> None:
    for text in texts:
        _check_text(text)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise _Unreadable("holds a NUL character; take it out.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            half = ord(text[error.start])
            raise _Unreadable(f"holds U+{half:04X}, half of a character; take it out.") from error

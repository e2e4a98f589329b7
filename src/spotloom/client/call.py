"""One request to the API, what its answer is, and when it may be sent again."""

import functools
import json
import random
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Generic, ParamSpec, Self, TypeVar, overload

import httpx2
from pydantic import BaseModel, ValidationError

from spotloom.client import errors
from spotloom.contract.shapes import Page
from spotloom.errors import SetupError

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Query = Mapping[str, str | int | list[str]]

MOST_TRIES = 5
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T_co]):
    """One request; one that is carried out `once` is sent again when its answer was lost."""

    operation: str  # its operationId in the document
    method: str
    path: str
    parse: Callable[[bytes], T_co]
    query: Query = field(default_factory=dict)
    body: BaseModel | Mapping[str, Any] | None = None
    version: int | None = None  # of what is changed, as it was seen
    once: bool = True

    def headers(self) -> dict[str, str]:
        """The headers that the call needs, the same for each time that it is sent."""
        given = {"Accept": "application/json"}
        if self.body is not None:
            given["Content-Type"] = "application/json"
        if self.method not in {"GET", "HEAD"}:
            given["Idempotency-Key"] = uuid.uuid4().hex
        if self.version is not None:
            given["If-Match"] = f'"{self.version}"'
        return given

    def content(self) -> bytes | None:
        """The body as JSON."""
        match self.body:
            case None:
                return None
            case BaseModel():
                return self.body.model_dump_json(by_alias=True, exclude_unset=True).encode()
            case _:
                return json.dumps(self.body, default=_plain, allow_nan=False).encode()

    def read(self, outcome: httpx2.Response | httpx2.TransportError) -> T_co:
        """What the server answered; what went wrong, as an error of ours."""
        if isinstance(outcome, httpx2.TransportError):
            raise errors.of_silence(outcome, once=self.once) from outcome
        if not outcome.is_success:
            raise errors.of_answer(outcome)
        try:
            return self.parse(outcome.content)
        except ValidationError as error:
            raise SetupError(
                f"{outcome.url} does not answer as this version of Spotloom does. "
                "Is the address right, and are client and server of one version?"
            ) from error


class Tries:
    """Counts how often a call was sent, and says whether to send it again."""

    def __init__(self, *, once: bool) -> None:
        self._once, self._made = once, 0

    def pause_after(self, outcome: httpx2.Response | httpx2.TransportError) -> float | None:
        """The seconds after which to send it again; None when this is how it ends."""
        self._made += 1
        asked_s = None if isinstance(outcome, httpx2.TransportError) else errors.wait_of(outcome)
        if self._made >= MOST_TRIES or not self._again(outcome, waits=asked_s is not None):
            return None
        # Not all that were turned away together come again together.
        own_s = FIRST_PAUSE_S * 2 ** (self._made - 1) * random.uniform(0.5, 1)  # noqa: S311 - no secret
        pause_s = max(asked_s or 0.0, own_s)
        return pause_s if pause_s <= LONGEST_PAUSE_S else None

    def _again(self, outcome: httpx2.Response | httpx2.TransportError, *, waits: bool) -> bool:
        """Whether nothing was carried out, or a second time is as good as none."""
        if isinstance(outcome, httpx2.TransportError):
            return self._once or errors.never_sent(outcome)
        match outcome.status_code:
            case 429:
                return True
            case 409:  # the first one is still being carried out
                return self._once and waits
            case 502 | 503 | 504:
                return self._once
            case _:
                return False


class Sends(ABC):
    """Who sends calls and waits for each."""

    @abstractmethod
    def send(self, call: Call[T]) -> T:
        """What the server answers to the call."""


class SendsLater(ABC):
    """Who sends calls while others go on."""

    @abstractmethod
    async def send(self, call: Call[T]) -> T:
        """What the server answers to the call."""


class Operation(Generic[P, T]):
    """A method of both clients, told once: what a call of it is."""

    def __init__(self, build: Callable[P, Call[T]]) -> None:
        self.build, self.__doc__ = build, build.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: Sends, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: SendsLater, owner: type) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, client: Sends | SendsLater | None, owner: type) -> Any:
        if client is None:
            return self

        @functools.wraps(self.build)
        def carried_out(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.send(self.build(*args, **kwargs))

        return carried_out


class Listing(Generic[P, T]):
    """A method of both clients that goes through all pages of a list."""

    def __init__(self, build: Callable[P, Call[Page[T]]]) -> None:
        self.build, self.__doc__ = build, build.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: Sends, owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, client: SendsLater, owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, client: Sends | SendsLater | None, owner: type) -> Any:
        if client is None:
            return self
        walk = _each if isinstance(client, Sends) else _each_later

        @functools.wraps(self.build)
        def listed(*args: P.args, **kwargs: P.kwargs) -> Any:
            return walk(client, self.build(*args, **kwargs))  # type: ignore[arg-type] # as chosen above

        return listed


def _each(client: Sends, call: Call[Page[T]]) -> Iterator[T]:
    page = client.send(call)
    yield from page.items
    while page.next_cursor is not None:
        page = client.send(_after(call, page.next_cursor))
        yield from page.items


async def _each_later(client: SendsLater, call: Call[Page[T]]) -> AsyncIterator[T]:
    page = await client.send(call)
    for item in page.items:
        yield item
    while page.next_cursor is not None:
        page = await client.send(_after(call, page.next_cursor))
        for item in page.items:
            yield item


def _after(call: Call[T], cursor: str) -> Call[T]:
    return replace(call, query={**call.query, "cursor": cursor})


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")

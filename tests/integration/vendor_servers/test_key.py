"""The key goes to the configured server, and nowhere else."""

import logging

import pytest
from tests.integration.vendor_servers.pairs import (
    KEY,
    REQUEST,
    HTTPRecorder,
    adapter,
    finished,
    read,
)
from tests.integration.vendor_servers.wire import CUT, Answer, say

from spotloom.errors import OutcomeUnknown, Transient


async def test_the_key_is_in_no_log_no_error_and_no_repr(pair, caplog):
    caplog.set_level(logging.DEBUG)
    errors: list[BaseException] = []
    thief = say(401, {"error": {"message": f"Incorrect API key provided: {KEY}", "code": KEY}})
    failed = {"id": "v", "status": "failed", "error": {"code": KEY, "message": f"{KEY} is bad"}}
    job = await finished(pair)
    for what, call in {
        "create": lambda: pair.provider.submit(REQUEST),
        "get": lambda: pair.provider.poll(job),
        "content": lambda: read(pair.provider, job),
    }.items():
        for answer in (thief, CUT, say(500, {"detail": KEY})):
            pair.server.script(what, answer)
            with pytest.raises((Transient, OutcomeUnknown)) as caught:
                await call()
            errors.append(caught.value)
    pair.server.script("get", say(200, failed))
    outcome = await pair.provider.poll(job)
    shown = [str(outcome), repr(pair.provider), repr(vars(pair.provider)), pair.provider.account]
    for error in errors:
        cause: BaseException | None = error
        while cause is not None:
            shown += [str(cause), repr(cause), repr(vars(cause))]
            cause = cause.__cause__ or cause.__context__
    assert pair.server.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in "\n".join([*shown, caplog.text])


async def test_a_server_without_a_key_is_sent_none():
    async with HTTPRecorder(say(200, {"id": "v1", "status": "queued"})) as server:
        provider = adapter(server.url, "generic", key=None)
        await provider.submit(REQUEST)
        await provider.close()
        assert "authorization" not in server.seen[0].headers


async def test_proxies_of_the_environment_are_not_used(generic, monkeypatch):
    async with HTTPRecorder(Answer(status=502)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        provider = adapter(generic.server.url, "generic")
        await provider.submit(REQUEST)
        await provider.close()
        assert proxy.seen == []

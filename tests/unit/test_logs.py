"""What the log tells, and what it never does."""

import io
import json
import logging
import sys

import pytest
import structlog

from spotloom import logs

SECRET = "s3cretS3cret"


@pytest.fixture
def told(monkeypatch):
    """The log as `spotloom` writes it when nobody watches a terminal."""
    stream, before = io.StringIO(), structlog.get_config()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure(logging.DEBUG)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.configure(**before)


def test_an_event_is_one_json_object_with_its_fields(told):
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger().info("generation.submitted", generation_id="g-1", n=3, ms=1.5)
    (event,) = told()
    assert event.pop("timestamp")
    assert event == {
        "event": "generation.submitted",
        "level": "info",
        "generation_id": "g-1",
        "request_id": "r-1",
        "n": 3,
        "ms": 1.5,
    }


KEPT_BACK = [
    *("prompt", "secret", "webhook_secret", "password", "api_key", "apikey", "key", "token"),
    *("session_token", "Authorization", "cookie", "signature", "body", "query", "headers", "jwt"),
]


@pytest.mark.parametrize("name", KEPT_BACK)
def test_a_field_that_is_named_for_what_opens_is_hidden(told, name):
    structlog.get_logger().info("x", **{name: SECRET}, inside={name: [SECRET]})
    assert SECRET not in json.dumps(told())


@pytest.mark.parametrize(
    "text",
    [
        f"https://cdn.example/file.mp4?X-Amz-Signature={SECRET}&x=1",
        f"Redirected to <https://cdn.example/a#{SECRET}>.",
        f"postgresql://owner:{SECRET}@db.example/spotloom",
        f"Authorization: Bearer {SECRET}",
        f"basic {SECRET}",
        f"eyJhbGciOiJSUzI1NiJ9.{SECRET}.sig",
        f"the key spk_{SECRET} is not known",
        f"sk-{SECRET}",
        f"whsec_{SECRET}",
        f"(psycopg.Error) gone\n[SQL: SELECT 1]\n[parameters: ('{SECRET}',)]",
        f'The provider said: "A woman lifts the headphones and says {SECRET}."',
    ],
)
def test_what_opens_or_quotes_is_hidden_inside_other_words(told, text):
    structlog.get_logger().warning("x", reason=text, list=[text], error=ValueError(text))
    assert SECRET not in json.dumps(told(), ensure_ascii=False)


def test_plain_reasons_stay_readable(told):
    reason = "api.example could not be asked: ConnectTimeout. Retry in 3 s at https://a.example/v1."
    structlog.get_logger().warning("x", reason=reason, campaign_id="c", provider="openai-videos")
    (event,) = told()
    assert (event["reason"], event["campaign_id"]) == (reason, "c")


def test_a_fault_tells_its_place_and_kind_but_not_its_words_or_locals(told):
    try:
        {}[SECRET]
    except KeyError as error:
        structlog.get_logger().exception("fault")
        structlog.get_logger().error("fault", exc_info=error)
    for event in told():
        assert event["fault"] == "KeyError"
        assert "test_logs.py" in event["at"][-1]
        assert SECRET not in json.dumps(event)


def test_kilobytes_are_cut(told):
    structlog.get_logger().info("x", reason="a " * 5000)
    assert len(told()[0]["reason"]) <= logs.LONGEST + 1

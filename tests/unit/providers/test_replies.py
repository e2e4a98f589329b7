"""What is read out of the many shapes of an error, and when it means moderation."""

import json

import pytest

from spotloom.providers.catalog import catalog
from spotloom.providers.refusals import moderation
from spotloom.providers.replies import Cause, cause


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"error": {"message": "m", "code": "c", "type": "t"}}, "c", "m"),
        ({"error": {"message": "m", "code": None, "type": "t"}}, "t", "m"),
        ({"error": "m"}, None, "m"),
        ({"error": "m", "code": 7}, "7", "m"),
        ({"detail": "m"}, None, "m"),
        ({"detail": {"message": "m"}}, None, "m"),
        ({"detail": {"error": {"message": "m"}}}, None, "m"),
        ({"detail": [{"loc": ["body", "size"], "msg": "m"}]}, None, "body.size: m"),
        ({"object": "error", "message": "m", "code": 400}, "400", "m"),
        ({"detail": [1, 2]}, None, None),
        ({"error": [], "message": True}, None, None),
        ([], None, None),
        ("text", None, None),
    ],
)
def test_an_error_is_read_in_any_shape(body, code, message):
    read = cause(json.dumps(body).encode())
    assert (read.code, read.message or None) == (code, message)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"{" * 5000])
def test_an_error_that_cannot_be_read_is_empty(body):
    assert not cause(body).message


def test_a_long_sentence_is_cut():
    assert len(cause(json.dumps({"detail": "x" * 9000}).encode()).message or "") == 500


@pytest.mark.parametrize(
    ("code", "message", "meant"),
    [
        ("moderation_blocked", "", True),
        ("content_policy_violation", None, True),
        (None, "Your prompt was flagged by our moderation system.", True),
        ("400", "rejected: content policy", True),
        ("invalid_request_error", "Blocked by our safety system", True),
        ("invalid_size", "the moderation of size 3x3 is unknown", False),
        (None, "out of memory", False),
        (None, None, False),
    ],
)
def test_moderation_is_known_by_its_code_or_where_there_is_none_by_its_words(code, message, meant):
    assert moderation(Cause(code=code, message=message), catalog().words) is meant

"""What is written down comes back as it was, and what cannot be read says so."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.briefs import TEXTS, briefs, briefs_with_exclusions
from tests.unit.creative.examples import RATE, vocabulary
from tests.unit.forms.examples import OFFERS

from spotloom.creative.brief import Brief
from spotloom.creative.plan import plan
from spotloom.creative.request import Seconds, Size, VideoRequest
from spotloom.errors import BriefError
from spotloom.forms import brief_to_data, parse_brief
from spotloom.forms.written import parse_mapping

KEYS = st.sampled_from(
    [
        *("brand", "bigIdea", "dimensions", "model", "duration", "aspectRatio", "loop"),
        *("priority", "budget", "exclude", "animationStyle", "landingUrl", "mood"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(briefs_with_exclusions())
@settings(max_examples=50)
def test_a_brief_comes_back_from_its_data(asked: Brief) -> None:
    data = json.loads(json.dumps(brief_to_data(asked)))
    assert parse_brief(data, vocabulary=vocabulary(), offers=OFFERS) == asked


@given(briefs_with_exclusions())
@settings(max_examples=50)
def test_a_brief_comes_back_from_a_yaml_file(asked: Brief) -> None:
    text = json.dumps(brief_to_data(asked))  # every JSON text is YAML
    data = parse_mapping(text, what="brief", name="brief.yaml")
    assert parse_brief(data, vocabulary=vocabulary(), offers=OFFERS) == asked


@given(briefs())
@settings(max_examples=50)
def test_a_request_comes_back_from_its_json(asked: Brief) -> None:
    try:
        requests = plan(asked, vocabulary(), rate=RATE).requests
    except BriefError:
        return
    for request in requests:
        again = VideoRequest.from_json(json.loads(json.dumps(request.to_json())))
        assert again == request
        assert again.fingerprint == request.fingerprint


@given(TEXTS, TEXTS, st.integers(1, 60).map(Seconds), st.booleans())
def test_a_requests_fingerprint_leaves_out_only_the_key(
    key: str, words: str, duration: Seconds, loop: bool
) -> None:
    def ask(**changes: Any) -> VideoRequest:
        fields: dict[str, Any] = {
            "prompt": "p",
            "model": "sora-2",
            "duration": duration,
            "size": Size(720, 1280),
            "loop": loop,
            "brand": "b",
            "values": (("mood", "intense"),),
            "idempotency_key": "",
        }
        return VideoRequest(**(fields | changes))

    assert ask(idempotency_key=key).fingerprint == ask().fingerprint
    assert ask(loop=not loop).fingerprint != ask().fingerprint
    assert ask(duration=Seconds(duration + 1)).fingerprint != ask().fingerprint
    assert (ask(prompt=words).fingerprint == ask().fingerprint) is (words == "p")


@given(st.dictionaries(KEYS | st.text(max_size=8), VALUES, max_size=6))
@settings(max_examples=200)
def test_any_data_gets_a_clear_refusal(data: dict[str, Any]) -> None:
    # Without a dimension chosen, none of this can be a whole brief.
    with pytest.raises(BriefError) as caught:
        parse_brief(data, vocabulary=vocabulary(), offers=OFFERS)
    assert caught.value.problems
    for problem in caught.value.problems:
        assert (problem.field + problem.message).isprintable()


@given(st.text(max_size=80) | st.text("{}[]:-,&*!|>'\"%#\n\t ab12", max_size=80))
@settings(max_examples=300)
def test_any_text_is_a_mapping_or_a_clear_refusal(text: str) -> None:
    said = ""
    data: object = {}
    try:
        data = parse_mapping(text, what="brief", name="brief.yaml")
    except BriefError as error:
        (problem,) = error.problems
        said = problem.message
    assert said.startswith("brief.yaml") or not said
    assert isinstance(data, dict)
    assert all(isinstance(key, str) for key in data)

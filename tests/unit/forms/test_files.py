"""Files at the door: briefs, a workspace's vocabulary, and the sample."""

import json
from decimal import Decimal
from importlib import resources
from pathlib import Path

import pytest
from tests.unit.forms.examples import SORA, VOCABULARY, parsed, written

from spotloom.creative.dimensions import Vocabulary
from spotloom.creative.plan import plan
from spotloom.errors import BriefError
from spotloom.forms import (
    extend_vocabulary,
    load_vocabulary,
    read_brief,
)

# The file


def refused(tmp_path: Path, content: bytes) -> str:
    file = tmp_path / "brief.yaml"
    file.write_bytes(content)
    with pytest.raises(BriefError) as caught:
        read_brief(file)
    (problem,) = caught.value.problems
    assert problem.field == "brief"
    assert problem.message.startswith(str(file))
    return problem.message.removeprefix(str(file))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"brand: [a\nmood: b", ", line 2, column 5: "),
        (b"brand: a\n  mood: b", ", line 2, column 7: "),
        (b"brand: a\nbrand: b", ", line 2, column 1: the key “brand” stands here a second time."),
        (b"a: {b: 1, b: 2}", ", line 1, column 11: the key “b” stands here a second time."),
        (b"", ": must be a mapping such as `brand: …`, but is empty."),
        (b"- a", ": must be a mapping such as `brand: …`, but is a list."),
        (b"just words", ": must be a mapping such as `brand: …`, but is a text."),
        (b"brand: a\x00b", ", line 1, column 9: holds a NUL byte; take it out."),
        (
            b"a: 1\nbrand: \x1b[31m",
            ", line 2, column 8: holds the control character '\\x1b'; take it out.",
        ),
        (b"a: 1\nbrand: \xff", ", line 2: is not UTF-8 text; save the file as UTF-8."),
        (
            b"a: &x [1]\nb: *x",
            ", line 2, column 4: the alias “x” is not supported; write the value out.",
        ),
        (b"a: !!python/name:os.system x", ", line 1, column 4: the tag "),
        (b"a: !!timestamp x", ", line 1, column 4: the tag "),
        (b"[a]: b", ", line 1, column 1: a key must be a plain word."),
        (b"a: " + b"[" * 500, ", line 1, column 23: is nested deeper than 20 levels."),
        (b"a: 1\n--- \nb: 2", ", line 2, column 1: "),
        (b"a" * (10 * 1024 * 1024), ": is larger than 1 MiB; a brief is a page of text."),
    ],
)
def test_a_file_that_cannot_be_read_says_where(
    tmp_path: Path, content: bytes, message: str
) -> None:
    assert refused(tmp_path, content).startswith(message)


def test_a_bomb_of_anchors_is_refused_at_once(tmp_path: Path) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    assert "alias" in refused(tmp_path, "\n".join(lines).encode())


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(BriefError, match=r"none\.yaml: cannot be read \(No such file"):
        read_brief(tmp_path / "none.yaml")
    with pytest.raises(BriefError, match="cannot be read \\(Is a directory"):
        read_brief(tmp_path)


def test_a_brief_exported_as_escaped_json_is_read(tmp_path: Path) -> None:
    file = tmp_path / "brief.json"
    file.write_text(json.dumps(written(brand="Tarn 🎧 Ü")), encoding="ascii")
    assert parsed(read_brief(file)).brand == "Tarn 🎧 Ü"


def test_plain_yaml_means_what_it_says(tmp_path: Path) -> None:
    file = tmp_path / "brief.yaml"
    file.write_bytes(
        b"\xef\xbb\xbfaspectRatio: 9:16\nloop: true\nbudget: 99.10\nduration: 10\nno: no\n"
        b"day: 2026-11-24\nnothing:\nsum: 1e400\nnumber: 007\ntext: >-\n  a\n  b\n"
    )
    assert read_brief(file) == {
        "aspectRatio": "9:16",
        "loop": True,
        "budget": Decimal("99.10"),
        "duration": 10,
        "no": "no",
        "day": "2026-11-24",
        "nothing": None,
        "sum": "1e400",
        "number": "007",
        "text": "a b",
    }


# The vocabulary


def test_a_workspace_adds_options_rules_and_texts(tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text(
        "dimensions:\n  mood:\n    options:\n      dreamy:\n        label: Dreamy\n"
        "        help: Half asleep.\n        direction: The mood drifts.\n"
        "      intense: {label: Fierce}\n"
        "rules:\n  professional-skit: null\n"
        "  no-dreamy-vsl: {effect: exclude, when: {mood: [dreamy], type: [vsl]}, reason: No.}\n",
        encoding="utf-8",
    )
    ours = load_vocabulary(file)
    assert [o.key for o in ours.dimension("mood").options][-1] == "dreamy"
    assert ours.dimension("mood").option("intense").label == "Fierce"
    assert ours.dimension("mood").option("intense").direction == (
        VOCABULARY.dimension("mood").option("intense").direction
    )
    keys = {rule.key for rule in ours.rules}
    assert keys == {r.key for r in VOCABULARY.rules} - {"professional-skit"} | {"no-dreamy-vsl"}


def test_an_extension_that_is_wrong_is_named_by_its_path() -> None:
    with pytest.raises(BriefError) as caught:
        extend_vocabulary({"dimensions": {"mood": {"options": {"Dreamy!": {"label": "Dreamy"}}}}})
    assert {p.field for p in caught.value.problems} == {
        "dimensions.mood.options.Dreamy!",
        "dimensions.mood.options.Dreamy!.help",
        "dimensions.mood.options.Dreamy!.direction",
    }


def test_an_option_that_a_rule_needs_cannot_be_taken_out() -> None:
    with pytest.raises(BriefError, match=r"rules\.silence-spoken-types\.when\.audioStyle"):
        extend_vocabulary({"dimensions": {"audioStyle": {"options": {"silence": None}}}})


def test_nothing_added_is_the_packaged_vocabulary() -> None:
    assert extend_vocabulary({}) == VOCABULARY
    assert isinstance(VOCABULARY, Vocabulary)


# The sample


def test_the_sample_is_twelve_videos_without_a_warning() -> None:
    with resources.as_file(resources.files("spotloom") / "sample" / "brief.yaml") as file:
        brief = parsed(read_brief(file))
    made = plan(brief, VOCABULARY, rate=SORA.rate)
    assert made.equation == "2 × 3 × 2 = 12 videos"
    assert len(made.requests) == 12
    assert (made.warnings, made.excluded, made.over_budget) == ((), (), 0)
    assert made.total == Decimal(60)
    assert (brief.model, brief.duration, brief.aspect_ratio) == ("sora-2", 10, "9:16")

"""Reads the chosen options of a brief, and what it excludes."""

import re
from collections.abc import Mapping

from spotloom.creative.dimensions import ANY, Dimension, Vocabulary
from spotloom.creative.rules import Choices, Condition
from spotloom.forms.problems import Problems, did_you_mean, field_name, kind, listed, quoted

_MOST_EXCLUDE_RULES = 100  # each is held against every combination
_COMBINATION_KEY = re.compile(r"k[a-z2-7]{11}")


def read_choices(written: object, vocabulary: Vocabulary, problems: Problems) -> Choices:
    """The chosen options of every dimension, in the order of the table."""
    if written is not None and not isinstance(written, Mapping):
        problems.add("dimensions", f"must be a mapping, but is {kind(written)}.")
    table = written if isinstance(written, Mapping) else {}
    _unknown_dimensions(table, "dimensions", vocabulary, problems)
    choices = []
    for dimension in vocabulary.dimensions:
        path = f"dimensions.{dimension.key}"
        options = _options(table.get(dimension.key), path, dimension, problems)
        if dimension.required and table.get(dimension.key) in (None, "", [], ()):
            known = listed(option.key for option in dimension.options)
            problems.add(path, f"needs at least one option: {known}.")
        choices.append((dimension.key, options or (ANY,)))
    return tuple(choices)


def read_animation_style(written: object, vocabulary: Vocabulary, problems: Problems) -> str | None:
    """The animation style, or None when none is named."""
    known = [style.key for style in vocabulary.animation_styles]
    if written is None or written == "" or written in known:
        return str(written) if written else None
    hint = did_you_mean(written, known)
    allowed = f"Allowed: {listed(known)}." if known else "None are known."
    problems.add("animationStyle", f"{quoted(written)} is not a style.{hint} {allowed}")
    return None


def read_exclude(
    written: object, vocabulary: Vocabulary, problems: Problems
) -> tuple[str | Condition, ...]:
    """The combinations to leave out, by id or by what they hold."""
    if written is not None and not isinstance(written, list | tuple):
        problems.add("exclude", f"must be a list, but is {kind(written)}.")
        return ()
    entries: list[str | Condition] = []
    for place, entry in enumerate(written or ()):
        path = f"exclude[{place}]"
        if problems.full:
            break
        if isinstance(entry, Mapping):
            entries.append(_condition(entry, path, vocabulary, problems))
        elif isinstance(entry, str) and _COMBINATION_KEY.fullmatch(entry):
            entries.append(entry)
        else:
            problems.add(
                path,
                f"{quoted(entry)} is neither a combination's id such as kabcd2345wxy "
                "nor a rule such as {mood: shocking}.",
            )
    rules = sum(isinstance(entry, Condition) for entry in entries)
    if rules > _MOST_EXCLUDE_RULES:
        problems.add("exclude", f"has {rules:,} rules; {_MOST_EXCLUDE_RULES} are allowed.")
    return tuple(entries)


def _condition(
    entry: Mapping[object, object], path: str, vocabulary: Vocabulary, problems: Problems
) -> Condition:
    if not entry:
        problems.add(path, "names no dimension, so it would exclude everything.")
    _unknown_dimensions(entry, path, vocabulary, problems)
    terms = []
    for dimension in vocabulary.dimensions:
        if dimension.key in entry:
            here = f"{path}.{dimension.key}"
            options = _options(entry[dimension.key], here, dimension, problems)
            if entry[dimension.key] in (None, "", [], ()):
                problems.add(here, "names no option.")
            terms.append((dimension.key, options))
    return Condition(tuple(terms))


def _unknown_dimensions(
    table: Mapping[object, object], path: str, vocabulary: Vocabulary, problems: Problems
) -> None:
    known = [dimension.key for dimension in vocabulary.dimensions]
    for key in table:
        if key not in known and not problems.full:
            hint = did_you_mean(key, known)
            message = f"is not a dimension.{hint} Known: {listed(known, last='and')}."
            problems.add(f"{path}.{field_name(key)}", message)


def _options(
    written: object, path: str, dimension: Dimension, problems: Problems
) -> tuple[str, ...]:
    """The options in the order of the table, so that the order they came in makes no difference."""
    if isinstance(written, str):
        written = [written] if written else []
    entries = written if isinstance(written, list | tuple) else ()
    if written not in (None, "", entries):
        problems.add(path, f"must be a list of options, but is {kind(written)}.")
    known = [option.key for option in dimension.options]
    chosen: set[str] = set()
    for place, entry in enumerate(entries):
        if problems.full:
            break
        if not isinstance(entry, str) or entry not in known:
            hint = did_you_mean(entry, known)
            message = f"{quoted(entry)} is not an option.{hint} Allowed: {listed(known)}."
            problems.add(f"{path}[{place}]", message)
        elif entry in chosen:
            problems.add(f"{path}[{place}]", f"{entry} is there twice; take one out.")
        else:
            chosen.add(entry)
    return tuple(key for key in known if key in chosen)

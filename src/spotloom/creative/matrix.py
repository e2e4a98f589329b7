"""The matrix: every combination of the chosen options, and which of them are to be made."""

import functools
import hashlib
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from spotloom.creative.brief import Brief
from spotloom.creative.dimensions import ANY, Vocabulary
from spotloom.creative.rules import Condition, Effect
from spotloom.errors import BriefError, Problem

CAP = 660  # videos in one batch
LARGEST_MATRIX = 100_000  # combinations worth enumerating: about a second, 50 MB
_WAYS_OUT = 3
# The id's letters by pairs: base64.b32encode alone would take a third of the matrix's time.
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _BASE32 for second in _BASE32]
_TIMES = " \N{MULTIPLICATION SIGN} "


@dataclass(frozen=True, slots=True)
class Combination:
    """One option per dimension, and the id that these values have everywhere and for ever."""

    key: str
    values: tuple[tuple[str, str], ...]  # (dimension key, option key) in the order of the table


@dataclass(frozen=True, slots=True)
class Excluded:
    """A combination that will not be made, and every reason why."""

    combination: Combination
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """The matrix, parted into what will be made and what will not."""

    kept: tuple[Combination, ...]
    excluded: tuple[Excluded, ...]


def combination_key(values: Iterable[tuple[str, str]]) -> str:
    """The id of these values: a letter and eleven more letters or digits, in any order the same."""
    # `any` is left out, so that a vocabulary with one more optional dimension keeps every id.
    text = "\n".join(sorted([f"{key}={option}" for key, option in values if option != ANY]))
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big") >> 1
    pairs = [_PAIRS[number >> shift & 1023] for shift in (45, 35, 25, 15, 5)]
    return f"k{''.join(pairs)}{_BASE32[number & 31]}"


def matrix(brief: Brief) -> tuple[Combination, ...]:
    """The full product of the choices in the order of the table, the last dimension fastest."""
    if brief.product > LARGEST_MATRIX:
        raise BriefError([_too_many(brief, kept=None, cap=CAP)])
    columns = [[(key, option) for option in options] for key, options in brief.choices]
    return tuple(
        Combination(combination_key(values), values) for values in itertools.product(*columns)
    )


def equation(brief: Brief) -> str:
    """The count as the marketer sees it: the factors above 1, and the videos they make."""
    factors = [str(len(options)) for _, options in brief.choices if len(options) > 1]
    total = f"{brief.product:,} video{'' if brief.product == 1 else 's'}"
    return f"{_TIMES.join(factors)} = {total}" if len(factors) > 1 else total


def kept(brief: Brief, vocabulary: Vocabulary, *, cap: int = CAP) -> Selection:
    """The combinations to make and those excluded; BriefError when none or too many are left."""
    if brief.product > LARGEST_MATRIX:
        raise BriefError([_too_many(brief, kept=None, cap=cap)])
    ids = {entry for entry in brief.exclude if isinstance(entry, str)}
    reasons_for = _reasons(brief, _exclusions(brief, vocabulary))
    left: list[Combination] = []
    excluded: list[Excluded] = []
    for combination in matrix(brief):
        reasons = reasons_for(combination)
        if combination.key in ids:
            reasons = (*reasons, "Excluded by its id in the brief.")
        if reasons:
            excluded.append(Excluded(combination, reasons))
        else:
            left.append(combination)
    if not left:
        raise BriefError([_none_left(excluded)])
    if len(left) > cap:
        raise BriefError([_too_many(brief, kept=left, cap=cap)])
    return Selection(tuple(left), tuple(excluded))


def _exclusions(brief: Brief, vocabulary: Vocabulary) -> list[tuple[Condition, str]]:
    rules = [(r.when, r.reason) for r in vocabulary.rules if r.effect is Effect.EXCLUDE]
    own = [(c, f"Excluded by the brief: {c}.") for c in brief.exclude if isinstance(c, Condition)]
    return [(when, reason) for when, reason in (*rules, *own) if when.possible(brief.choices)]


def _reasons(
    brief: Brief, conditions: list[tuple[Condition, str]]
) -> Callable[[Combination], tuple[str, ...]]:
    """Answers why a combination is excluded, as quickly for a hundred conditions as for one.

    Asking each condition of each of 99,000 combinations took 9 s; a bit per condition takes 1 s.
    """
    # For every chosen option, the conditions that it fits or that do not ask about it.
    fits = {
        (key, option): sum(
            1 << number
            for number, (when, _) in enumerate(conditions)
            if option in dict(when.terms).get(key, (option,))
        )
        for key, options in brief.choices
        for option in options
    }

    @functools.cache
    def named(met: int) -> tuple[str, ...]:
        return tuple(reason for n, (_, reason) in enumerate(conditions) if met >> n & 1)

    def reasons(combination: Combination) -> tuple[str, ...]:
        met = -1
        for value in combination.values:
            met &= fits[value]
        return named(met)

    return reasons


def _none_left(excluded: list[Excluded]) -> Problem:
    counts = Counter(reason for entry in excluded for reason in entry.reasons)
    why = " ".join(f"{reason} ({count:,})" for reason, count in counts.most_common(5))
    number = f"All {len(excluded):,} combinations are" if len(excluded) > 1 else "The only one is"
    return Problem("dimensions", f"leave no video to make. {number} excluded: {why}")


def _too_many(brief: Brief, *, kept: list[Combination] | None, cap: int) -> Problem:
    """What to say of a matrix over the cap; `kept` is None where it was not enumerated."""
    total = brief.product if kept is None else len(kept)
    count = f"make {equation(brief)}"
    if total < brief.product:
        count += f", {total:,} after exclusions"
    ways = _cuts(_counts(brief, kept), total=total, cap=cap) or [_single_options(brief, cap=cap)]
    return Problem(
        "dimensions",
        f"{count}; a batch holds {cap:,} at most. To fit, {'; or '.join(ways)}. "
        "Excluded combinations do not count.",
    )


def _counts(brief: Brief, kept: list[Combination] | None) -> Mapping[str, list[int]]:
    """How many of the videos each chosen option is part of, fewest first."""
    if kept is None:
        return {
            key: [brief.product // len(options)] * len(options) for key, options in brief.choices
        }
    tally = Counter(value for combination in kept for value in combination.values)
    return {key: sorted(tally[key, option] for option in options) for key, options in brief.choices}


def _cuts(counts: Mapping[str, list[int]], *, total: int, cap: int) -> list[str]:
    """The smallest cuts in one dimension that fit, those that keep most videos first."""
    found: list[tuple[int, int, str]] = []
    for key, column in counts.items():
        # Dropping the options with the fewest videos must be enough: then any others are, too.
        drop = next((n for n in range(1, len(column)) if total - sum(column[:n]) <= cap), None)
        if drop is not None:
            left = total - sum(column[:drop])
            which = f"{drop} option{'' if drop == 1 else 's'} of {key}"
            same = column[0] == column[-1]
            text = f"drop {which}: {left:,}" if same else f"drop any {which}: at most {left:,}"
            found.append((drop, -left, f"{text} videos"))
    return [text for _, _, text in sorted(found, key=lambda way: way[:2])[:_WAYS_OUT]]


def _single_options(brief: Brief, *, cap: int) -> str:
    """The way out when no single dimension is enough: one option in each of the longest."""
    lengths = {key: len(options) for key, options in brief.choices}
    single: list[str] = []
    while math.prod(lengths.values()) > cap:
        longest = max(lengths, key=lambda key: lengths[key])
        lengths[longest] = 1
        single.append(longest)
    names = ", ".join(single[:-1]) + f" and {single[-1]}" if len(single) > 1 else single[0]
    return f"choose one option each in {names}: at most {math.prod(lengths.values()):,} videos"

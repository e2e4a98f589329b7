"""Names of files and folders: the id first, readable words after, safe on every file system."""

import hashlib
import re
import unicodedata

from spotloom.creative.dimensions import ANY
from spotloom.creative.matrix import Combination

LONGEST_NAME = 120  # bytes; leaves room for the folders before it on every system we know
_LONGEST_SLUG = 60
_RESERVED = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)))
)


def slug(text: str) -> str:
    """The text as a folder's name: lower-case ASCII words joined by hyphens, never empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].strip("-")
    if words and words not in _RESERVED:
        return words
    # A name in another script, or one that a system keeps for itself, still gets its own folder.
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return "-".join(filter(None, (words, f"x{digest}")))


def file_name(combination: Combination, *, suffix: str = "mp4") -> str:
    """The combination's file name: `kabc…_problem-aware_ugc_vsl.mp4`, as many words as fit."""
    ending = f".{slug(suffix)}"
    name = slug(combination.key)
    for _, option in combination.values:
        word = f"_{slug(option)}"
        if option == ANY:
            continue
        if len(name) + len(word) + len(ending) > LONGEST_NAME:
            break
        name += word
    return name + ending

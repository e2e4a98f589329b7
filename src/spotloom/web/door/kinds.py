"""Which content type an answer is to have: the one that `Accept` likes best."""

from spotloom.web.errors import Refused

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"


def liked(accept: str, *kinds: str) -> str:
    """The one of these that the client likes best, the first of equals; Refused when none."""
    said = dict(reversed([_preference(entry) for entry in accept.split(",")]))

    def quality(kind: str) -> float:
        family = f"{kind.partition('/')[0]}/*"
        return next((said[name] for name in (kind, family, "*/*") if name in said), 0.0)

    best = max(kinds, key=quality)
    if not quality(best):
        offers = f"{', '.join(kinds[:-1])} or {kinds[-1]}"
        raise Refused(406, "Not to be had so", f"This can be had as {offers}.")
    return best


def _preference(entry: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in entry.split(";"))
    given = next((p[2:] for p in parameters if p.startswith("q=")), "1")
    try:
        quality = float(given)
    except ValueError:
        quality = 0.0
    return name, quality if 0 <= quality <= 1 else 0.0

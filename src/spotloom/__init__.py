"""One advertising brief into hundreds of on-brand video variations."""

__version__ = "0.1.0"

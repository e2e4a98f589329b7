"""The Notion mirror at work: one page a video, and what people do there comes back."""

from spotloom.generation.mirrors.notion.desk import TARGET, Desk, Timing
from spotloom.generation.mirrors.notion.mirror import Mirror

__all__ = ["TARGET", "Desk", "Mirror", "Timing"]

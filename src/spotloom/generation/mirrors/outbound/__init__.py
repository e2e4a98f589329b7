"""Outbound webhooks: written with the change they tell of, sent until they have arrived."""

from spotloom.generation.mirrors.outbound.events import (
    Kind,
    announce,
    announce_batch,
    announce_budget,
)
from spotloom.generation.mirrors.outbound.hooks import redeliver
from spotloom.generation.mirrors.outbound.sender import Sender

__all__ = ["Kind", "Sender", "announce", "announce_batch", "announce_budget", "redeliver"]

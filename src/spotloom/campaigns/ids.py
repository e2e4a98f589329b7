"""Makes ids that sort by time (UUID version 7, RFC 9562 section 5.7)."""

import os
import time
from uuid import UUID


def new() -> UUID:
    """A fresh id: 48 bits of milliseconds, the rest random."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    value = (milliseconds & (1 << 48) - 1) << 80 | random
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return UUID(int=value)

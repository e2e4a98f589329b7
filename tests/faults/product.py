"""The product's own commands as workers of a stage, to be killed like any other."""

import re
import time
from typing import Self

from tests.integration.generating import PATIENCE, Stage, Worker

READY = re.compile(r"Working with|Serving http")
READY_S = 60.0


class Product(Worker):
    """`spotloom up` or `spotloom worker`, as an operator starts it."""

    def __init__(self, stage: Stage, *words: str, **settings: str) -> None:
        super().__init__(stage, "-m", "spotloom", *words, **settings)

    def wait_ready(self) -> Self:
        """Return once it says that it works."""
        end = time.monotonic() + READY_S * PATIENCE
        while not READY.search(said := self.log.read_text(errors="replace")):
            assert self.process.poll() is None, said[-3000:]
            assert time.monotonic() < end, said[-3000:]
            time.sleep(0.05)
        return self

"""Every benchmark can be started by whoever reads of it."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.mark.parametrize("name", sorted(file.name for file in BENCH.glob("*.py")))
def test_a_benchmark_says_what_it_measures(name: str) -> None:
    said = subprocess.run(
        [sys.executable, BENCH / name, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert "--" in said.stdout

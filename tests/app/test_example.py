"""The examples that need nothing run as they stand; ``read_cohort.py`` runs on a cohort in ``tests/cohort``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDS_RESULTS = "read_cohort.py"
SCRIPTS = sorted(p for p in (ROOT / "examples").glob("*.py") if p.name != NEEDS_RESULTS)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.name)
def test_example(script: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "mm" in done.stdout

"""Shared fixtures: sample scans that ship, and the developers' shared data where it is there."""

import os
from pathlib import Path

import pytest

# As the command line does, and before NumPy is loaded: threads of BLAS would contend with the test processes,
# and the last digits of sums would depend on their number.
for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def sample_scans() -> Path:
    return ROOT / "sample_scans"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip("shared/data is not beside this checkout: its real series cannot be tried")
    return SHARED_DATA

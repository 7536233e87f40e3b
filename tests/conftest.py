"""Shared fixtures: sample scans that ship, and the developers' shared data where it is there."""

from pathlib import Path

import pytest

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

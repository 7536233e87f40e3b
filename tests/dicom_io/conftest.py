"""Fixtures of the reader's tests."""

import ct_files
import pytest


@pytest.fixture
def hu():
    """Hounsfield units of a small thigh; a test may change them."""
    return ct_files.limb()

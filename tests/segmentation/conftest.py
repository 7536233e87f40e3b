"""The sample scans as volumes."""

import pytest
from plain_reader import read_plain

from sizing.volume import CtVolume


@pytest.fixture(scope="session")
def sample_volume(sample_scans):
    cache: dict[str, CtVolume] = {}

    def read(name: str) -> CtVolume:
        if name not in cache:
            cache[name] = read_plain(sample_scans / name)
        return cache[name]

    return read

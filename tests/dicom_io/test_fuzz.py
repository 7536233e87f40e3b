"""500 damaged series: a typed refusal or a volume that is not wrong, never anything else. ``make fuzz`` runs 20,000."""

import random
import zipfile

import ct_files
import mutate
import numpy as np
import pytest

from dicom_io import DicomError, read_series

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value", "ignore:The value length")


def test_500_mutated_series(tmp_path):
    tally = mutate.run(tmp_path / "x", 500, seed=20240601, compressed_share=0.05)
    assert not tally.wrong, "\n".join(tally.wrong)
    assert (
        tally.outcomes["read"] > 50 and sum(tally.outcomes.values()) == 500
    )  # the damage neither always nor never shows


def test_the_fuzz_itself_can_fail(tmp_path, monkeypatch):
    """Negative control: a reader without its look at pixel lengths and header agreement must be found out."""
    import dicom_io.series as series

    monkeypatch.setattr(series, "check_together", lambda frames: [])
    monkeypatch.setattr(series, "check_values", lambda *args: [])
    tally = mutate.run(tmp_path / "x", 1500, seed=1, compressed_share=0.0)
    assert tally.wrong


def test_100_mutated_zip_files(tmp_path):
    hu = ct_files.limb((12, 16, 16))
    path = tmp_path / "scan.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for p in ct_files.save(ct_files.series(hu), tmp_path / "ct"):
            archive.write(p, p.name)
    clean, rng = path.read_bytes(), random.Random(5)
    outcomes = []
    for _ in range(100):
        data, _, _ = mutate.mutate(clean, rng, len(clean) // 2)
        path.write_bytes(data)
        try:
            outcomes.append(np.array_equal(read_series(path).volume.hu, hu))
        except DicomError:
            outcomes.append(None)
    assert False not in outcomes and None in outcomes

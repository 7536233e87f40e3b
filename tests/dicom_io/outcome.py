"""What came of reading a series that was built with a fault.

Either the exact volume comes out, with the findings that the row of the fault matrix asks for
(docs/method/dicom.md), or one refusal with the row's code that names the file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dicom_io import DicomError, ReadResult, read_series
from dicom_io.scan import SeriesList
from sizing.findings import Level


def codes(result: ReadResult) -> set[str]:
    """Return the codes of all findings."""
    return {f.code for f in result.findings}


def warnings(result: ReadResult) -> set[str]:
    """Return the codes of what is more than information."""
    return {f.code for f in result.findings if f.level is not Level.INFO}


def exact(result: ReadResult, hu: np.ndarray) -> bool:
    """Compare with the Hounsfield units that were put in."""
    return np.array_equal(result.volume.hu, hu) and result.volume.hu.dtype == np.int16


def refused(code: str, source: Path | SeriesList, *, names: tuple[str, ...] | list[str] = (), **kwargs) -> DicomError:
    """Read a source that must be refused with this code, in a sentence that holds these words."""
    with pytest.raises(DicomError) as caught:
        read_series(source, **kwargs)
    assert caught.value.code == code, str(caught.value)
    for name in names:
        assert name in str(caught.value)
    return caught.value

"""The one error of this room; its codes are the rows of docs/method/dicom.md."""

from __future__ import annotations

from sizing.errors import InputError
from sizing.findings import Finding


class DicomError(InputError):
    """A file, a series or a source is refused; code ``CF-Dnnn``, row n of the fault matrix.

    Attributes
    ----------
    others : tuple of DicomError
        Further reasons to refuse the same series, found in the same look.
    findings : tuple of Finding
        What else was noticed before it was refused.
    """

    others: tuple[DicomError, ...] = ()
    findings: tuple[Finding, ...] = ()

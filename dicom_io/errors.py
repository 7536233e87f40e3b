"""The one error of this room; its codes are the rows of docs/method/dicom.md."""

from __future__ import annotations

from sizing.errors import InputError


class DicomError(InputError):
    """A file, a series or a source is refused; code ``CF-Dnnn``, row n of the fault matrix."""

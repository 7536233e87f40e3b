"""What a caller may decide about reading; the defaults refuse whatever is doubtful."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ReadOptions:
    """Options of :func:`dicom_io.read_series`.

    Attributes
    ----------
    progress : callable or None
        Called as ``progress(done, total)`` after each file.
    """

    progress: Callable[[int, int], None] | None = None

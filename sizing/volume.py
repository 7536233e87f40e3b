"""A CT volume: Hounsfield units with their place in the patient, and what is known of the scan."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sizing.errors import VolumeError
from sizing.geometry import VolumeGeometry


@dataclass(frozen=True)
class ScanInfo:
    """Facts of the series that matter for measuring; never a patient's name, ID or birth date.

    ``None`` means the header does not say.
    """

    series_uid: str = ""
    study_uid: str = ""
    frame_of_reference_uid: str = ""
    modality: str = "CT"
    series_description: str = ""
    manufacturer: str = ""
    model: str = ""
    kernel: str | None = None
    kvp: float | None = None
    slice_thickness_mm: float | None = None  # blur along the normal; the step is in the geometry
    patient_position: str | None = None
    body_part: str | None = None
    study_date: str | None = None
    laterality: str | None = None  # as the header says: "L", "R"
    lossy: bool = False
    pseudonym: str = ""


@dataclass(frozen=True)
class CtVolume:
    """Hounsfield units on a grid.

    Attributes
    ----------
    hu : (slice, row, column) int16 array
        C order, read-only. Padding is -1000 or whatever the reader put there.
    geometry : VolumeGeometry
        Index to LPS mm, same shape as ``hu``.
    info : ScanInfo
    unmeasured_slices : tuple of int
        Slices that were interpolated or repaired; no number is reported there as measured.

    Raises
    ------
    VolumeError
        CF-C014 not int16 (so also: NaN); CF-C015 another shape than the grid; CF-C016 memory order.
    """

    hu: NDArray[np.int16]
    geometry: VolumeGeometry
    info: ScanInfo = field(default_factory=ScanInfo)
    unmeasured_slices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.hu.dtype != np.int16 or self.hu.ndim != 3:
            raise VolumeError("CF-C014", "a CT volume is whole Hounsfield units in a 3-D int16 array",
                              measured=f"{self.hu.dtype} {self.hu.shape}{_not_numbers(self.hu)}",
                              advice="Put -1000 where nothing was scanned, name slices that were made up in "
                                     "unmeasured_slices, round, and convert")  # fmt: skip
        if self.hu.shape != self.geometry.shape:
            raise VolumeError("CF-C015", "the volume and its grid differ in shape",
                              measured=str(self.hu.shape), expected=str(self.geometry.shape))  # fmt: skip
        if not self.hu.flags.c_contiguous:
            raise VolumeError("CF-C016", "the volume must be C-contiguous (slice, row, column)",
                              advice="Use numpy.ascontiguousarray")  # fmt: skip
        self.hu.setflags(write=False)  # the full volume is never copied; whoever made it hands it over


def _not_numbers(hu: NDArray) -> str:
    """Say how many voxels are no numbers, where an array can hold such."""
    if hu.dtype.kind != "f" or not (bad := int((~np.isfinite(hu)).sum())):
        return ""
    return f", {bad} of {hu.size} voxels NaN or infinite"

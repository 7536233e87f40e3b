"""A label map on its own grid, and what every file that holds one must keep to (codes CF-D036)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

import dicom_io.limits as limits
from dicom_io.errors import DicomError
from sizing.geometry import VolumeGeometry

_SAME_GRID = 1e-3  # of a voxel: the grids then round to one another everywhere


@dataclass(frozen=True)
class LabelMap:
    """Labelled voxels on their own grid.

    Attributes
    ----------
    labels : (slice, row, column) uint8 or uint16 array
        0 is nothing; read-only.
    geometry : VolumeGeometry
        Index to LPS mm.
    names : dict of int to str
        Where the file names its labels.
    sha256 : str
        Of the file; empty for a map that was made otherwise.
    """

    labels: NDArray[np.unsignedinteger]
    geometry: VolumeGeometry
    names: dict[int, str] = field(default_factory=dict)
    sha256: str = ""

    def __post_init__(self) -> None:
        if self.labels.dtype not in (np.uint8, np.uint16) or self.labels.shape != self.geometry.shape:
            raise ValueError("labels must be uint8 or uint16 and have the shape of their geometry")
        self.labels.setflags(write=False)

    def mask_of(self, label: int | str | None = None) -> NDArray[np.bool_]:
        """Return the voxels of one label, by number or name; of any label if None.

        Raises
        ------
        DicomError
            There is no such label; the sentence lists those there are.
        """
        return self.labels > 0 if label is None else self.labels == self.number_of(label)

    def number_of(self, label: int | str | None) -> int:
        """Return the number of a label that is given by number or name; None asks for the only one.

        Raises
        ------
        DicomError
            There is no such label, or there are several to choose from; the sentence lists them.
        """
        present = [int(n) for n in np.unique(self.labels) if n]
        there = ", ".join(f"{n} {self.names.get(n, '')}".strip() for n in present) or "none"
        if label is None:
            if len(present) == 1:
                return present[0]
            what = f"the mask holds {len(present)} labels, and none was named"
            raise DicomError("CF-D036b", what, advice=f"Name one with --mask-label. There are: {there}.")
        wanted = [n for n, name in self.names.items() if str(label).lower() in (name.lower(), str(n))]
        number = wanted[0] if wanted else int(label) if str(label).isdigit() else 0
        if number not in present:
            raise DicomError("CF-D036b", f"the mask has no label {label!r}", advice=f"There are: {there}.")
        return number

    def on_grid(self, geometry: VolumeGeometry) -> LabelMap:
        """Return the labels on another grid, each voxel taking the nearest one's label.

        Raises
        ------
        DicomError
            Mask and grid do not overlap: they belong to different scans.
        """
        map_index = np.linalg.inv(self.geometry.affine) @ geometry.affine
        same = self.geometry.shape == geometry.shape
        if same and np.abs(map_index - np.eye(4)).max() * max(geometry.shape) < _SAME_GRID:
            return replace(self, geometry=geometry)
        from scipy.ndimage import affine_transform

        out = affine_transform(
            self.labels, map_index[:3, :3], map_index[:3, 3], output_shape=geometry.shape, order=0, prefilter=False
        )
        if not out.any():
            raise DicomError(
                "CF-D036c",
                "mask and scan do not overlap",
                measured=f"mask around {_centre(self.geometry)} mm LPS",
                expected=f"scan around {_centre(geometry)} mm LPS",
                advice="The mask belongs to another scan, or its frame was lost on export.",
            )
        return replace(self, labels=out, geometry=geometry)


def _centre(geometry: VolumeGeometry) -> str:
    centre = geometry.index_to_lps((np.array(geometry.shape) - 1) / 2)
    return "(" + ", ".join(f"{c:.0f}" for c in centre) + ")"


def refuse(what: str, where: str, measured: str = "", expected: str = "", advice: str = "") -> DicomError:
    """Return a refusal of a mask file."""
    advice = advice or "Export the mask again as a label map in the frame of the CT."
    return DicomError("CF-D036", what, where=where, measured=measured, expected=expected, advice=advice)


def whole_labels(values: NDArray, name: str) -> NDArray[np.unsignedinteger]:
    """Return label numbers as the smallest unsigned type; raises DicomError unless they are whole and small."""
    if values.dtype.kind == "f" and not np.array_equal(values, np.rint(values)):
        raise refuse("the mask holds fractions: it is an image or a probability map, no label map", name)
    low, high = values.min(initial=0), values.max(initial=0)
    if low < 0 or high > np.iinfo(np.uint16).max:
        raise refuse("label numbers are out of range", name, f"{low:g} to {high:g}", "0 to 65535")
    return np.ascontiguousarray(values, dtype=np.uint8 if high < 256 else np.uint16)


def check_size(shape: tuple[int, ...], name: str) -> None:
    """Raise DicomError if a header asks for more than a mask can hold."""
    if len(shape) != 3 or min(shape) < 1 or max(shape) > limits.MAX_FRAMES or np.prod(shape, dtype=float) > 2**31:
        raise refuse("the mask is no volume of a sensible size", name, " x ".join(map(str, shape)), "three dimensions")

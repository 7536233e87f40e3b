"""A phantom scanner like the one that made a given scan."""

from __future__ import annotations

import re

import numpy as np

from sizing.canal import Canal
from sizing.errors import InputError
from sizing.phantom.spec import ScanSpec
from sizing.volume import CtVolume

# Words and numbers by which makers name their sharp kernels: B60 and up, H60, Br59, "BONE", "EDGE", "LUNG", "FC30".
SHARP_WORDS = ("bone", "edge", "lung", "sharp", "detail")
SHARP_NUMBER = 55
# Blur to expect where the scan itself has not been measured.
SMOOTH_SIGMA_MM, SHARP_SIGMA_MM = 0.55, 0.36
# Noise is read in windows of this many pixels that lie in muscle throughout.
WINDOW = 9
MUSCLE_HU = (-150.0, 250.0)
MIN_WINDOWS = 200
MAX_SLICES = 40


def scan_like(volume: CtVolume, canal: Canal | None = None) -> ScanSpec:
    """Return the scanner that a scan seems to come from: grid, profile width, kernel, blur and noise.

    Parameters
    ----------
    volume : CtVolume
        The whole scan.
    canal : Canal, optional
        Measured in this volume; its estimate of the blur is used.

    Raises
    ------
    InputError
        CF-P020 no muscle to read the noise from.
    """
    info, (_, row_mm, column_mm) = volume.info, volume.geometry.spacing_mm
    step = abs(volume.geometry.slice_step_mm)
    sharp = is_sharp(info.kernel)
    sigma = SHARP_SIGMA_MM if sharp else SMOOTH_SIGMA_MM
    if canal is not None and canal.edges.sigma_in_plane_mm:
        sigma = canal.edges.sigma_in_plane_mm
    return ScanSpec(
        pixel_mm=max(row_mm, column_mm),
        slice_thickness_mm=info.slice_thickness_mm or step,
        slice_step_mm=step,
        sigma_in_plane_mm=sigma,
        kernel="sharp" if sharp else "smooth",
        noise_hu=noise_hu(volume),
    )


def is_sharp(kernel: str | None) -> bool:
    """Tell from a kernel's name whether it is made for bone; an unknown name counts as smooth."""
    name = (kernel or "").lower()
    numbers = [int(n) for n in re.findall(r"\d{2}", name)]
    siemens = bool(re.match(r"(b|h|br|hr|bl|i)\d\d", name)) and any(n >= SHARP_NUMBER for n in numbers)
    return siemens or any(word in name for word in SHARP_WORDS)


def noise_hu(volume: CtVolume) -> float:
    """Return the SD of HU in muscle: the median over windows that hold nothing else."""
    from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

    found: list[np.ndarray] = []
    skip = max(1, len(volume.hu) // MAX_SLICES)
    for image in volume.hu[::skip].astype(np.float64):
        calm = (minimum_filter(image, WINDOW) > MUSCLE_HU[0]) & (maximum_filter(image, WINDOW) < MUSCLE_HU[1])
        mean = uniform_filter(image, WINDOW)
        calm &= (mean > 0) & (mean < 100)
        variance = uniform_filter(image**2, WINDOW) - mean**2
        found.append(variance[calm])
    variances = np.concatenate(found)
    if len(variances) < MIN_WINDOWS:
        raise InputError("CF-P020", "the noise of this scan cannot be read: too little muscle lies in it",
                         measured=f"{len(variances)} calm windows", expected=f"at least {MIN_WINDOWS}")  # fmt: skip
    return float(np.sqrt(np.median(variances)))

"""Scans drawn on paper: tubes of cortex in muscle, each along its own line, blurred and with noise."""

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter

from sizing.geometry import VolumeGeometry
from sizing.volume import CtVolume, ScanInfo


@dataclass(frozen=True)
class Tube:
    """A straight bone from ``low_mm`` to ``high_mm`` along its line through ``at`` (x, y at z = 0), in LPS."""

    at: tuple[float, float] = (80.0, 0.0)
    lean: tuple[float, float] = (0.0, 0.0)  # dx, dy per mm of z
    outer_mm: float = 14.0
    inner_mm: float = 8.0
    low_mm: float = -1e6
    high_mm: float = 1e6
    hu: float = 1400.0
    marrow_hu: float = -40.0
    breach: tuple[float, float, float] | None = None  # z from, z to, half angle in radians about +x
    head: tuple[float, float] | None = None  # centre above the middle along the line, radius: a solid joint end
    spur: tuple[float, float] | None = None  # length below the end, half width; on the +x side
    extra: tuple = field(default=())

    @property
    def direction(self):
        d = np.array([*self.lean, 1.0])
        return d / np.linalg.norm(d)


def draw(tubes, *, shape=(100, 90, 160), spacing=(1.5, 1.0, 1.0), blur_mm=0.5, noise_hu=15.0, limb_mm=60.0, info=None):
    """Return a CtVolume whose z = 0 is in the middle; x and y = 0 too, unless the tubes say otherwise."""
    step, row, column = spacing
    z = (np.arange(shape[0]) - shape[0] // 2)[:, None, None] * step
    y = (np.arange(shape[1]) - shape[1] // 2)[None, :, None] * row
    middle_x = np.mean([tube.at[0] for tube in tubes]) if tubes else 0.0
    x = middle_x + (np.arange(shape[2]) - shape[2] // 2)[None, None, :] * column
    hu = np.full(shape, -1000.0, np.float32)
    for tube in tubes:
        centre_x, centre_y = tube.at[0] + tube.lean[0] * z, tube.at[1] + tube.lean[1] * z
        hu[np.hypot(x - centre_x, y - centre_y) < limb_mm] = 50.0
    for tube in tubes:
        d = tube.direction
        px, py = x - tube.at[0], y - tube.at[1]
        along = px * d[0] + py * d[1] + z * d[2]
        radius = np.sqrt(np.maximum(px**2 + py**2 + z**2 - along**2, 0.0))
        whole = (along >= tube.low_mm) & (along <= tube.high_mm)
        hu[whole & (radius < tube.outer_mm)] = tube.hu
        if tube.head is not None:
            at, size = tube.head
            ball = np.sqrt(radius**2 + (along - at) ** 2)
            hu[ball < size] = tube.hu
            hu[ball < size - 2] = 250.0
        hu[whole & (radius < tube.inner_mm)] = tube.marrow_hu
        if tube.spur is not None:
            length, width = tube.spur
            side = px - tube.lean[0] * z
            below = (along < tube.low_mm) & (along > tube.low_mm - length)
            hu[below & (np.abs(py) < width) & (side > tube.outer_mm - 6) & (side < tube.outer_mm)] = tube.hu
        if tube.breach is not None:
            low, high, half = tube.breach
            angle = np.abs(np.arctan2(py, px))
            hole = whole & (radius < tube.outer_mm + 1) & (radius > tube.inner_mm - 1) & (angle < half)
            hu[hole & (along > low) & (along < high)] = 50.0
    hu = gaussian_filter(hu, [blur_mm / s for s in spacing])
    hu += np.random.default_rng(3).normal(0, noise_hu, shape)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = (0, 0, step), (0, row, 0), (column, 0, 0)
    affine[:3, 3] = (x.min(), y.min(), z.min())
    volume = np.clip(np.round(hu), -1000, 3071).astype(np.int16)
    return CtVolume(volume, VolumeGeometry(shape, affine), info or ScanInfo())


def solid_mask(tube, bone):
    """Voxels of the crop inside the drawn outline of a tube."""
    index = np.moveaxis(np.indices(bone.mask.shape), 0, -1)
    p = bone.geometry.index_to_lps(index) - np.array([*tube.at, 0.0])
    along = p @ tube.direction
    radius = np.linalg.norm(p - along[..., None] * tube.direction, axis=-1)
    return (radius < tube.outer_mm) & (along >= tube.low_mm) & (along <= tube.high_mm)

"""Where the sections of a canal lie: one frame for each level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sizing.errors import CanalError
from sizing.geometry import FloatArray, frozen_array


@dataclass(frozen=True)
class CanalAxis:
    """Section frames along the canal, m levels.

    Attributes
    ----------
    depth_mm : (m,) array
        Arc length from the resection plane, strictly increasing, growing proximally.
    points_lps : (m, 3) array
        Centre of each section.
    s_lps, u_lps, v_lps : (m, 3) arrays
        Orthonormal right-handed frame of each section: s along the axis (proximal), u = anterior
        as scanned, projected into the section, v = s x u.
    """

    depth_mm: FloatArray
    points_lps: FloatArray
    s_lps: FloatArray
    u_lps: FloatArray
    v_lps: FloatArray

    def __post_init__(self) -> None:
        for name in ("depth_mm", "points_lps", "s_lps", "u_lps", "v_lps"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))
        m = len(self.depth_mm)
        if m < 1 or np.any(np.diff(self.depth_mm) <= 0):
            raise CanalError("CF-C001", "levels must be given from distal to proximal, each once",
                             expected="strictly increasing depth_mm")  # fmt: skip
        for name in ("points_lps", "s_lps", "u_lps", "v_lps"):
            if getattr(self, name).shape != (m, 3):
                raise ValueError(f"{name} must be ({m}, 3)")

    def __len__(self) -> int:
        return len(self.depth_mm)

    def to_lps(self, level: int, xy_mm: ArrayLike) -> FloatArray:
        """Map section coordinates (..., 2) along (u, v) of one level to LPS (..., 3)."""
        xy = np.asarray(xy_mm, np.float64)
        frame = np.stack([self.u_lps[level], self.v_lps[level]])
        return self.points_lps[level] + xy @ frame

"""What a caller may decide about measuring a canal."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.errors import CanalError

# Fewer rays do not follow the canal of a tibia; more than this only repeat the same voxels.
MIN_RAYS, MAX_RAYS = 32, 1024


@dataclass(frozen=True, slots=True)
class CanalSettings:
    """Sampling of the canal.

    Attributes
    ----------
    level_step_mm : float
        Arc length between levels.
    n_angles : int
        Rays per level.
    """

    level_step_mm: float = 1.0
    n_angles: int = 128

    def __post_init__(self) -> None:
        if not 0.1 <= self.level_step_mm <= 10:
            raise CanalError("CF-C011", "the step between levels is not usable",
                             measured=f"{self.level_step_mm:g} mm", expected="0.1 to 10 mm")  # fmt: skip
        if not MIN_RAYS <= self.n_angles <= MAX_RAYS:
            raise CanalError("CF-C012", "the number of rays is not usable",
                             measured=str(self.n_angles), expected=f"{MIN_RAYS} to {MAX_RAYS}")  # fmt: skip

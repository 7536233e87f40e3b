"""Everything about finding a bone that a user may want to change, with the reason for each default."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SegmentationSettings:
    """Settings of `find_residual_bone`.

    Attributes
    ----------
    bone_share : float
        Threshold between soft tissue (0) and cortex (1), both taken from the scan. Below one half, because thin
        cortex never reaches its true HU in the scan's blur and must still close its ring.
    end_share : float
        The same for joint ends, whose cortex is a fraction of a millimetre thick.
    min_shaft_mm : float
        A chain of closed rings shorter than this is not a shaft: pedicle, ramus and acetabulum make short ones.
    min_cortex_share : float
        Mean HU of a shaft's wall as a share of the scan's cortex HU; spine, ramus and calcifications stay below.
    midline_mm : float
        A bone whose middle is nearer than this to the midline has no side by position.
    certain_side_mm : float
        Beyond this, position contradicts a side that was given or is in the header. Further out than the midline,
        because a single limb may be scanned off centre.
    crop_margin_mm : float
        Room left around the bone in the crop.
    """

    bone_share: float = 0.3
    end_share: float = 0.13
    min_shaft_mm: float = 40.0
    min_cortex_share: float = 0.6
    midline_mm: float = 30.0
    certain_side_mm: float = 60.0
    crop_margin_mm: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.end_share <= self.bone_share <= 0.7:
            raise ValueError(f"0 < end_share <= bone_share <= 0.7, got {self.end_share} and {self.bone_share}")
        for name in ("min_shaft_mm", "midline_mm", "certain_side_mm", "crop_margin_mm"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        if not 0 <= self.min_cortex_share <= 1:
            raise ValueError(f"min_cortex_share is a share, 0..1, got {self.min_cortex_share}")

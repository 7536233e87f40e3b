"""Finds the bone that is planned in a CT volume: which voxels, which side, which way is proximal, where it ends."""

from sizing.segmentation.find import find_residual_bone
from sizing.segmentation.locator import Locator
from sizing.segmentation.model import ResidualBone
from sizing.segmentation.settings import SegmentationSettings

__all__ = ["Locator", "ResidualBone", "SegmentationSettings", "find_residual_bone"]

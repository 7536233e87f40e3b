"""The canal: its axis, sections, surfaces below the voxel, shape, and the doubt in each number."""

from sizing.canal.contours import canal_from_contours, parallel_axis
from sizing.canal.model import Canal, CanalAxis, EdgeModel

__all__ = ["Canal", "CanalAxis", "EdgeModel", "canal_from_contours", "parallel_axis"]

"""The canal: its axis, sections, surfaces below the voxel, shape, and the doubt in each number."""

from sizing.canal.contours import parallel_axis
from sizing.canal.isthmus import isthmus_findings
from sizing.canal.measure import measure_canal
from sizing.canal.model import Canal, CanalAxis, CorticalDefect, EdgeModel
from sizing.canal.sections import SectionTable, measure_sections
from sizing.canal.settings import CanalSettings
from sizing.canal.shape import CanalShape, describe_shape
from sizing.canal.thickness import cortical_thickness

__all__ = [
    "Canal",
    "CanalAxis",
    "CanalSettings",
    "CanalShape",
    "CorticalDefect",
    "EdgeModel",
    "SectionTable",
    "cortical_thickness",
    "describe_shape",
    "isthmus_findings",
    "measure_canal",
    "measure_sections",
    "parallel_axis",
]

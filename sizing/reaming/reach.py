"""How far tools reach in a stack of sections, and the wall they leave there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sizing._sweep import Sections
from sizing.canal.model import Canal
from sizing.geometry import FloatArray
from sizing.reaming.cut import hole_edges, kernel_for, least_walls
from sizing.reaming.depth_rule import tool_rims
from sizing.reaming.model import ReamingPlan, ToolKind
from sizing.reaming.sections import SectionStack, sections_at
from sizing.reaming.stencils import stencils


@dataclass(frozen=True)
class Reach:
    """p passes in k sections of n rays.

    Attributes
    ----------
    plan, sections, kernel : ReamingPlan, SectionStack, Sections
        What was looked at; the kernel is ready for more.
    hole_mm : (p, k, n) array
        Outer edge of the hole along the rays after every pass.
    tool_mm : (p, k, n) array
        Of every tool alone; 0 = ray not cut.
    wall_mm, wall_theta_rad : (p + 1, k) arrays
        Least wall before any tool and after every pass, and its angle; NaN = not measured.
    """

    plan: ReamingPlan
    sections: SectionStack
    kernel: Sections
    hole_mm: FloatArray
    tool_mm: FloatArray
    wall_mm: FloatArray
    wall_theta_rad: FloatArray

    @cached_property
    def touched(self) -> NDArray[np.bool_]:
        """Sections (p, k) that every tool reaches."""
        return np.any(self.tool_mm > 0.0, axis=2)

    @cached_property
    def reached(self) -> NDArray[np.bool_]:
        """Sections (p, k) that every tool reaches and no facing tool has planed away by then: no bone, no wall."""
        facing = np.array([made.reamer.kind is ToolKind.FACING for made in self.plan.passes])
        return self.touched & ~np.logical_or.accumulate(self.touched & facing[:, None], axis=0)

    def least_wall_mm(self, i: int) -> FloatArray:
        """Least wall (k,) where pass ``i`` reaches, else NaN."""
        return np.where(self.reached[i], self.wall_mm[i + 1], np.nan)


def reach_at(canal: Canal, plan: ReamingPlan, depth_mm: FloatArray) -> Reach:
    """Look at the sections at depths (k,)."""
    sections = sections_at(canal, depth_mm)
    kernel = kernel_for(sections, plan)
    lean = np.zeros_like(sections.periosteal_mm)
    if len(canal.axis) > 1:
        lean = stencils(canal.axis.depth_mm, depth_mm).slope(canal.periosteal_radius_mm)
    return Reach(plan, sections, kernel, *hole_edges(kernel), *least_walls(kernel, lean))


def reach_at_ends(canal: Canal, plan: ReamingPlan, levels: SectionStack) -> Reach:
    """Look where tools end: a leaning tool's wall is thinnest at its very end, between two levels."""
    depth = levels.depth_mm
    ends = np.unique(np.concatenate([tool_rims(made, levels) for made in plan.passes]))
    return reach_at(canal, plan, ends[(ends > depth[0]) & (ends < depth[-1])])

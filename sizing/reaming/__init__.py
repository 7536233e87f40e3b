"""Reaming: tools, their axis, the passes in order, and what each pass cuts."""

from sizing.reaming.across import across_lps
from sizing.reaming.axis import AxisLimits, Clearance, best_rigid_axis, centre_line, widest_cylinder
from sizing.reaming.model import (
    PassResult,
    ReamedCanal,
    Reamer,
    ReamerPass,
    ReamerSet,
    ReamingPlan,
    TipForm,
    ToolAxis,
    ToolKind,
)
from sizing.reaming.plan import default_reamer_set, reaming_plan
from sizing.reaming.simulate import ream

__all__ = [
    "AxisLimits",
    "Clearance",
    "PassResult",
    "ReamedCanal",
    "Reamer",
    "ReamerPass",
    "ReamerSet",
    "ReamingPlan",
    "TipForm",
    "ToolAxis",
    "ToolKind",
    "across_lps",
    "best_rigid_axis",
    "centre_line",
    "default_reamer_set",
    "ream",
    "reaming_plan",
    "widest_cylinder",
]

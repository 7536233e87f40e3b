"""Reaming: tools, their axis, the passes in order, and what each pass cuts."""

from sizing.reaming.across import across_lps
from sizing.reaming.astray import Astray, AstraySettings, astray
from sizing.reaming.axis import AxisLimits, Clearance, best_rigid_axis, centre_line, widest_cylinder
from sizing.reaming.envelope import Envelope, EnvelopeRow, envelope
from sizing.reaming.evaluate import (
    DiscProfiles,
    Evaluation,
    GridEvaluation,
    PreparedCanal,
    evaluate,
    evaluate_grid,
    evaluate_profiles,
    prepare,
)
from sizing.reaming.flexible import flexible_path
from sizing.reaming.gauge import Gauge, GaugeResult, try_gauge
from sizing.reaming.graft import GraftAccount, GraftSettings, graft_account
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
from sizing.reaming.residual import ReamedSections, reamed_sections
from sizing.reaming.simulate import hole_of, ream
from sizing.reaming.size_doubt import SizeDoubt

__all__ = [
    "Astray",
    "AstraySettings",
    "AxisLimits",
    "Clearance",
    "DiscProfiles",
    "Envelope",
    "EnvelopeRow",
    "Evaluation",
    "Gauge",
    "GaugeResult",
    "GraftAccount",
    "GraftSettings",
    "GridEvaluation",
    "PassResult",
    "PreparedCanal",
    "ReamedCanal",
    "ReamedSections",
    "Reamer",
    "ReamerPass",
    "ReamerSet",
    "ReamingPlan",
    "SizeDoubt",
    "TipForm",
    "ToolAxis",
    "ToolKind",
    "across_lps",
    "astray",
    "best_rigid_axis",
    "centre_line",
    "default_reamer_set",
    "envelope",
    "evaluate",
    "evaluate_grid",
    "evaluate_profiles",
    "flexible_path",
    "graft_account",
    "hole_of",
    "prepare",
    "ream",
    "reamed_sections",
    "reaming_plan",
    "try_gauge",
    "widest_cylinder",
]

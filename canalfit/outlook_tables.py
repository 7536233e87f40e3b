"""Tables of what lies round a plan: the envelope, what goes astray, and the zones by quarter."""

from __future__ import annotations

from canalfit.tables import csv_text
from sizing.planning import ImplantationPlan

ENVELOPE_COLUMNS = ("diameter_mm", "bow_radius_mm", "longest_mm", "bounded_by", "wall_limit_mm")
WHAT_IF_COLUMNS = (
    "last_tool_mm", "size_probability", "size_probability_se", "too_thin_probability", "too_thin_se",
    "breach_probability", "breach_se", "wall_p05_mm", "wall_p50_mm", "wall_p95_mm", "worst_depth_mm", "worst_direction",
)  # fmt: skip
ZONE_COLUMNS = (
    "zone", "from_depth_mm", "to_depth_mm", "contact_share", "canal_fill", "gap_mm3", "diametral_interference_mm",
    "wall_min_mm",
)  # fmt: skip


def envelope_csv(plan: ImplantationPlan) -> str:
    """Return one row per bow and diameter: the longest stem that leaves the wall, and what bounds it."""
    reach = plan.envelope
    if reach is None:
        return csv_text(ENVELOPE_COLUMNS, [])
    return csv_text(ENVELOPE_COLUMNS, [
        (r.diameter_mm, r.bow_radius_mm, r.length_mm, "end of the measured bone" if r.reaches_end else "wall",
         reach.wall_limit_mm)
        for r in reach.rows
    ])  # fmt: skip


def what_if_csv(plan: ImplantationPlan) -> str:
    """Return one row per size of the chosen model; empty without a choice."""
    drawn, size = plan.astray, plan.size
    if drawn is None or size is None:
        return csv_text(WHAT_IF_COLUMNS, [])
    return csv_text(WHAT_IF_COLUMNS, [
        (d, size.probability[i], size.se[i], drawn.too_thin_probability[i], drawn.too_thin_se[i],
         drawn.breach_probability[i], drawn.breach_se[i], *drawn.wall_quantiles_mm[i], drawn.worst_depth_mm[i],
         drawn.worst_direction[i])
        for i, d in enumerate(drawn.diameters_mm)
    ])  # fmt: skip


def zones_csv(plan: ImplantationPlan) -> str:
    """Return one row per zone of the chosen stem, whole and by quarter; empty without a choice."""
    zones = () if plan.chosen is None else plan.chosen.zones
    return csv_text(ZONE_COLUMNS, [[getattr(z, "name" if c == "zone" else c) for c in ZONE_COLUMNS] for z in zones])
